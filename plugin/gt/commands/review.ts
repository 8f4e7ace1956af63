import type { Command } from 'commander';
import { quoted } from '../../../shared/platform/sanitize.ts';
import type { Params } from '../../../shared/channel/protocol.ts';
import type { ChangeView, MergeDetailView, MergeView, ThreadView } from '../../../shared/channel/views.ts';
import { addCommand, given } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';
import { oneLine, table } from '../table.ts';

type MessageOptions = CommonOptions & { message?: string; file?: string };

/** Looking at finished work, and deciding about it. */
export function addReviewCommands(program: Command, gt: Gt): void {
  const review = addCommand(program, 'review [work]', 'show what waits for review, or what a unit changes')
    .option('--rig <rig>', 'only what waits in this rig')
    .action(async (work: string | undefined, { rig, ...options }: CommonOptions & { rig?: string }) => {
      if (work === undefined) {
        const { merges } = await gt.request('merge.list', given<Params<'merge.list'>>({ rig }));
        return gt.print(options, merges, mergeTable);
      }
      const changes = await gt.request('review.changes', { id: work });
      const { GT_WINDOW: window, GT_RUN: run } = gt.io.env;
      // In a terminal of the editor the user sees it there; a session has its own token and no window.
      if (window && !run && !options.json) await gt.request('review.open', { id: work, window });
      const merge = await mergeOf(gt, work);
      gt.print(options, { ...changes, ...(merge === undefined ? {} : { merge }) }, (_shown, width) =>
        reviewText(changes, merge, width),
      );
    });

  addCommand(review, 'comment <work> <place> <text>', 'comment on a line; PLACE is FILE:LINE, "-" reads the text')
    .option('--old', 'the line as it was before')
    .action(async (work: string, place: string, text: string, { old, ...options }: CommonOptions & { old?: true }) => {
      const [, path, line] = /^(.+):(\d+)$/.exec(place) ?? [];
      if (path === undefined) return review.error(`error: "${place}" names no line. Write FILE:LINE.`);
      const comment = { id: work, path, line: Number(line), side: old ? ('old' as const) : ('new' as const) };
      gt.print(options, await gt.request('review.comment', { ...comment, body: await gt.text(text) }), threadText);
    });

  addCommand(review, 'reply <comment> <text>', 'answer a comment (C-1, C-2, …); "-" reads the text').action(
    async (thread: string, text: string, options: CommonOptions) => {
      gt.print(options, await gt.request('review.reply', { thread, body: await gt.text(text) }), threadText);
    },
  );

  addCommand(program, 'approve <work>', 'say that a finished unit is good as it is now')
    .option('--merge', 'and merge it')
    .action(async (id: string, { merge, ...options }: CommonOptions & { merge?: true }) => {
      gt.print(options, await gt.request('merge.approve', given<Params<'merge.approve'>>({ id, merge })), stateText);
    });

  withMessage(addCommand(program, 'send-back <work>', 'give a finished unit back, with your comments'))
    .option('--agent <agent>', 'another agent than the one that did it')
    .action(async (id: string, { message, file, agent, ...options }: MessageOptions & { agent?: string }) => {
      const text = await gt.textOrFile(message, file);
      const sent = await gt.request('merge.return', given<Params<'merge.return'>>({ id, message: text, agent }));
      gt.print(options, sent, ({ session }) => `${id} goes back to ${session ?? 'a new session'}.`);
    });

  withMessage(addCommand(program, 'discard <work>', 'say that a finished unit is not wanted')).action(
    async (id: string, { message, file, ...options }: MessageOptions) => {
      const text = await gt.textOrFile(message, file);
      gt.print(
        options,
        await gt.request('merge.discard', given<Params<'merge.discard'>>({ id, message: text })),
        stateText,
      );
    },
  );
}

const withMessage = (command: Command): Command =>
  command
    .option('-m, --message <text>', 'why; "-" reads standard input')
    .option('-F, --file <file>', 'the same, from a file');

/** A unit that is still worked at has none. */
async function mergeOf(gt: Gt, id: string): Promise<MergeDetailView | undefined> {
  const { merges } = await gt.request('merge.list', { all: true });
  return merges.some(({ work }) => work === id) ? gt.request('merge.show', { id }) : undefined;
}

const stateText = (merge: MergeView): string =>
  `${merge.work} is ${merge.approvedBy !== undefined && merge.state === 'review' ? 'approved' : merge.state}.`;

function mergeTable(merges: readonly MergeView[], width: number | undefined): string {
  return table(
    ['WORK', 'STATE', 'RIG', 'BRANCH', 'CHANGES', 'WHY'],
    merges.map(({ work, state, rig, branch, size, why, round }) => [
      work,
      round === 1 ? state : `${state} (round ${round})`,
      rig,
      branch,
      size && `${size.files} files +${size.additions} -${size.deletions}`,
      why,
    ]),
    { width, cut: ['BRANCH', 'RIG'], whole: true },
  );
}

function reviewText(
  { from, to, files, commits }: ChangeView,
  merge: MergeDetailView | undefined,
  width: number | undefined,
): string {
  const numbers = (file: ChangeView['files'][number]): string =>
    file.binary ? 'binary' : `+${file.additions ?? 0} -${file.deletions ?? 0}`;
  return [
    ...(merge === undefined ? [] : [`${merge.work} is ${merge.state}, round ${merge.round}, for ${merge.target}`]),
    `git diff ${from.slice(0, 10)} ${to.slice(0, 10)}`,
    ...commits.map(({ commit, subject }) => `  ${commit.slice(0, 10)} ${oneLine(subject)}`),
    table(
      ['FILE', 'HOW', 'LINES'],
      files.map((file) => [file.path, file.status, numbers(file)]),
      { width, cut: ['FILE'] },
    ),
    ...(merge?.threads ?? []).map(threadText),
  ].join('\n');
}

function threadText({ id, path, line, quote, state, comments }: ThreadView): string {
  const said = comments.map(
    ({ by, body, receipt }) => `${by}${receipt === undefined ? '' : ` (${receipt})`}:\n${quoted(body)}`,
  );
  return [`${id} ${path}:${line} (${state})`, quoted(quote), ...said].join('\n');
}
