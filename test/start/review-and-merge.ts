import type { MergeView } from '../../shared/channel/views.ts';
import type { EditorPage } from '../support/editor/editor-page.ts';
import { Review } from '../support/editor/review.ts';
import type { TreeRowFacts } from '../support/editor/tree.ts';
import type { ScriptedModel } from '../support/model/server.ts';
import type { TownWatcher } from '../support/town-watcher.ts';
import { rigName } from './demo-town.ts';
import type { Report } from './report.ts';
import type { Steps } from './steps.ts';

interface Parts {
  page: EditorPage;
  watcher: TownWatcher;
  model: Pick<ScriptedModel, 'release'>;
  steps: Steps;
  picture: (name: string) => Promise<void>;
}

/** The units' titles; the last two are about one line of one file. */
export const titles = {
  'issue-1': 'Write notes',
  'issue-2': 'List notes',
  'issue-3': 'List notes',
} as const;
type Unit = keyof typeof titles;
const units = Object.keys(titles) as Unit[];

const conflictsWith =
  (unit: Unit) =>
  ({ forecast }: MergeView): boolean =>
    forecast?.some(({ work }) => work === unit) ?? false;
const isMerged =
  (label: string) =>
  (shown: TreeRowFacts): boolean =>
    shown.label === label && shown.description.startsWith('merged in main');

/**
 * The second half of the workflow: what the three units have made is looked at, sent back with a comment, approved, and
 * merged; where two conflict the refinery resolves it. Resolves with the forecast, as it was before anything was merged.
 */
export async function reviewAndMerge(parts: Parts): Promise<Report['forecast']> {
  const { page, watcher, model, steps, picture } = parts;
  const { views, palette, quickInput, terminals } = page;
  const work = views.tree('Work');
  const review = new Review(page.page);
  const until = (what: string, unit: Unit, check: (merge: MergeView) => boolean): Promise<unknown> =>
    watcher.until(`${unit} ${what}`, ({ merges }) => merges.some((merge) => merge.work === unit && check(merge)));

  // So that the rows are in the pictures with what they say.
  await views.resize(480);
  await steps.run('forecast: issue-2 and issue-3 would conflict', async () => {
    await Promise.all([
      until('to be forecast', 'issue-1', ({ forecast }) => forecast?.length === 0),
      until('to be forecast against issue-3', 'issue-2', conflictsWith('issue-3')),
      until('to be forecast against issue-2', 'issue-3', conflictsWith('issue-2')),
    ]);
    await work.rowWhen('issue-2', ({ description }) => description.includes('conflicts with issue-3'));
    await terminals.type('clear; gt queue');
    await terminals.textWhen(/issue-2 \(README\.md\)[\s\S]+\$$/);
  });
  await picture('6-forecast');
  const { merges } = watcher.snapshot;
  const forecast = merges.flatMap(({ work: unit, target, forecast: conflicts = [] }) =>
    conflicts.map(({ work: against = target, files }) => ({ work: unit, against, files: [...files] })),
  );

  await steps.run('review issue-1, and comment on a line', async () => {
    await palette.run('View: Hide Panel');
    await work.row('issue-1').click();
    await review.untilShows('notes-issue-1.md');
    await until('to be looked at', 'issue-1', ({ reviewed }) => reviewed);
    await picture('7-review');
    await review.write('notes-issue-1.md', 'Done by a polecat', 'Please say which polecat.');
    await review.addComment();
    await until('to have a comment', 'issue-1', ({ comments }) => comments === 1);
  });
  await steps.run('send it back to its author', async () => {
    await palette.run('Gas Town: Send Back with Comments…');
    await quickInput.type('Nearly there.', '1 comment goes to the author.');
    await quickInput.pick('The Same Session', 'Who shall change it?');
    await work.rowWhen('issue-1', ({ description }) => description.startsWith('running · sent back in round 1'));
    await review.untilSays('delivered');
  });
  await picture('8-sent-back');
  await steps.run('its author mends it, and answers', async () => {
    model.release('mend');
    await until('to be in round 2', 'issue-1', ({ round, state }) => round === 2 && state === 'review');
    await palette.run('View: Close All Editors');
    await work.rowWhen('issue-1', ({ description }) => description.startsWith('in review, round 2'));
    await work.row('issue-1').click();
    await review.untilShows('notes-issue-1.md');
    await review.untilSays('It names me now.');
    // The editor shows the list of all comments by itself.
    await palette.run('View: Hide Panel');
  });
  await picture('9-mended');

  await steps.run('approve and merge issue-1 by the action', async () => {
    await palette.run('Gas Town: Approve and Merge…');
    await until('to be merged', 'issue-1', ({ state }) => state === 'merged');
    await palette.run('View: Close All Editors');
  });
  await steps.run('approve and merge the others by gt: the second conflicts', async () => {
    await terminals.create();
    for (const unit of ['issue-2', 'issue-3'] as const) await terminals.type(`gt approve ${unit} --merge`);
    await until('to be merged', 'issue-2', ({ state }) => state === 'merged');
    await watcher.until('issue-3 to be with the refinery', (town) =>
      town.work.some(
        ({ id, owner, state }) => id === 'issue-3' && owner === `${rigName}-refinery` && state === 'running',
      ),
    );
    await work.rowWhen('issue-3', ({ description }) => description.startsWith('running · sent back in round 1'));
    await terminals.type('clear; gt queue');
    await terminals.textWhen(/sent-back[\s\S]+\$$/);
  });
  await picture('10-conflict');
  await steps.run('the refinery resolves it; what it made is reviewed, too', async () => {
    model.release('resolve');
    await until(
      'to be in round 2',
      'issue-3',
      ({ round, state, size }) => round === 2 && state === 'review' && size !== undefined,
    );
    await work.rowWhen('issue-3', ({ description }) => description.startsWith('in review, round 2'));
    await palette.run('View: Hide Panel');
    await work.row('issue-3').click();
    await review.untilShows('README.md', 'notes-issue-3.md');
  });
  await picture('11-resolved');
  await steps.run('all three are merged', async () => {
    await palette.run('Gas Town: Approve and Merge…');
    await Promise.all(units.map((unit) => until('to be merged', unit, ({ state }) => state === 'merged')));
    await palette.run('View: Close All Editors');
    await work.row('Done').expand();
    await work.rowsWhen('three merged rows', (rows) => units.every((unit) => rows.some(isMerged(unit))));
    await terminals.show();
    await terminals.type(`clear; git --no-pager -C ../${rigName} log --oneline --first-parent`);
    await terminals.textWhen(/Merge issue-3/);
  });
  await picture('12-merged');
  return forecast;
}
