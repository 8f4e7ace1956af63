import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeTown, session, snapshot, work } from './support.ts';

let town: FakeTown;

beforeEach(async () => {
  town = await FakeTown.start();
});

afterEach(() => town.stop());

describe('gt sling', () => {
  const slung = {
    session: session({ id: 'demo-toast', backend: 'opencode', role: 'polecat', branch: 'polecat/toast/issue-1' }),
    work: work({ id: 'issue-1' }),
  };

  it('sends only what was given', async () => {
    town.answers = { sling: slung };
    expect(await town.gt(['sling', 'issue-1', 'demo'])).toMatchObject({
      code: 0,
      out: 'Slung issue-1 to demo-toast (opencode) on branch polecat/toast/issue-1.\n',
    });
    expect(town.asked()).toEqual([['sling', { work: 'issue-1', rig: 'demo' }]]);
  });

  it('sends all options, and a message from standard input', async () => {
    town.answers = { sling: slung };
    const argv = [
      'sling',
      'issue-1',
      'demo',
      '--agent',
      'glm',
      '--backend',
      'opencode',
      '--name',
      'toast',
      '-m',
      '-',
      '--json',
    ];
    const { out } = await town.gt(argv, { input: 'Mend it.\nSoon.\n' });
    expect(town.asked()).toEqual([
      [
        'sling',
        { work: 'issue-1', rig: 'demo', agent: 'glm', backend: 'opencode', name: 'toast', message: 'Mend it.\nSoon.' },
      ],
    ]);
    expect(JSON.parse(out)).toEqual(slung);
  });
});

describe('gt handoff', () => {
  const handed = {
    session: session({ id: 'demo-nux', agent: 'claude', backend: 'claude', role: 'polecat' }),
    work: work({ id: 'issue-1' }),
  };

  it('sends what was given, and says who has it', async () => {
    town.answers = { 'work.handoff': handed };
    const argv = ['handoff', 'demo-toast', 'nux', '-m', '-', '--work', 'issue-1', '--agent', 'claude'];
    expect((await town.gt(argv, { input: 'Half of it.\n' })).out).toBe('Handed issue-1 over to demo-nux (claude).\n');
    await town.gt(['handoff', 'demo-toast', 'demo-nux', '--context', 'Half.']);
    expect(town.asked()).toEqual([
      ['work.handoff', { from: 'demo-toast', to: 'nux', context: 'Half of it.', work: 'issue-1', agent: 'claude' }],
      ['work.handoff', { from: 'demo-toast', to: 'demo-nux', context: 'Half.' }],
    ]);
  });
});

describe('gt work', () => {
  it('adds', async () => {
    town.answers = { 'work.add': ({ title = '' }) => work({ id: 'w-1', title }) };
    expect(
      (
        await town.gt([
          'work',
          'add',
          'Mend the roof',
          '--rig',
          'demo',
          '--type',
          'task',
          '--priority',
          '0',
          '--id',
          'w-1',
        ])
      ).out,
    ).toBe('Added w-1: Mend the roof\n');
    expect(town.asked()).toEqual([
      [
        'work.add',
        { title: 'Mend the roof', description: 'Mend the roof', rig: 'demo', type: 'task', priority: 0, id: 'w-1' },
      ],
    ]);
  });

  it('lists, of one rig where asked', async () => {
    const units = [work({ id: 'w-1', owner: 'demo-toast', state: 'running' }), work({ id: 'w-2', rig: 'other' })];
    town.answers = { 'town.snapshot': snapshot({ work: units }) };
    expect((await town.gt(['work', 'list'])).out).toBe(
      [
        'ID   STATE    PRIORITY  RIG    OWNER       TITLE',
        'w-1  running  2         demo   demo-toast  Mend the roof',
        'w-2  open     2         other  -           Mend the roof',
        '',
      ].join('\n'),
    );
    expect(JSON.parse((await town.gt(['work', 'list', '--rig', 'other', '--json'])).out)).toEqual([units[1]]);
  });

  it('shows one with its history', async () => {
    const history = [
      { at: 0, state: 'open', by: 'overseer' },
      { at: 1000, state: 'done', by: 'demo-toast', note: 'mended' },
    ];
    town.answers = {
      'work.show': {
        ...work({ id: 'w-1', state: 'done', branch: 'polecat/toast/w-1', commits: 1 }),
        payload: {},
        history,
      },
    };
    const { out } = await town.gt(['work', 'show', 'w-1']);
    expect(out).toContain('branch: polecat/toast/w-1 (1 commit)');
    expect(out).toContain('> Mend the roof\n> of the barn.');
    expect(out).toContain('1970-01-01T00:00:01.000Z  done   demo-toast  mended');
  });
});

