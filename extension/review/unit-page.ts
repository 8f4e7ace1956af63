import * as vscode from 'vscode';
import { GasTownError, hasCode, messageOf } from '../../shared/platform/errors.ts';
import type { TownApi } from '../../shared/channel/protocol.ts';
import type { TownSnapshot } from '../../shared/channel/views.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import type { CurrentTown } from '../town/current-town.ts';
import { viewContext } from '../views/views.ts';
import { pageCommands, unitText } from './unit-text.ts';
import type { UnitFacts } from './unit-text.ts';

/** A page that is seen is read again after a change at most once in this time, in milliseconds. */
const refreshPause = 1_000;

const style = `body { max-width: 60em; line-height: 1.5; padding: 0 2em 2em; }
h1 { font-weight: 500; } h2 { font-size: 1.1em; margin-top: 1.6em; border-bottom: 1px solid var(--vscode-widget-border); }
td, th { padding: 0 1.5em 0 0; text-align: left; } td:first-child { font-family: var(--vscode-editor-font-family); }
blockquote { margin: 0; padding: 0.2em 1em; border-left: 3px solid var(--vscode-textBlockQuote-border); background: var(--vscode-textBlockQuote-background); }
blockquote p { margin: 0.3em 0; } ul { padding-left: 1.4em; }
pre { padding: 0.6em 1em; background: var(--vscode-textCodeBlock-background); white-space: pre-wrap; }`;

interface Read {
  /** What the town said of the unit, and how many messages there had been, when it was read. */
  about: string;
  messages: number;
  facts: UnitFacts;
  html: string;
}

/** One page about one unit of work: one tab, which shows the unit that was asked for last, and stays as it is. */
export class UnitPage {
  private readonly disposables = new DisposableStore();
  private readonly town: CurrentTown;
  private readonly log: Pick<vscode.LogOutputChannel, 'debug'>;
  private panel: vscode.WebviewPanel | undefined;
  private wanted = '';
  private known: Read | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(town: CurrentTown, log: Pick<vscode.LogOutputChannel, 'debug'>) {
    this.town = town;
    this.log = log;
    this.disposables.add(town.onDidChange(() => this.refresh()));
  }

  /** Rejects with `unknown-work`. */
  async show(work: string): Promise<void> {
    this.wanted = work;
    const read = await this.read(work);
    // Another one was asked for meanwhile.
    if (this.wanted !== work) return;
    this.panel ??= this.open();
    this.panel.title = work;
    this.put(read);
    this.panel.reveal(undefined, false);
    if (read.facts.merge?.state === 'proposed') this.askAbout(work);
  }

  /** Whoever opens the page wants to know what has become of its pull request; the answer comes as any change does. */
  private askAbout(id: string): void {
    this.town.connection?.api
      .request('merge.refresh', { id })
      .catch((error: unknown) => this.log.debug(`the pull request of ${id} was not seen: ${messageOf(error)}`));
  }

  dispose(): Promise<void> {
    clearTimeout(this.timer);
    this.panel?.dispose();
    return this.disposables.dispose();
  }

  private open(): vscode.WebviewPanel {
    const panel = vscode.window.createWebviewPanel('gastown.unit', '', vscode.ViewColumn.Active, {
      enableScripts: false,
      enableFindWidget: true,
      localResourceRoots: [],
      enableCommandUris: pageCommands.map((name) => `gastown.${name}`),
    });
    panel.iconPath = new vscode.ThemeIcon('checklist');
    const ofPanel = new DisposableStore();
    ofPanel.add(panel.onDidChangeViewState(() => this.refresh()));
    ofPanel.add(
      panel.onDidDispose(() => {
        void ofPanel.dispose();
        this.panel = undefined;
        this.known = undefined;
      }),
    );
    return panel;
  }

  private put(read: Read): void {
    const same = this.known?.html === read.html;
    this.known = read;
    if (!same && this.panel) this.panel.webview.html = read.html;
  }

  private refresh(): void {
    if (!this.panel?.visible) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const { known } = this;
      if (!known) return;
      this.read(known.facts.work.id).then(
        (read) => {
          if (this.known === known) this.put(read);
        },
        // The host has just gone, for example: the page stays as it was.
        (error: unknown) => this.log.debug(`${known.facts.work.id} could not be read again: ${messageOf(error)}`),
      );
    }, refreshPause);
  }

  /** Asks only for what may have changed since it was read last. */
  private async read(work: string): Promise<Read> {
    const { connection } = this.town;
    if (!connection) throw new GasTownError('no-town', vscode.l10n.t('This window is in no town.'));
    const { api, snapshot } = connection;
    const about = aboutOf(snapshot, work);
    const messages = snapshot.messagesRevision;
    const known = this.known?.about === about ? this.known : undefined;
    const facts =
      known === undefined
        ? await factsOf(api, work)
        : known.messages === messages
          ? known.facts
          : await messagesOf(api, known.facts);
    return { about, messages, facts, html: await pageOf(unitText(facts, viewContext())) };
  }
}

/** What of the snapshot is about the unit. */
function aboutOf({ work, merges }: TownSnapshot, id: string): string {
  return JSON.stringify([work.find((each) => each.id === id), merges.find((each) => each.work === id)]);
}

async function factsOf(api: TownApi, id: string): Promise<UnitFacts> {
  const [work, merge, changes, { messages }] = await Promise.all([
    api.request('work.show', { id }),
    unlessRefused(api.request('merge.show', { id })),
    unlessRefused(api.request('review.changes', { id })),
    api.request('message.list', { work: id }),
  ]);
  return { work, messages, ...(merge ? { merge } : {}), ...(changes ? { changes } : {}) };
}

/** Receipts and answers; what git knows is not asked for again. */
async function messagesOf(api: TownApi, facts: UnitFacts): Promise<UnitFacts> {
  const { id } = facts.work;
  const { messages } = await api.request('message.list', { work: id });
  return { ...facts, messages, ...(facts.merge ? { merge: await api.request('merge.show', { id }) } : {}) };
}

/** A unit that has no finished branch, or no commit, has none of it. */
function unlessRefused<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((error: unknown) => {
    if (hasCode(error, 'refused')) return undefined;
    throw error;
  });
}

async function pageOf(markdown: string): Promise<string> {
  const body = await vscode.commands.executeCommand<string>('markdown.api.render', markdown);
  const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`;
  return `<!DOCTYPE html><html><head><meta charset="utf-8">${policy}<style>${style}</style></head><body>${body}</body></html>`;
}
