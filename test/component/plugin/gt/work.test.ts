import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BatchView } from '../../../../shared/channel/views.ts';
import { GasTownError } from '../../../../shared/platform/errors.ts';
import { FakeTown, session, listed, snapshot, work } from './support.ts';

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
  /** Without what it asks to warn of. */
  const asked = () => town.asked().filter(([method]) => method !== 'work.overlap');

  it('says before who changes the files that are named, beside the result, and slings all the same', async () => {
    const overlap = {
      work: 'issue-2',
      session: 'demo-nux',
      state: 'running',
      files: ['src/a.ts'],
      moreFiles: 0,
    } as const;
    const waiting = { work: 'issue-3', state: 'queued', files: ['b.ts', 'c.ts'], moreFiles: 3 } as const;
    town.answers = { sling: slung, 'work.overlap': { overlaps: [overlap, waiting], more: 2 } };
    const { code, out, err } = await town.gt(['sling', 'issue-1', 'demo', '-m', 'Mend src/a.ts']);
    expect([code, out]).toEqual([0, 'Slung issue-1 to demo-toast (opencode) on branch polecat/toast/issue-1.\n']);
    expect(err.split('\n')).toEqual([
      'Note: issue-2 (demo-nux, running) changes src/a.ts, too.',
      'Note: issue-3 (queued) changes b.ts, c.ts and 3 more, too.',
      'Note: 2 more units do, too: gt queue',
      '',
    ]);
    expect(town.asked()[0]).toEqual(['work.overlap', { work: 'issue-1', rig: 'demo', message: 'Mend src/a.ts' }]);
  });

  it('sends only what was given', async () => {
    town.answers = { sling: slung };
    expect(await town.gt(['sling', 'issue-1', 'demo'])).toMatchObject({
      code: 0,
      out: 'Slung issue-1 to demo-toast (opencode) on branch polecat/toast/issue-1.\n',
    });
    expect(asked()).toEqual([['sling', { work: 'issue-1', rig: 'demo' }]]);
  });

  describe('of a unit that the town does not know, without a description', () => {
    const words = 'The town does not know issue-1. Describe it with -m "<what is to be done>".';
    beforeEach(() => {
      town.answers = {
        sling: ({ message }) => {
          if (message === undefined) throw new GasTownError('unknown-work', words);
          return slung;
        },
      };
    });

    it('asks in a terminal what is to be done', async () => {
      const ran = await town.gt(['sling', 'issue-1', 'demo', '--agent', 'opencode', '--name', 'worker-1'], {
        answer: ' Mend the roof ',
      });
      expect(ran).toMatchObject({ code: 0, err: '' });
      expect(ran.out).toMatch(/^The town does not know issue-1 yet\. What is to be done\? Slung issue-1 to demo-toast/);
      expect(asked().at(-1)).toEqual([
        'sling',
        { work: 'issue-1', rig: 'demo', agent: 'opencode', name: 'worker-1', message: 'Mend the roof' },
      ]);
    });

    it.each<[string, string[], Parameters<FakeTown['gt']>[1]]>([
      ['without a terminal', [], {}],
      ['where nothing is said', [], { answer: '  ' }],
      ['to a program that wants JSON', ['--json'], { answer: 'Mend the roof' }],
      ['to a session', [], { answer: 'Mend the roof', env: { GT_RUN: 'run-1' } }],
    ])('is refused %s', async (_where, more, world) => {
      const { code, err } = await town.gt(['sling', 'issue-1', 'demo', ...more], world);
      expect(code).not.toBe(0);
      expect(err).toContain(words);
      expect(asked()).toHaveLength(1);
    });
  });

  it('leaves out what the rig says of new worktrees where that is wished', async () => {
    town.answers = { sling: slung };
    await town.gt(['sling', 'issue-1', 'demo', '--no-setup']);
    expect(asked()).toEqual([['sling', { work: 'issue-1', rig: 'demo', setup: false }]]);
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
    expect(asked()).toEqual([
      [
        'sling',
        { work: 'issue-1', rig: 'demo', agent: 'glm', backend: 'opencode', name: 'toast', message: 'Mend it.\nSoon.' },
      ],
    ]);
    expect(JSON.parse(out)).toEqual(slung);
  });

  it('queues what waits for other units, and begins it all the same with --now', async () => {
    town.answers = {
      sling: ({ now }) => {
        if (now) return slung;
        throw new GasTownError('waits', 'issue-1 waits for issue-0.');
      },
      'work.queue': () => work({ id: 'issue-1', state: 'queued', note: 'waits for issue-0' }),
    };
    expect(await town.gt(['sling', 'issue-1', 'demo', '--name', 'toast'])).toMatchObject({
      code: 0,
      out: 'issue-1 waits for issue-0. It is queued, and begins by itself.\n',
    });
    expect((await town.gt(['sling', 'issue-1', 'demo', '--now'])).out).toContain('Slung issue-1');
    expect(asked().map(([method]) => method)).toEqual(['sling', 'work.queue', 'sling']);
    expect(asked()[1]).toEqual(['work.queue', { work: 'issue-1', rig: 'demo', name: 'toast' }]);
  });
});

const batch: BatchView = {
  id: 'batch-1',
  title: 'Roofs',
  startedBy: 'overseer',
  createdAt: 0,
  units: ['w-1', 'w-2'],
  done: 1,
  total: 2,
  state: 'stuck',
};

