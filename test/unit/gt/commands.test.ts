import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EscalationView, MessageView } from '../../../shared/town/snapshot.ts';
import { FakeTown, gt, personToken, session, snapshot, work } from './support.ts';
import type { Ran } from './support.ts';

let town: FakeTown;

beforeEach(async () => {
  town = await FakeTown.start();
});

afterEach(() => town.stop());

const run = (argv: string[], world: { cwd?: string; input?: string; env?: Record<string, string> } = {}): Promise<Ran> =>
  gt(argv, { cwd: town.root, ...world, env: { GT_SOCKET: town.socket, GT_TOKEN: personToken, ...world.env } });

const asked = () => town.calls.map(({ method, params }) => [method, params]);

const mixed = [
  session({ id: 'hq-mayor', backend: 'claude', role: 'mayor' }),
  session({ id: 'myproject-worker-1', backend: 'opencode', role: 'polecat', agentName: 'worker-1', rig: 'myproject', activity: { kind: 'busy' } }),
  session({
    id: 'myproject-refinery',
    backend: 'claude',
    role: 'refinery',
    rig: 'myproject',
    state: 'starting',
    activity: { kind: 'attention', ask: 'permission' },
  }),
];

const letter: MessageView = {
  id: 'm1',
  from: 'demo-toast',
  to: 'overseer',
  kind: 'mail',
  priority: 'normal',
  subject: 'The roof',
  body: 'It leaks.\nStill.',
  state: 'accepted',
  attempts: 0,
  repeated: false,
  sentAt: 0,
};

describe('gt agents', () => {
  it('prints the seed\'s table', async () => {
    town.answers = { 'town.snapshot': snapshot({ sessions: mixed }) };
    expect(await run(['agents'])).toMatchObject({
      code: 0,
      err: '',
      out: [
        'BACKEND   ROLE      NAME      RIG        STATE',
        'claude    mayor     -         -          running',
        'opencode  polecat   worker-1  myproject  running',
        'claude    refinery  -         myproject  starting',
        '',
      ].join('\n'),
    });
  });

  it('says on which backend nothing is started, why, and until when', async () => {
    const breaker = { state: 'open' as const, until: 60_000, reason: 'Opencode was not found.\nInstall it.' };
    const backends = [{ name: 'opencode' as const, health: 'failing' as const, breaker }];
    town.answers = { 'town.snapshot': snapshot({ sessions: mixed, backends }) };
    expect((await run(['agents'])).out.split('\n').at(-2)).toBe(
      '! opencode: nothing new is started until 1970-01-01T00:01:00.000Z: Opencode was not found. Install it.',
    );
  });

  it('has what each one does with --long, and everything with --json', async () => {
    town.answers = { 'town.snapshot': snapshot({ sessions: mixed }) };
    const long = await run(['agents', '--long']);
    expect(long.out.split('\n')[3]).toBe(
      'claude    refinery  -         myproject  starting  waits: permission  myproject-refinery  claude',
    );
    const json = await run(['agents', '--json']);
    expect(JSON.parse(json.out)).toEqual(mixed);
  });
});

describe('gt sling', () => {
  const slung = {
    session: session({ id: 'demo-toast', backend: 'opencode', role: 'polecat', branch: 'polecat/toast/issue-1' }),
    work: work({ id: 'issue-1' }),
  };

  it('sends only what was given', async () => {
    town.answers = { sling: slung };
    expect(await run(['sling', 'issue-1', 'demo'])).toMatchObject({
      code: 0,
      out: 'Slung issue-1 to demo-toast (opencode) on branch polecat/toast/issue-1.\n',
    });
    expect(asked()).toEqual([['sling', { work: 'issue-1', rig: 'demo' }]]);
  });

  it('sends all options, and a message from standard input', async () => {
    town.answers = { sling: slung };
    const argv = ['sling', 'issue-1', 'demo', '--agent', 'glm', '--backend', 'opencode', '--name', 'toast', '-m', '-', '--json'];
    const { out } = await run(argv, { input: 'Mend it.\nSoon.\n' });
    expect(asked()).toEqual([
      ['sling', { work: 'issue-1', rig: 'demo', agent: 'glm', backend: 'opencode', name: 'toast', message: 'Mend it.\nSoon.' }],
    ]);
    expect(JSON.parse(out)).toEqual(slung);
  });
});

