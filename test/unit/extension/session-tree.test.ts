import { expect, test } from 'vitest';
import { sessionContextValue, sessionTree } from '../../../extension/views/session-tree.ts';
import type { TreeNode } from '../../../extension/views/tree-node.ts';
import { ask, asking, context, rig, session, town } from './fixtures.ts';

/** Each row as one indented line. */
function outline(nodes: readonly TreeNode[], depth = 0): string[] {
  return nodes.flatMap((node) => [`${'  '.repeat(depth)}${node.label}`, ...outline(node.children, depth + 1)]);
}

function all(nodes: readonly TreeNode[]): TreeNode[] {
  return nodes.flatMap((node) => [node, ...all(node.children)]);
}

const mayor = session({ id: 'hq-mayor', role: 'mayor', agentName: '', rig: '', backend: 'claude', agent: 'claude' });
const deacon = { ...mayor, id: 'hq-deacon', role: 'deacon' as const };
const refinery = session({ id: 'myproject-refinery', role: 'refinery', agentName: '' });
const named = (agentName: string, changes = {}) => session({ id: `myproject-${agentName}`, agentName, ...changes });

test('town, rig, role, session, and below it what it asks and its child sessions', () => {
  const child = { id: 'c1', title: 'Explore the code', activity: 'busy' as const };
  const snapshot = town({
    rigs: [rig, { ...rig, name: 'empty' }],
    sessions: [
      deacon,
      named('worker-10'),
      named('worker-2'),
      named('Max', { role: 'crew' }),
      asking([ask(), ask({ id: 'ask-2', title: 'Edit: main.ts' })], {
        id: 'myproject-worker-3',
        agentName: 'worker-3',
        children: [child],
      }),
      refinery,
      mayor,
    ],
  });
  expect(outline(sessionTree(snapshot, context))).toEqual([
    'town',
    '  Mayor',
    '  Deacon',
    '  myproject',
    '    Refinery',
    '    Crew',
    '      Max',
    '    Polecats',
    '      worker-3',
    '        Bash: npm test',
    '        Edit: main.ts',
    '        Explore the code',
    '      worker-2',
    '      worker-10',
    '  empty',
  ]);
});

test('waiting first, then failed, ended last; work going on moves no row', () => {
  const order = (...sessions: ReturnType<typeof session>[]) =>
    outline(sessionTree(town({ sessions }), context)).slice(3);
  const a = named('a', { state: 'stopped' });
  const b = named('b', { activity: { kind: 'busy' } });
  const c = named('c', { state: 'failed' });
  const d = asking([], { id: 'myproject-d', agentName: 'd', cause: 'd' });
  const e = named('e');
  // The second d is what it waits for.
  expect(order(a, b, c, d, e).map((line) => line.trim())).toEqual(['d', 'd', 'c', 'b', 'e', 'a']);
  expect(
    order(a, { ...b, activity: { kind: 'idle' } }, c, d, { ...e, activity: { kind: 'busy' } }).map((line) =>
      line.trim(),
    ),
  ).toEqual(['d', 'd', 'c', 'b', 'e', 'a']);
});

test('a town without rigs and sessions has no rows, so that its welcome shows', () => {
  expect(sessionTree(town({ rigs: [] }), context)).toEqual([]);
  expect(sessionTree(town(), context)).not.toEqual([]);
});

test('sessions of a rig that the town has lost are still there', () => {
  expect(outline(sessionTree(town({ rigs: [], sessions: [session()] }), context))).toEqual([
    'town',
    '  myproject',
    '    Polecats',
    '      worker-1',
  ]);
});

test('ids are unique, and stay when everything else about a session changes', () => {
  const before = all(
    sessionTree(
      town({ sessions: [mayor, session(), asking([ask()], { id: 'myproject-x', agentName: 'x' })] }),
      context,
    ),
  );
  const after = all(
    sessionTree(
      town({ sessions: [mayor, session({ activity: { kind: 'busy' }, runId: 'run-2', branch: 'b' })] }),
      context,
    ),
  );
  expect(new Set(before.map((node) => node.id)).size).toBe(before.length);
  expect(after.map((node) => node.id).filter((id) => !before.some((node) => node.id === id))).toEqual([]);
});

