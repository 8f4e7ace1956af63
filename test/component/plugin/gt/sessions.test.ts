import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeTown, listed, session, snapshot } from './support.ts';

let town: FakeTown;

beforeEach(async () => {
  town = await FakeTown.start();
});

afterEach(() => town.stop());

const mixed = [
  session({ id: 'hq-mayor', backend: 'claude', role: 'mayor' }),
  session({
    id: 'myproject-worker-1',
    backend: 'opencode',
    role: 'polecat',
    agentName: 'worker-1',
    rig: 'myproject',
    activity: { kind: 'busy' },
  }),
  session({
    id: 'myproject-refinery',
    backend: 'claude',
    role: 'refinery',
    rig: 'myproject',
    state: 'starting',
    activity: { kind: 'attention', ask: 'permission' },
  }),
];

describe('gt agents', () => {
  it("prints the seed's table", async () => {
    town.answers = { 'session.list': listed({ sessions: mixed }) };
    expect(await town.gt(['agents'])).toMatchObject({
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
    town.answers = { 'session.list': listed({ sessions: mixed, backends }) };
    expect((await town.gt(['agents'])).out.split('\n').at(-2)).toBe(
      '! opencode: nothing new is started until 1970-01-01T00:01:00.000Z: Opencode was not found. Install it.',
    );
  });

  it('says in which rig, and of which agent, nothing is started, while the backend is well', async () => {
    const breaker = { state: 'open' as const, until: 60_000, reason: 'It is\nbroken.' };
    const parts = [
      { rig: 'alpha', breaker },
      { rig: '', breaker: { state: 'half-open' as const, reason: 'gone' } },
      { program: 'wrapped', breaker },
    ];
    town.answers = { 'session.list': listed({ sessions: mixed, backends: [{ name: 'claude', health: 'ok', parts }] }) };
    expect((await town.gt(['agents'])).out.split('\n').slice(-4, -1)).toEqual([
      '! claude in alpha: nothing new is started until 1970-01-01T00:01:00.000Z: It is broken.',
      "! claude in the town's folder: nothing new is started: gone",
      '! agent wrapped: nothing new is started until 1970-01-01T00:01:00.000Z: It is broken.',
    ]);
  });

  it('has what each one does with --long, and everything with --json', async () => {
    town.answers = { 'session.list': listed({ sessions: mixed }) };
    const long = await town.gt(['agents', '--long']);
    expect(long.out.split('\n')[3]).toBe(
      'claude    refinery  -         myproject  starting  waits: permission  myproject-refinery  claude',
    );
    const json = await town.gt(['agents', '--json']);
    expect(JSON.parse(json.out)).toEqual(mixed);
  });
});

describe('roles', () => {
  const mayor = session({ id: 'hq-mayor', backend: 'claude', role: 'mayor' });
  const rigs = [
    { name: 'one', path: '/rigs/one' },
    { name: 'two', path: '/rigs/two' },
  ];

  it.each([
    [['mayor', 'start', '--agent', 'claude'], { role: 'mayor', agent: 'claude' }],
    [['deacon', 'start'], { role: 'deacon' }],
    [['refinery', 'start', 'one', '--backend', 'claude'], { role: 'refinery', rig: 'one', backend: 'claude' }],
    [['witness', 'start', 'two'], { role: 'witness', rig: 'two' }],
    [['crew', 'start', 'max', 'one'], { role: 'crew', name: 'max', rig: 'one' }],
  ])('are started by %j', async (argv, params) => {
    town.answers = { 'session.spawn': mayor };
    expect(await town.gt(argv)).toMatchObject({ code: 0, out: 'hq-mayor is running (claude).\n' });
    expect(town.asked()).toEqual([['session.spawn', params]]);
  });

  it.each([
    [{ cwd: '/rigs/two/src' }, 'two'],
    [{ cwd: '/rigs/two-more', env: { GT_RIG: 'one' } }, 'one'],
  ])('of a rig that is not named mean the one around: %j', async (world, rig) => {
    town.answers = { 'town.snapshot': snapshot({ rigs }), 'session.spawn': mayor };
    await town.gt(['refinery', 'start'], world);
    expect(town.calls.at(-1)?.params).toEqual({ role: 'refinery', rig });
  });

  it('of a rig that cannot be told from the place are asked for', async () => {
    town.answers = { 'town.snapshot': snapshot({ rigs }) };
    expect(await town.gt(['refinery', 'start'], { cwd: '/rigs/two-more' })).toMatchObject({
      code: 2,
      err: "gt: Which rig's refinery? Name the rig, or go to its folder. Rigs: one, two.\n",
    });
  });

  it('are started before they are shown, when they do not run', async () => {
    const stopped = { ...mayor, state: 'stopped' as const };
    town.answers = {
      'town.snapshot': snapshot({ sessions: [stopped] }),
      'session.spawn': mayor,
      'session.attach': { kind: 'shown' },
    };
    expect(await town.gt(['mayor', 'attach', '--agent', 'glm'])).toMatchObject({
      code: 0,
      out: 'hq-mayor is shown in its terminal in the editor.\n',
    });
    expect(town.asked().slice(1)).toEqual([
      ['session.spawn', { role: 'mayor', agent: 'glm' }],
      ['session.attach', { session: 'hq-mayor' }],
    ]);
  });

  const program = {
    kind: 'program' as const,
    name: 'mayor',
    program: 'opencode',
    args: ['attach'],
    env: { PASSWORD: 'secret' },
    cwd: '/work',
  };

  it('are shown by a program in this terminal, whose exit code is ours', async () => {
    town.answers = { 'town.snapshot': snapshot({ sessions: [mayor] }), 'session.attach': program };
    expect(await town.gt(['mayor', 'attach'])).toMatchObject({ code: 7, out: '', programs: [program] });
    expect(town.asked().map(([method]) => method)).toEqual(['town.snapshot', 'session.attach']);
  });

  it('tell that program, without its secrets, with --json', async () => {
    town.answers = { 'town.snapshot': snapshot({ sessions: [mayor] }), 'session.attach': program };
    const { out, programs } = await town.gt(['mayor', 'attach', '--json']);
    expect(JSON.parse(out)).toEqual({
      kind: 'program',
      name: 'mayor',
      program: 'opencode',
      args: ['attach'],
      cwd: '/work',
    });
    expect(programs).toEqual([]);
  });

  it('that run with another agent are left alone', async () => {
    town.answers = { 'town.snapshot': snapshot({ sessions: [mayor] }) };
    const { code, err } = await town.gt(['mayor', 'attach', '--agent', 'opencode']);
    expect(code).toBe(1);
    expect(err).toContain('hq-mayor runs already, with agent claude (claude).');
  });
});

describe('gt log', () => {
  it('prints a line for each entry, and all of it with --json', async () => {
    const log = {
      session: 'demo-toast',
      entries: [{ at: 0, type: 'ask.asked', text: 'waits for permission: bash: ls', detail: 'ls' }],
    };
    town.answers = { 'session.log': log };
    expect((await town.gt(['log', 'demo-toast'])).out).toBe(
      '1970-01-01T00:00:00.000Z  waits for permission: bash: ls\n',
    );
    expect(JSON.parse((await town.gt(['log', 'demo-toast', '--limit', '5', '--json'])).out)).toEqual(log);
    expect(town.asked()).toEqual([
      ['session.log', { session: 'demo-toast' }],
      ['session.log', { session: 'demo-toast', limit: 5 }],
    ]);
    expect((await town.gt(['log', '--limit', '0'])).code).toBe(2);
  });
});

describe('gt stop, gt doctor, gt version', () => {
  it('stops', async () => {
    town.answers = {
      'session.stop': session({ id: 'demo-toast', backend: 'opencode', role: 'polecat', state: 'stopped' }),
    };
    expect((await town.gt(['stop', 'demo-toast'])).out).toBe('demo-toast is stopped.\n');
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
    const { code, out } = await town.gt(['doctor']);
    expect(code).toBe(1);
    expect(out).toBe('ok       git: 2.50\nERROR    claude: not found\n         → Install it.\n');
  });

  it('prints its version without any host', async () => {
    expect((await town.gt(['version'], { env: { GT_SOCKET: '/nowhere' } })).out).toMatch(/^gt \d+\.\d+\.\d+\n$/);
  });
});

describe('gt health', () => {
  it('says of each backend what is wrong, and fails when one does', async () => {
    town.answers = {
      'town.health': {
        backends: [
          { name: 'claude', ok: true, detail: 'ok' },
          { name: 'opencode', ok: false, detail: 'The server hangs.' },
        ],
      },
    };
    expect(await town.gt(['health'])).toMatchObject({
      code: 1,
      out: 'ok       claude: ok\nERROR    opencode: The server hangs.\n',
    });
  });
});