describe('gt handoff', () => {
  const handed = { session: session({ id: 'demo-nux', agent: 'claude', backend: 'claude', role: 'polecat' }), work: work({ id: 'issue-1' }) };

  it('sends what was given, and says who has it', async () => {
    town.answers = { 'work.handoff': handed };
    const argv = ['handoff', 'demo-toast', 'nux', '-m', '-', '--work', 'issue-1', '--agent', 'claude'];
    expect((await run(argv, { input: 'Half of it.\n' })).out).toBe('Handed issue-1 over to demo-nux (claude).\n');
    await run(['handoff', 'demo-toast', 'demo-nux', '--context', 'Half.']);
    expect(asked()).toEqual([
      ['work.handoff', { from: 'demo-toast', to: 'nux', context: 'Half of it.', work: 'issue-1', agent: 'claude' }],
      ['work.handoff', { from: 'demo-toast', to: 'demo-nux', context: 'Half.' }],
    ]);
  });
});

describe('gt health', () => {
  it('says of each backend what is wrong, and fails when one does', async () => {
    town.answers = { 'town.health': { backends: [{ name: 'claude', ok: true, detail: 'ok' }, { name: 'opencode', ok: false, detail: 'The server hangs.' }] } };
    expect(await run(['health'])).toMatchObject({ code: 1, out: 'ok       claude: ok\nERROR    opencode: The server hangs.\n' });
  });
});

describe('gt work', () => {
  it('adds', async () => {
    town.answers = { 'work.add': ({ title = '' }) => work({ id: 'w-1', title }) };
    expect((await run(['work', 'add', 'Mend the roof', '--rig', 'demo', '--type', 'task', '--priority', '0', '--id', 'w-1'])).out).toBe(
      'Added w-1: Mend the roof\n',
    );
    expect(asked()).toEqual([
      ['work.add', { title: 'Mend the roof', description: 'Mend the roof', rig: 'demo', type: 'task', priority: 0, id: 'w-1' }],
    ]);
  });

  it('lists, of one rig where asked', async () => {
    const units = [work({ id: 'w-1', owner: 'demo-toast', state: 'running' }), work({ id: 'w-2', rig: 'other' })];
    town.answers = { 'town.snapshot': snapshot({ work: units }) };
    expect((await run(['work', 'list'])).out).toBe(
      [
        'ID   STATE    PRIORITY  RIG    OWNER       TITLE',
        'w-1  running  2         demo   demo-toast  Mend the roof',
        'w-2  open     2         other  -           Mend the roof',
        '',
      ].join('\n'),
    );
    expect(JSON.parse((await run(['work', 'list', '--rig', 'other', '--json'])).out)).toEqual([units[1]]);
  });

  it('shows one with its history', async () => {
    const history = [{ at: 0, state: 'open', by: 'overseer' }, { at: 1000, state: 'done', by: 'demo-toast', note: 'mended' }];
    town.answers = { 'work.show': { ...work({ id: 'w-1', state: 'done', branch: 'polecat/toast/w-1', commits: 1 }), history } };
    const { out } = await run(['work', 'show', 'w-1']);
    expect(out).toContain('branch: polecat/toast/w-1 (1 commit)');
    expect(out).toContain('Mend the roof\nof the barn.');
    expect(out).toContain('1970-01-01T00:00:01.000Z  done   demo-toast  mended');
  });
});