describe('gt work show', () => {
  it('names the branches that have what was done', async () => {
    const result = {
      branch: 'feature/x',
      head: '1a2b3c4',
      commits: 2,
      others: [{ branch: 'y', head: '5d6e7f8', commits: 1 }],
    };
    town.answers = {
      'work.show': {
        ...work({ id: 'w-1', state: 'done', branch: 'polecat/toast/w-1', commits: 2, result }),
        payload: {},
        history: [],
      },
    };
    const { out } = await town.gt(['work', 'show', 'w-1']);
    expect(out).toContain('branch: feature/x (2 commits)\nalso on: y (1 commit)\ngiven branch: polecat/toast/w-1\n');
  });
});

describe('another chance', () => {
  it('for a unit: gt work requeue; gt work cancel ends it, with the reason', async () => {
    town.answers = {
      'work.requeue': work({ id: 'issue-1', state: 'queued' }),
      'work.cancel': work({ id: 'issue-1', state: 'cancelled' }),
    };
    expect(await town.gt(['work', 'requeue', 'issue-1'])).toMatchObject({
      code: 0,
      out: 'issue-1 is queued for a new session in demo.\n',
    });
    expect(await town.gt(['work', 'cancel', 'issue-1', '-m', 'not needed'])).toMatchObject({
      code: 0,
      out: 'issue-1 is cancelled.\n',
    });
    expect(await town.gt(['work', 'cancel', 'issue-1'])).toMatchObject({ code: 0 });
    expect(town.asked()).toEqual([
      ['work.requeue', { id: 'issue-1' }],
      ['work.cancel', { id: 'issue-1', message: 'not needed' }],
      ['work.cancel', { id: 'issue-1' }],
    ]);
  });

  it('for a quarantined session: gt reset; the list shows which it is', async () => {
    const toast = session({
      id: 'demo-toast',
      backend: 'claude',
      role: 'polecat',
      state: 'failed',
      quarantined: { at: 0, reason: 'died' },
    });
    town.answers = {
      'session.reset': session({ id: 'demo-toast', backend: 'claude', role: 'polecat' }),
      'town.snapshot': snapshot({ sessions: [toast] }),
    };
    expect(await town.gt(['reset', 'demo-toast'])).toMatchObject({ code: 0, out: 'demo-toast is running again.\n' });
    expect((await town.gt(['agents', '--long'])).out).toMatch(/failed +quarantined +demo-toast/);
  });

  it('how often a unit was tried is shown', async () => {
    town.answers = {
      'work.show': {
        ...work({ id: 'issue-1', state: 'queued', attempts: 2, notBefore: 60_000 }),
        payload: {},
        history: [],
      },
    };
    expect((await town.gt(['work', 'show', 'issue-1'])).out).toContain(
      'queued again: 2 times\nnot before: 1970-01-01T00:01:00.000Z\n',
    );
  });
});

describe('gt inside a session', () => {
  it('prints its context and its work', async () => {
    town.answers = {
      'session.prime': { text: '[GAS TOWN] session:demo-toast\n' },
      'work.mine': { session: 'demo-toast', work: [work({ id: 'w-1' })] },
    };
    expect((await town.gt(['prime'])).out).toBe('[GAS TOWN] session:demo-toast\n');
    expect((await town.gt(['hook'])).out).toMatch(/^w-1 \(issue\) Mend the roof\n/);
    town.answers['work.mine'] = { session: 'demo-toast', work: [] };
    expect((await town.gt(['hook'])).out).toBe('demo-toast has no work.\n');
  });

  it.each([
    [['done'], {}],
    [['done', '--status', 'FAILED', '-m', 'no roof'], { status: 'failed', message: 'no roof' }],
    [['done', '--status', 'escalated', '-m', '-'], { status: 'escalated', message: 'from input' }],
  ])('reports: %j', async (argv, params) => {
    town.answers = { 'work.done': work({ id: 'w-1', state: 'done' }) };
    expect(await town.gt(argv, { input: 'from input\n' })).toMatchObject({ code: 0, out: 'w-1 is reported: done.\n' });
    expect(town.asked()).toEqual([['work.done', params]]);
  });
});
