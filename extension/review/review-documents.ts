import * as vscode from 'vscode';
import { GasTownError } from '../../shared/platform/errors.ts';
import { Queue } from '../../shared/platform/queue.ts';
import type { TownConnection } from '../../shared/host/membership.ts';
import type { ReviewSide } from '../../shared/domain/merge.ts';
import type { CurrentTown } from '../town/current-town.ts';
import { fromUri, pathOf, reviewScheme, toQuery } from './review-uri.ts';

const t = vscode.l10n.t;

/** A file as a commit of a unit has it. `below`: the path of a folder whose files it is compared with. */
export function sideUri(work: string, commit: string, side: ReviewSide, path: string, below?: string): vscode.Uri {
  const query = toQuery({ work, commit, side, ...(below === undefined ? {} : { below }) });
  return vscode.Uri.from({ scheme: reviewScheme, path: `${below ?? ''}/${path}`, query });
}

/** The editor asks for both sides of all files at once; others want something of the host, too. */
const readAtOnce = 4;

/**
 * Files of commits, read-only, by the host: nothing is checked out. What a commit has never changes. The editor opens the tabs of
 * before a reload at once: it asks again when this is there, because `onFileSystem:gtreview` in the manifest activates it.
 */
export class ReviewDocuments implements vscode.TextDocumentContentProvider {
  private readonly town: CurrentTown;
  private readonly registration: vscode.Disposable;
  private readonly reads = new Queue(readAtOnce);

  constructor(town: CurrentTown) {
    this.town = town;
    this.registration = vscode.workspace.registerTextDocumentContentProvider(reviewScheme, this);
  }

  async provideTextDocumentContent(uri: vscode.Uri, token: vscode.CancellationToken): Promise<string> {
    const shown = fromUri(uri);
    if (!shown) throw new GasTownError('bad-input', t('{0} is nothing that can be reviewed.', uri.toString()));
    const { work: id, commit } = shown;
    const path = pathOf(uri, shown);
    const { api } = await this.connected();
    const controller = new AbortController();
    const cancelling = token.onCancellationRequested(() => controller.abort());
    try {
      const file = await this.reads.run(() => api.request('review.file', { id, commit, path }, controller.signal));
      switch (file.kind) {
        case 'text':
          return file.text;
        case 'missing':
          return '';
        case 'binary':
          return t('{0} at {1}: a binary file, which cannot be shown as text.', path, commit.slice(0, 7));
        case 'too-large':
          return t('{0} at {1}: too large to be shown. Open the worktree to look at it.', path, commit.slice(0, 7));
      }
    } finally {
      cancelling.dispose();
    }
  }

  dispose(): void {
    this.registration.dispose();
  }

  /** The editor opens what was open before a reload before the town has been found. */
  private async connected(): Promise<TownConnection> {
    while (!this.town.connection) {
      if (this.town.searched) throw new GasTownError('no-town', t('This window is in no town.'));
      await new Promise<void>((resolve) => {
        const waiting = this.town.onDidChange(() => {
          waiting.dispose();
          resolve();
        });
      });
    }
    return this.town.connection;
  }
}