describe('gt inside a session', () => {
  it('prints its context and its work', async () => {
    town.answers = {
      'session.prime': { text: '[GAS TOWN] session:demo-toast\n' },
      'work.mine': { session: 'demo-toast', work: [work({ id: 'w-1' })] },
    };
    expect((await run(['prime'])).out).toBe('[GAS TOWN] session:demo-toast\n');
    expect((await run(['hook'])).out).toMatch(/^w-1 \(issue\) Mend the roof\n/);
    town.answers['work.mine'] = { session: 'demo-toast', work: [] };
    expect((await run(['hook'])).out).toBe('demo-toast has no work.\n');
  });

  it.each([
    [['done'], {}],
    [['done', '--status', 'FAILED', '-m', 'no roof'], { status: 'failed', message: 'no roof' }],
    [['done', '--status', 'escalated', '-m', '-'], { status: 'escalated', message: 'from input' }],
  ])('reports: %j', async (argv, params) => {
    town.answers = { 'work.done': work({ id: 'w-1', state: 'done' }) };
    expect(await run(argv, { input: 'from input\n' })).toMatchObject({ code: 0, out: 'w-1 is reported: done.\n' });
    expect(asked()).toEqual([['work.done', params]]);
  });
});

describe('messages', () => {
  it('are nudges of the words as they are', async () => {
    town.answers = { 'message.send': { ...letter, kind: 'nudge', to: 'demo-toast' } };
    expect((await run(['nudge', 'demo-toast', 'look', 'at', 'it'])).out).toBe('nudge m1 to demo-toast: accepted.\n');
    expect(asked()).toEqual([['message.send', { to: 'demo-toast', type: 'nudge', body: 'look at it' }]]);
  });

  it('are mail', async () => {
    town.answers = { 'message.send': letter, 'mail.inbox': { messages: [letter] } };
    await run(['mail', 'send', 'mayor/', '-s', 'The roof', '-m', '-'], { input: 'It leaks.\n' });
    expect(asked()).toEqual([['message.send', { to: 'mayor/', type: 'mail', subject: 'The roof', body: 'It leaks.' }]]);
    expect((await run(['mail', 'inbox'])).out).toBe(
      'm1 from demo-toast at 1970-01-01T00:00:00.000Z\nSubject: The roof\n\nIt leaks.\nStill.\n',
    );
    town.answers['mail.inbox'] = { messages: [] };
    expect((await run(['mail', 'inbox', '--all'])).out).toBe('No mail.\n');
  });

  it('are broadcasts, which fail when one of them does', async () => {
    town.answers = { 'message.broadcast': { results: [{ to: 'a', messageId: 'm1' }, { to: 'b', error: 'It has ended.' }] } };
    expect(await run(['broadcast', 'stop', 'now', '--to', 'a,b', '--to', 'c'])).toMatchObject({
      code: 1,
      out: 'TO  MESSAGE  ERROR\na   m1       -\nb   -        It has ended.\n',
    });
    expect(asked()).toEqual([['message.broadcast', { to: ['a', 'b', 'c'], body: 'stop now' }]]);
  });

  it('say how far they have come, with the time of each state', async () => {
    const dead: MessageView = { ...letter, kind: 'nudge', state: 'dead', reason: 'no receipt', attempts: 3, repeated: true, closedAt: 2000, runId: 'run-1' };
    town.answers = { 'message.show': dead, 'message.list': { messages: [dead] } };
    expect((await run(['mail', 'status', 'm1'])).out).toBe(
      [
        'nudge m1 to overseer: dead (no receipt). Possibly repeated.',
        'accepted: 1970-01-01T00:00:00.000Z',
        'dead: 1970-01-01T00:00:02.000Z',
        'from: demo-toast',
        'attempts: 3',
        'run: run-1',
        '',
      ].join('\n'),
    );
    expect((await run(['mail', 'sent'])).out.split('\n')[1]).toBe(
      'm1       nudge  overseer  dead (possibly repeated)  1970-01-01T00:00:00.000Z  The roof',
    );
    expect(asked()).toEqual([['message.show', { id: 'm1' }], ['message.list', { sent: true, limit: 20 }]]);
  });

  it('are archived one after the other', async () => {
    town.answers = { 'mail.archive': ({ id }) => ({ ...letter, id, closedAt: 1 }) };
    expect((await run(['mail', 'archive', 'm1', 'm2'])).out).toBe('Archived m1, m2.\n');
  });

  it.each([
    [['nudge', 'demo-toast', 'now', '--urgent'], 'message.send', { to: 'demo-toast', type: 'nudge', body: 'now', priority: 'urgent' }],
    [['mail', 'send', 'mayor/', '-m', 'now', '--urgent'], 'message.send', { to: 'mayor/', type: 'mail', body: 'now', priority: 'urgent' }],
    [['nudge', '@demo', 'now', '--urgent'], 'message.broadcast', { to: ['@demo'], type: 'nudge', body: 'now', priority: 'urgent' }],
    [['mail', 'send', '@town', '-m', 'now', '--urgent'], 'message.broadcast', { to: ['@town'], type: 'mail', body: 'now', priority: 'urgent' }],
    [['broadcast', 'now', '--to', '@demo', '--urgent'], 'message.broadcast', { to: ['@demo'], body: 'now', priority: 'urgent' }],
  ])('are urgent: %j', async (argv, method, params) => {
    town.answers = { 'message.send': letter, 'message.broadcast': { results: [] } };
    await run(argv);
    expect(asked()).toEqual([[method, params]]);
  });

  it('are not sent empty', async () => {
    expect(await run(['nudge', 'demo-toast', '-'], { input: '\n' })).toMatchObject({ code: 2, err: 'gt: The message is empty, so it was not sent.\n' });
    expect(asked()).toEqual([]);
  });
});