describe('gt batch', () => {
  it('begins one, adds to it, lists and shows', async () => {
    town.answers = {
      'batch.create': batch,
      'batch.add': batch,
      'batch.list': { batches: [batch] },
      'batch.show': { ...batch, work: [work({ id: 'w-1' })] },
    };
    expect((await town.gt(['batch', 'create', 'Roofs', 'w-1', 'w-2'])).out).toBe('batch-1 Roofs: 1/2 done, stuck\n');
    await town.gt(['batch', 'add', 'Roofs', 'w-3']);
    expect((await town.gt(['batch', 'list', '--all'])).out).toContain('batch-1  stuck  1/2   overseer    Roofs');
    expect((await town.gt(['batch', 'show', 'batch-1'])).out).toMatch(/^batch-1 Roofs: 1\/2 done, stuck\n\nID.*\nw-1/);
    expect(town.asked()).toEqual([
      ['batch.create', { title: 'Roofs', work: ['w-1', 'w-2'] }],
      ['batch.add', { batch: 'Roofs', work: ['w-3'] }],
      ['batch.list', { all: true }],
      ['batch.show', { batch: 'batch-1' }],
    ]);
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

  it('lists those in a state, and of a batch', async () => {
    const units = [
      work({ id: 'w-1', state: 'queued', after: ['w-0'], waitsFor: ['w-0'] }),
      work({ id: 'w-2', state: 'queued' }),
      work({ id: 'w-3' }),
    ];
    town.answers = {
      'town.snapshot': snapshot({ work: units }),
      'batch.show': { ...batch, units: ['w-1', 'w-3'], work: [] },
    };
    const { out } = await town.gt(['work', 'list', '--state', 'queued', '--batch', 'Roofs']);
    expect(out).toContain('w-1  queued (waits for w-0)  2');
    expect(out.split('\n')).toHaveLength(3);
    expect(town.asked()[1]).toEqual(['batch.show', { batch: 'Roofs' }]);
  });

  it('adds with what it waits for, its batch and its payload', async () => {
    town.answers = { 'work.add': work({ id: 'w-1', title: 'Roof', batch: 'batch-1' }) };
    const argv = ['work', 'add', 'Roof', '--after', 'w-0, w-2', '--batch', 'Roofs', '--payload', '{"issue": 7}'];
    expect((await town.gt(argv)).out).toBe('Added w-1: Roof (in batch-1)\n');
    expect(town.asked()).toEqual([
      [
        'work.add',
        { title: 'Roof', description: 'Roof', after: ['w-0', 'w-2'], batch: 'Roofs', payload: { issue: 7 } },
      ],
    ]);
    expect(await town.gt(['work', 'add', 'Roof', '--payload', '[7]'])).toMatchObject({ code: 2 });
  });

  it('adds what documents say', async () => {
    town.answers = { 'work.import': { work: [work({ id: 'w-1', title: 'One' }), work({ id: 'w-2', title: 'Two' })] } };
    writeFileSync(join(town.root, 'wish.md'), '# One\n');
    const { out } = await town.gt(['work', 'add', '-F', 'wish.md', '--file', '-'], { input: '# Two\n' });
    expect(out).toBe('Added w-1: One\nAdded w-2: Two\n');
    expect(town.asked()).toEqual([
      [
        'work.import',
        {
          documents: [
            { name: 'wish.md', text: '# One\n' },
            { name: 'standard input', text: '# Two\n' },
          ],
        },
      ],
    ]);
    expect(await town.gt(['work', 'add', 'Title', '-F', 'wish.md'])).toMatchObject({ code: 2 });
    expect((await town.gt(['work', 'add', '-F', 'none.md'])).err).toContain('none.md');
  });

  it('changes one', async () => {
    town.answers = { 'work.edit': work({ id: 'w-1', title: 'Better' }) };
    writeFileSync(join(town.root, 'wish.md'), 'New text');
    expect(
      (await town.gt(['work', 'edit', 'w-1', '--title', 'Better', '--priority', '0', '-m', 'All of it'])).out,
    ).toBe('w-1 is changed: Better\n');
    await town.gt(['work', 'edit', 'w-1', '-F', 'wish.md', '--after', '']);
    expect(town.asked()).toEqual([
      ['work.edit', { id: 'w-1', title: 'Better', priority: 0, description: 'All of it' }],
      ['work.edit', { id: 'w-1', document: { name: 'wish.md', text: 'New text' }, after: [] }],
    ]);
    expect(await town.gt(['work', 'edit', 'w-1'])).toMatchObject({ code: 2 });
  });

  it('says what waits for what', async () => {
    town.answers = { 'work.depend': ({ on, remove }) => work({ id: 'w-1', ...(remove ? {} : { after: on }) }) };
    expect((await town.gt(['work', 'depend', 'w-1', '--on', 'w-0,w-2'])).out).toBe('w-1 begins after w-0, w-2.\n');
    expect((await town.gt(['work', 'depend', 'w-1', '--on', 'w-0', '--remove'])).out).toBe('w-1 waits for nothing.\n');
    expect(await town.gt(['work', 'depend', 'w-1'])).toMatchObject({ code: 2 });
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
      'session.list': listed({ sessions: [toast] }),
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
