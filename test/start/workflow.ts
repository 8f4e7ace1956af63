import type { EditorPage } from '../support/editor/editor-page.ts';
import { TownWatcher } from '../support/town-watcher.ts';
import { rigName } from './demo-town.ts';
import type { DemoTown } from './demo-town.ts';
import type { Report } from './report.ts';
import { reviewAndMerge, titles } from './review-and-merge.ts';
import type { Steps } from './steps.ts';

const workers = ([1, 2, 3] as const).map((n) => ({
  work: `issue-${n}` as const,
  name: `worker-${n}`,
  session: `${rigName}-worker-${n}`,
}));
const mayor = 'hq-mayor';
const refinery = `${rigName}-refinery`;

/** What the workflow leaves behind for the report. */
export interface Seen {
  watcher: TownWatcher;
  screenshots: string[];
  forecast: Report['forecast'];
}

/**
 * The seed's mixed workflow, as a user does it: through the extension's own actions and `gt` in the integrated
 * terminal. Every wait is for something that the town reports.
 */
export async function runWorkflow(page: EditorPage, demo: DemoTown, steps: Steps): Promise<Seen> {
  const screenshots: string[] = [];
  const picture = async (name: string): Promise<void> => {
    screenshots.push(await page.screenshot(name));
  };
  const sessions = page.views.tree('Sessions');

  await steps.run('create the town', async () => {
    await page.views.open('Gas Town');
    await page.palette.run('Gas Town: Create Town…');
    await page.quickInput.pick('town');
    await page.quickInput.pick('Let Them Run gt');
  });
  const watcher = await steps.run('the extension hosts it', () => TownWatcher.connect(demo.town));
  const live = (id: string) =>
    watcher.until(`${id} to run`, (town) => town.sessions.some((each) => each.id === id && each.state === 'running'));

  await steps.run('add the rig', async () => {
    await page.palette.run('Gas Town: Add Rig…');
    await page.quickInput.pick('Git URL…');
    await page.quickInput.type(demo.rig, 'URL of the git repository');
    await page.quickInput.type(rigName, 'Name of the rig');
    await watcher.until('the rig', (town) => town.rigs.some((rig) => rig.name === rigName));
  });
  await picture('1-town-with-rig');

  await steps.run('start the mayor (Claude)', async () => {
    await page.palette.run('Gas Town: Start Mayor');
    await live(mayor);
  });
  await picture('2-mayor');

  await steps.run('sling issue-1 by the action', async () => {
    await page.palette.run('Gas Town: Quick Work Unit…');
    await page.quickInput.type(titles['issue-1'], 'What is to be done?');
    await page.quickInput.type('issue-1', 'Id of the work unit');
    await page.quickInput.pick('Normal', 'How urgent');
    await watcher.until('issue-1', (town) => town.work.some((work) => work.id === 'issue-1'));
    await page.palette.run('Gas Town: Sling Work…');
    await page.quickInput.pick('issue-1', 'Which work?');
    await page.quickInput.pick('opencode', 'Which agent?');
    await page.quickInput.type('worker-1', 'Name of the worker');
    await live(workers[0]!.session);
  });
  await steps.run('sling issue-2 and issue-3 by gt', async () => {
    await page.terminals.create();
    for (const { work, name, session } of workers.slice(1)) {
      await page.terminals.type(`gt sling ${work} ${rigName} --agent opencode --name ${name} -m "${titles[work]}"`);
      await live(session);
      await page.terminals.textWhen(new RegExp(`Slung ${work} to`));
    }
  });
  await picture('3-polecats');

  await steps.run('start the refinery (Claude) by gt', async () => {
    await page.terminals.type(`gt refinery start ${rigName} --agent claude`);
    await live(refinery);
  });

  await steps.run('three polecats work, commit and report', async () => {
    await watcher.until('three units done with a commit each', (town) =>
      workers.every(({ work }) =>
        town.work.some((each) => each.id === work && each.state === 'done' && (each.commits ?? 0) > 0),
      ),
    );
  });
  await picture('4-work-done');

  await steps.run('the mayor is asked to nudge a polecat', async () => {
    await watcher.until('the mayor to be idle', (town) => activityOf(town.sessions, mayor) === 'idle');
    await page.palette.run('Gas Town: Send Message…');
    await page.quickInput.pick('Mayor', 'To whom?');
    await page.quickInput.pick('Nudge', 'How?');
    await page.quickInput.type(`Please ask ${workers[0]!.session} how it is going.`, 'Message to');
  });
  await steps.run('nudge from the mayor, mail back', async () => {
    await allowUntil(page, watcher, picture, async () => {
      const { messages } = await watcher.request('message.list', {});
      const nudged = messages.some(
        (each) => each.from === mayor && each.to === workers[0]!.session && each.state === 'acted',
      );
      const mailed = messages.some(
        (each) => each.from === workers[0]!.session && each.to === mayor && each.readAt !== undefined,
      );
      return nudged && mailed;
    });
  });
  await steps.run('everybody is idle again', async () => {
    await watcher.until('all sessions to be idle', (town) =>
      town.sessions.every((each) => each.activity.kind === 'idle'),
    );
  });
  await page.views.open('Gas Town');
  await sessions.row(rigName).expand();
  await sessions.rowsWhen(
    'five sessions in the tree',
    (rows) => rows.filter((row) => /worker-|mayor|refinery/i.test(row.label)).length >= 5,
  );
  await page.terminals.create();
  await page.terminals.type('gt agents');
  await page.terminals.textWhen(/claude\s+refinery\s+-\s+myproject\s+running/);
  // What was asked has been answered; the editor gives extensions no way to take a message back.
  await page.notifications.clear();
  await picture('5-agents');
  const forecast = await reviewAndMerge({ page, watcher, model: demo.model, steps, picture });
  return { watcher, screenshots, forecast };
}

function activityOf(sessions: readonly { id: string; activity: { kind: string } }[], id: string): string | undefined {
  return sessions.find((each) => each.id === id)?.activity.kind;
}

/**
 * The mayor asks before it runs a command: as long as it does, the row of what it asks is answered with "Allow", which is what
 * the user would do.
 */
async function allowUntil(
  page: EditorPage,
  watcher: TownWatcher,
  picture: (name: string) => Promise<void>,
  finished: () => Promise<boolean>,
): Promise<void> {
  const answered = new Set<string>();
  while (!(await finished())) {
    const { revision } = watcher.snapshot;
    const waiting = watcher.snapshot.sessions.flatMap((each) => each.asks).find((ask) => !answered.has(ask.id));
    if (waiting) {
      answered.add(waiting.id);
      const asks = `the row of "${waiting.title}"`;
      await page.views.tree('Sessions').rowsWhen(asks, (rows) => rows.some((row) => row.label === waiting.title));
      await picture(`permission-${answered.size}`);
      await page.views.tree('Sessions').row(waiting.title).inlineAction('Allow');
      await page.quickInput.pick('Allow', 'asks');
    } else await watcher.until('something to happen', (town) => town.revision > revision, 60_000);
  }
}