describe('roles', () => {
  const mayor = session({ id: 'hq-mayor', backend: 'claude', role: 'mayor' });
  const rigs = [{ name: 'one', path: '/rigs/one' }, { name: 'two', path: '/rigs/two' }];

  it.each([
    [['mayor', 'start', '--agent', 'claude'], { role: 'mayor', agent: 'claude' }],
    [['deacon', 'start'], { role: 'deacon' }],
    [['refinery', 'start', 'one', '--backend', 'claude'], { role: 'refinery', rig: 'one', backend: 'claude' }],
    [['witness', 'start', 'two'], { role: 'witness', rig: 'two' }],
    [['crew', 'start', 'max', 'one'], { role: 'crew', name: 'max', rig: 'one' }],
  ])('are started by %j', async (argv, params) => {
    town.answers = { 'session.spawn': mayor };
    expect(await run(argv)).toMatchObject({ code: 0, out: 'hq-mayor is running (claude).\n' });
    expect(asked()).toEqual([['session.spawn', params]]);
  });

  it.each([
    [{ cwd: '/rigs/two/src' }, 'two'],
    [{ cwd: '/rigs/two-more', env: { GT_RIG: 'one' } }, 'one'],
  ])('of a rig that is not named mean the one around: %j', async (world, rig) => {
    town.answers = { 'town.snapshot': snapshot({ rigs }), 'session.spawn': mayor };
    await run(['refinery', 'start'], world);
    expect(town.calls.at(-1)?.params).toEqual({ role: 'refinery', rig });
  });

  it('of a rig that cannot be told from the place are asked for', async () => {
    town.answers = { 'town.snapshot': snapshot({ rigs }) };
    expect(await run(['refinery', 'start'], { cwd: '/rigs/two-more' })).toMatchObject({
      code: 2,
      err: 'gt: Which rig\'s refinery? Name the rig, or go to its folder. Rigs: one, two.\n',
    });
  });

  it('are started before they are shown, when they do not run', async () => {
    const stopped = { ...mayor, state: 'stopped' as const };
    town.answers = { 'town.snapshot': snapshot({ sessions: [stopped] }), 'session.spawn': mayor, 'session.attach': { kind: 'shown' } };
    expect(await run(['mayor', 'attach', '--agent', 'glm'])).toMatchObject({
      code: 0,
      out: 'hq-mayor is shown in its terminal in the editor.\n',
    });
    expect(asked().slice(1)).toEqual([
      ['session.spawn', { role: 'mayor', agent: 'glm' }],
      ['session.attach', { session: 'hq-mayor' }],
    ]);
  });

  const program = { kind: 'program' as const, name: 'mayor', program: 'opencode', args: ['attach'], env: { PASSWORD: 'secret' }, cwd: '/work' };

  it('are shown by a program in this terminal, whose exit code is ours', async () => {
    town.answers = { 'town.snapshot': snapshot({ sessions: [mayor] }), 'session.attach': program };
    expect(await run(['mayor', 'attach'])).toMatchObject({ code: 7, out: '', programs: [program] });
    expect(asked().map(([method]) => method)).toEqual(['town.snapshot', 'session.attach']);
  });

  it('tell that program, without its secrets, with --json', async () => {
    town.answers = { 'town.snapshot': snapshot({ sessions: [mayor] }), 'session.attach': program };
    const { out, programs } = await run(['mayor', 'attach', '--json']);
    expect(JSON.parse(out)).toEqual({ kind: 'program', name: 'mayor', program: 'opencode', args: ['attach'], cwd: '/work' });
    expect(programs).toEqual([]);
  });

  it('that run with another agent are left alone', async () => {
    town.answers = { 'town.snapshot': snapshot({ sessions: [mayor] }) };
    const { code, err } = await run(['mayor', 'attach', '--agent', 'opencode']);
    expect(code).toBe(1);
    expect(err).toContain('hq-mayor runs already, with agent claude (claude).');
  });
});