test('the context value tells menus the backend, the class, and what can be answered where', () => {
  const values = [
    session({ activity: { kind: 'busy' } }),
    { ...mayor, state: 'stopped' as const },
    asking([ask()]),
    asking([ask({ kind: 'question' })]),
    asking([ask({ kind: 'plan', resolvable: false })], { backend: 'claude' }),
    asking([], { backend: 'claude' }),
  ].map(sessionContextValue);
  expect(values).toEqual([
    'session.opencode.working',
    'session.claude.stopped',
    'session.opencode.waiting.permission.here',
    'session.opencode.waiting.question.here',
    'session.claude.waiting.plan.terminal',
    'session.claude.waiting.dialog.terminal',
  ]);
});

test('a wait without an ask has a row, too, that leads to the terminal', () => {
  const waits = asking([], { backend: 'claude', state: 'starting', cause: 'Claude asks whether to trust /x' });
  const [row] = all(sessionTree(town({ sessions: [waits] }), context)).filter(({ id }) => id.startsWith('ask:'));
  expect(row).toMatchObject({
    label: 'Claude asks whether to trust /x',
    icon: { icon: 'bell-dot' },
    contextValue: 'ask.dialog.terminal',
    opens: 'attach',
    target: { kind: 'ask', session: waits.id, run: waits.runId },
  });
  expect(row?.aria).toContain('It can only be answered in its terminal');
});

test('a click on what is asked shows all of it', () => {
  const rows = all(sessionTree(town({ sessions: [asking([ask({ kind: 'plan', title: 'Plan' })])] }), context));
  expect(rows.filter(({ opens }) => opens !== undefined).map(({ label, opens }) => [label, opens])).toEqual([
    ['Plan', 'showAsk'],
  ]);
});

test('a parent is never drawn as working because of a child', () => {
  const children = [{ id: 'c1', title: 'Explore', activity: 'busy' as const }];
  const node = all(sessionTree(town({ sessions: [session({ children })] }), context)).find(
    (each) => each.id === 'session:myproject-worker-1',
  );
  expect(node).toMatchObject({ icon: { icon: 'circle-outline' }, contextValue: 'session.opencode.idle' });
});

test('what is wrong with a session stands below it, in sight', () => {
  const [row] = all(
    sessionTree(town({ sessions: [named('a', { problem: 'Its hooks are not heard.' })] }), context),
  ).filter(({ id }) => id === 'session:myproject-a');
  expect(row).toMatchObject({
    expanded: true,
    children: [{ label: 'Its hooks are not heard.', icon: { icon: 'warning' } }],
  });
});

test('a session whose worktree is still being made ready has a row, which says how far that is', () => {
  const snapshot = town({
    sessions: [named('toast')],
    starting: [
      { session: 'myproject-toast', text: 'checks out polecat/toast/idle', since: 0 },
      { session: 'myproject-nux', text: 'runs the set-up of myproject', since: 0 },
      { session: 'myproject-crew-amy', text: 'asks origin for main', since: 0 },
      { session: 'myproject-refinery', text: 'copies files that git ignores', since: 0 },
      { session: 'other-ace', text: 'runs the set-up of other', since: 0 },
    ],
  });
  const tree = sessionTree(snapshot, context);
  expect(outline(tree)).toEqual([
    'town',
    '  myproject',
    '    Refinery',
    '    Crew',
    '      amy',
    '    Polecats',
    '      toast',
    '      nux',
  ]);
  const row = all(tree).find(({ label }) => label === 'nux');
  expect(row).toMatchObject({ contextValue: 'starting', icon: { icon: 'loading~spin' } });
  expect(row?.description).toMatch(/^starting · runs the set-up of myproject since /);
});
