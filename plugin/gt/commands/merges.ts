import type { Command } from 'commander';
import type { Params } from '../../../shared/channel/protocol.ts';
import type { MergeView } from '../../../shared/channel/views.ts';
import { notSeenText, pullText } from '../../../shared/domain/pull-request.ts';
import { remedyInTerminal } from '../../../shared/domain/trouble.ts';
import { quoted } from '../../../shared/platform/sanitize.ts';
import { addCommand, given } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';
import { table } from '../table.ts';

/** What is on its way into its target. */
export function addMergeCommands(program: Command, gt: Gt): void {
  addCommand(program, 'queue', 'show what is being merged, what would conflict, and why something waits')
    .option('--rig <rig>', 'only of this rig')
    .option('--refresh', 'ask first what has become of open pull requests')
    .action(async ({ rig, refresh, ...options }: CommonOptions & { rig?: string; refresh?: true }) => {
      if (refresh) await gt.request('merge.refresh', given<Params<'merge.refresh'>>({ rig }));
      const { merges } = await gt.request('merge.list', given<Params<'merge.list'>>({ rig }));
      gt.print(options, merges, queueTable);
    });

  addCommand(program, 'merge <work>', 'put a finished unit into the merge queue, or try it once more').action(
    async (id: string, options: CommonOptions) => {
      const merge = await gt.request('merge.queue', { id });
      gt.print(options, merge, () => `${id} is ${merge.state}; it goes into ${merge.target}.`);
    },
  );
}

function queueTable(merges: readonly MergeView[], width: number | undefined): string {
  if (merges.length === 0) return 'Nothing is on its way into its target.';
  const first = (merge: MergeView): number => merge.position ?? (merge.state === 'queued' ? 1_000 : 0);
  const rows = [...merges]
    .sort((a, b) => first(a) - first(b))
    .map((merge) => [
      merge.work,
      merge.state === 'queued' && merge.position !== undefined ? `${merge.state} ${merge.position}` : merge.state,
      merge.target,
      forecastText(merge),
      whyText(merge),
    ]);
  const fit = { width, cut: ['WOULD CONFLICT WITH', 'INTO'], whole: true } as const;
  const shown = table(['WORK', 'STATE', 'INTO', 'WOULD CONFLICT WITH', 'WHY'], rows, fit);
  return [shown, ...redTexts(merges)].join('\n\n');
}

/** Of each target that fails its gates by itself, once: where, what was printed, and how it goes on. */
function redTexts(merges: readonly MergeView[]): string[] {
  const waiting = merges.filter(({ state, targetRed }) => state === 'queued' && targetRed !== undefined);
  const firsts = waiting.filter(({ rig, target, targetRed }, at) => {
    const same = (other: MergeView): boolean =>
      other.rig === rig && other.target === target && other.targetRed?.commit === targetRed?.commit;
    return waiting.findIndex(same) === at;
  });
  return firsts.flatMap(({ work, rig, target, targetRed: { commit, gates } = { commit: '', gates: [] } }) =>
    gates.map(({ name, state, log, tail }) => {
      const how = state === 'timed-out' ? 'did not end in time' : 'failed';
      const where = log === undefined ? '' : `; all of its output: ${log}`;
      const head = `${name} ${how} on ${target} of ${rig} itself, at ${commit.slice(0, 10)}${where}`;
      const next = `What fails there, too, waits until ${target} moves or the rig's settings change. To try at once: gt merge ${work}`;
      return [head, quoted(tail ?? 'It printed nothing.'), next].join('\n');
    }),
  );
}

/** What has become of its pull request, and what is wrong. */
function whyText(merge: MergeView): string | undefined {
  const { state, pull, why } = merge;
  const notSeen = notSeenText(merge, remedyInTerminal);
  const facts = [
    ...(pull?.number === undefined ? [] : [pullText(pull)]),
    ...(why === undefined ? [] : [why]),
    ...(notSeen === undefined ? [] : [notSeen]),
    ...(state === 'proposed' && pull?.url !== undefined ? [pull.url] : []),
  ];
  return facts.length === 0 ? undefined : facts.join('; ');
}

function forecastText({ target, forecast, conflicts = forecast }: MergeView): string | undefined {
  if (conflicts?.length === 0) return 'nothing';
  return conflicts
    ?.map(({ work = target, files, untried }) => `${work} (${files.join(', ')}${untried ? '?' : ''})`)
    .join('; ');
}