describe('gt attention', () => {
  const wait = { session: 'demo-toast', runId: 'run-1', ask: 'a1', kind: 'permission' as const, title: 'bash: ls', detail: 'ls\n-l', options: [], resolvable: true, since: 0 };
  const colour = { ...wait, ask: 'q1', kind: 'question' as const, title: 'Which?', options: ['Red', 'Light blue'] };
  const two = { ...colour, ask: 'q2', options: [], questions: [{ text: 'Which?', options: ['Red'], multiple: false }, { text: 'And?', options: ['Yes', 'No'], multiple: false }] };
  const { ask: _ask, ...dialog } = { ...wait, kind: 'dialog' as const, title: 'Trust this folder?', resolvable: false };

  it('lists what waits', async () => {
    town.answers = { 'attention.list': { waits: [wait, dialog] } };
    expect((await run(['attention', 'list'])).out).toBe(
      [
        'SESSION     KIND        SINCE                     ASK              WHAT',
        'demo-toast  permission  1970-01-01T00:00:00.000Z  a1               bash: ls',
        'demo-toast  dialog      1970-01-01T00:00:00.000Z  in its terminal  Trust this folder?',
        '',
      ].join('\n'),
    );
    expect((await run(['attention', 'list', '--long'])).out).toContain('\n\nls\n-l\n');
    town.answers = { 'attention.list': { waits: [] } };
    expect((await run(['attention', 'list'])).out).toBe('Nothing waits for you.\n');
  });

  it.each([
    [wait, ['allow'], { kind: 'allow' }],
    [wait, ['allow', '--remember'], { kind: 'allow', remember: true }],
    [wait, ['deny'], { kind: 'deny' }],
    [wait, ['deny', '-m', '-'], { kind: 'deny', message: 'from input' }],
    [colour, ['Light blue'], { kind: 'answers', answers: [['Light blue']] }],
    [colour, ['-m', 'none of them'], { kind: 'answers', answers: [['none of them']] }],
    [two, ['Red', 'No'], { kind: 'answers', answers: [['Red'], ['No']] }],
  ])('answers: %o by %j', async (open, argv, answer) => {
    town.answers = { 'attention.list': { waits: [open, { ...open, session: 'other' }] }, 'session.answer': {} };
    const { code, out } = await run(['attention', 'answer', 'demo-toast', ...argv], { input: 'from input\n' });
    expect([code, out]).toEqual([0, `demo-toast has the answer to "${open.title}".\n`]);
    expect(asked()[1]).toEqual(['session.answer', { session: 'demo-toast', ask: open.ask, answer }]);
  });

  it.each([
    [[], ['allow'], 1, 'waits for no answer'],
    [[dialog], ['allow'], 1, 'can only be answered in the terminal'],
    [[wait, colour], ['allow'], 2, 'Say which, by --ask'],
    [[wait], ['allow', '--ask', 'gone'], 1, 'waits for no answer (gone)'],
    [[wait], [], 2, 'Say "allow" or "deny"'],
    [[wait], ['yes'], 2, 'Say "allow" or "deny"'],
    [[wait], ['allow', '-m', 'because'], 2, 'goes with "deny" only'],
    [[colour], ['allow'], 2, 'Its answers: "Red", "Light blue".'],
    [[colour], ['red'], 2, '"red" is no answer'],
    [[colour], [], 2, 'There is 1 question, and 0 answers'],
    [[colour], ['Red', '-m', 'x'], 2, 'instead of an option'],
    [[two], ['Red'], 2, 'There are 2 questions, and 1 answers'],
    [[two], ['-m', 'x'], 2, 'answer a single question'],
  ])('never guesses: %o by %j', async (waits, argv, code, message) => {
    town.answers = { 'attention.list': { waits }, 'session.answer': {} };
    const ran = await run(['attention', 'answer', 'demo-toast', ...argv]);
    expect(ran.code).toBe(code);
    expect(ran.err).toContain(message);
    expect(asked().map(([method]) => method)).toEqual(['attention.list']);
  });

  it('answers the ask that was named', async () => {
    town.answers = { 'attention.list': { waits: [wait, { ...wait, ask: 'a2' }] }, 'session.answer': {} };
    await run(['attention', 'answer', 'demo-toast', '--ask', 'a2', 'deny']);
    expect(asked()[1]).toEqual(['session.answer', { session: 'demo-toast', ask: 'a2', answer: { kind: 'deny' } }]);
  });
});

describe('gt log', () => {
  it('prints a line for each entry, and all of it with --json', async () => {
    const log = { session: 'demo-toast', entries: [{ at: 0, type: 'ask.asked', text: 'waits for permission: bash: ls', detail: 'ls' }] };
    town.answers = { 'session.log': log };
    expect((await run(['log', 'demo-toast'])).out).toBe('1970-01-01T00:00:00.000Z  waits for permission: bash: ls\n');
    expect(JSON.parse((await run(['log', 'demo-toast', '--limit', '5', '--json'])).out)).toEqual(log);
    expect(asked()).toEqual([['session.log', { session: 'demo-toast' }], ['session.log', { session: 'demo-toast', limit: 5 }]]);
    expect((await run(['log', '--limit', '0'])).code).toBe(2);
  });
});

describe('gt stop, gt doctor, gt version', () => {
  it('stops', async () => {
    town.answers = { 'session.stop': session({ id: 'demo-toast', backend: 'opencode', role: 'polecat', state: 'stopped' }) };
    expect((await run(['stop', 'demo-toast'])).out).toBe('demo-toast is stopped.\n');
  });

  it('fails when a check does, with the advice', async () => {
    town.answers = {
      'town.doctor': {
        checks: [
          { name: 'git', state: 'ok', detail: '2.50' },
          { name: 'claude', state: 'error', detail: 'not found', advice: 'Install it.' },
        ],
      },
    };
    const { code, out } = await run(['doctor']);
    expect(code).toBe(1);
    expect(out).toBe('ok       git: 2.50\nERROR    claude: not found\n         → Install it.\n');
  });

  it('prints its version without any host', async () => {
    expect((await run(['version'], { env: { GT_SOCKET: '/nowhere' } })).out).toMatch(/^gt \d+\.\d+\.\d+\n$/);
  });
});

describe('gt escalate', () => {
  const escalation: EscalationView = { id: 'esc_1', severity: 'high', message: 'The key is missing', by: 'demo-toast', work: 'issue-1', raisedAt: 0 };

  it('raises, with the text from standard input where it says so', async () => {
    town.answers = { 'work.escalate': escalation };
    const ran = await run(['escalate', '-s', 'high', '-m', '-', '--work', 'issue-1'], { input: 'The key\nis missing\n' });
    expect(ran).toMatchObject({ code: 0, out: 'Escalated (high): esc_1.\n' });
    expect(asked()).toEqual([['work.escalate', { severity: 'high', message: 'The key\nis missing', work: 'issue-1' }]]);
  });

  it('lists what is open', async () => {
    town.answers = { 'escalation.list': { escalations: [escalation] } };
    const ran = await run(['escalate', 'list']);
    expect(ran.out).toBe(
      ['ID     SEVERITY  BY          WORK     SINCE                     STATE  MESSAGE', 'esc_1  high      demo-toast  issue-1  1970-01-01T00:00:00.000Z  open   The key is missing', ''].join('\n'),
    );
    expect(await run(['escalate', 'list', '--all', '--json'])).toMatchObject({ out: `${JSON.stringify([escalation], null, 2)}\n` });
    expect(asked()).toEqual([['escalation.list', {}], ['escalation.list', { all: true }]]);
  });

  it('closes, with what was done', async () => {
    town.answers = { 'escalation.close': escalation };
    expect(await run(['escalate', 'close', 'esc_1', '-m', 'Key added'])).toMatchObject({ code: 0, out: 'Closed esc_1.\n' });
    expect(asked()).toEqual([['escalation.close', { id: 'esc_1', message: 'Key added' }]]);
  });

  it('knows four severities', async () => {
    const ran = await run(['escalate', '-s', 'urgent', '-m', 'x']);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('low, medium, high, critical');
  });
});

describe('another chance', () => {
  it('for a unit: gt work requeue; gt work cancel ends it, with the reason', async () => {
    town.answers = { 'work.requeue': work({ id: 'issue-1', state: 'queued' }), 'work.cancel': work({ id: 'issue-1', state: 'cancelled' }) };
    expect(await run(['work', 'requeue', 'issue-1'])).toMatchObject({ code: 0, out: 'issue-1 is queued for a new session in demo.\n' });
    expect(await run(['work', 'cancel', 'issue-1', '-m', 'not needed'])).toMatchObject({ code: 0, out: 'issue-1 is cancelled.\n' });
    expect(await run(['work', 'cancel', 'issue-1'])).toMatchObject({ code: 0 });
    expect(asked()).toEqual([
      ['work.requeue', { id: 'issue-1' }],
      ['work.cancel', { id: 'issue-1', message: 'not needed' }],
      ['work.cancel', { id: 'issue-1' }],
    ]);
  });

  it('for a quarantined session: gt reset; the list shows which it is', async () => {
    const toast = session({ id: 'demo-toast', backend: 'claude', role: 'polecat', state: 'failed', quarantined: { at: 0, reason: 'died' } });
    town.answers = { 'session.reset': session({ id: 'demo-toast', backend: 'claude', role: 'polecat' }), 'town.snapshot': snapshot({ sessions: [toast] }) };
    expect(await run(['reset', 'demo-toast'])).toMatchObject({ code: 0, out: 'demo-toast is running again.\n' });
    expect((await run(['agents', '--long'])).out).toMatch(/failed +quarantined +demo-toast/);
  });

  it('how often a unit was tried is shown', async () => {
    town.answers = { 'work.show': { ...work({ id: 'issue-1', state: 'queued', attempts: 2, notBefore: 60_000 }), history: [] } };
    expect((await run(['work', 'show', 'issue-1'])).out).toContain('queued again: 2 times\nnot before: 1970-01-01T00:01:00.000Z\n');
  });
});
