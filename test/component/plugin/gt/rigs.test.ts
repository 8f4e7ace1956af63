import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lineDiff } from '../../../../plugin/gt/line-diff.ts';
import type { RigReview } from '../../../../shared/channel/views.ts';
import { FakeTown, session, snapshot } from './support.ts';

let town: FakeTown;
const hash = 'a'.repeat(64);
const review = (items: RigReview['items']): RigReview => ({ rig: 'alpha', path: '/town/alpha', hash, items });
const changed = {
  subject: 'agents.x',
  state: 'changed' as const,
  before: '{\n  "command": "a"\n}',
  content: '{\n  "command": "b\u202e\u001b[2J"\n}',
};

beforeEach(async () => {
  town = await FakeTown.start();
  town.answers = { 'rig.review': review([changed]), 'rig.trust': review([{ ...changed, state: 'agreed' }]) };
});
afterEach(() => town.stop());

describe('gt rig trust', () => {
  it("shows what has changed with every hidden character, and agrees at the user's yes to just that", async () => {
    const { code, out } = await town.gt(['rig', 'trust', 'alpha'], { answer: 'y' });
    expect(code).toBe(0);
    expect(out).toContain(
      'agents.x: changed since you agreed to it\n    {\n  -   "command": "a"\n  +   "command": "b<U+202E><U+001B>[2J"\n    }',
    );
    expect(town.asked()).toEqual([
      ['rig.review', { rig: 'alpha' }],
      ['rig.trust', { rig: 'alpha', hash }],
    ]);
  });

  it.each(['', 'n', 'yes please'])('agrees to nothing at %j', async (answer) => {
    expect(await town.gt(['rig', 'trust', 'alpha'], { answer })).toMatchObject({
      code: 1,
      err: 'gt: Nothing was agreed to.\n',
    });
    expect(town.asked()).toHaveLength(1);
  });

  it('without a terminal names the way for programs', async () => {
    const { code, err } = await town.gt(['rig', 'trust', 'alpha']);
    expect([code, err]).toEqual([
      2,
      `gt: There is no terminal to ask in. To agree to what is shown: gt rig trust alpha --yes ${hash}\n`,
    ]);
    expect(town.asked()).toHaveLength(1);
  });

  it('with a hash asks nothing', async () => {
    expect(await town.gt(['rig', 'trust', 'alpha', '--yes', hash])).toMatchObject({ code: 0 });
    expect(town.asked()).toEqual([['rig.trust', { rig: 'alpha', hash }]]);
  });

  it('has no question where there is nothing to agree to', async () => {
    town.answers = { 'rig.review': review([{ ...changed, state: 'agreed' }]) };
    expect((await town.gt(['rig', 'trust', 'alpha'])).out).toContain('You have agreed to all that the rig alpha');
    town.answers = { 'rig.review': review([]) };
    expect(await town.gt(['rig', 'trust', 'alpha'])).toMatchObject({
      code: 0,
      out: 'The rig alpha (/town/alpha) brings no programs, arguments, commands or environments of its own.\n',
    });
  });
});

describe('gt rig untrust', () => {
  it('takes the agreement back, and names what goes on with it', async () => {
    const worker = { backend: 'opencode', role: 'polecat' } as const;
    const sessions = [
      session({ id: 'alpha-toast', rig: 'alpha', ...worker }),
      session({ id: 'alpha-nux', rig: 'alpha', state: 'stopped', ...worker }),
      session({ id: 'beta-toast', rig: 'beta', ...worker }),
    ];
    town.answers = { 'rig.untrust': review([{ ...changed, state: 'new' }]), 'town.snapshot': snapshot({ sessions }) };
    const { code, out } = await town.gt(['rig', 'untrust', 'alpha']);
    expect([code, out]).toEqual([0, expect.stringMatching(/^Withdrawn\..*until you stop it: gt stop alpha-toast\n$/s)]);
    expect(town.asked()[0]).toEqual(['rig.untrust', { rig: 'alpha' }]);
  });
});

describe('the lines of two texts', () => {
  it.each([
    ['a\nb\nc', 'a\nx\nc', ['  a', '- b', '+ x', '  c']],
    ['a', 'a\nb', ['  a', '+ b']],
    ['', 'b', ['- ', '+ b']],
    ['same', 'same', ['  same']],
  ])('%j and %j', (before, after, lines) => {
    expect(lineDiff(before, after)).toEqual(lines);
  });

  it('are shown whole where there are too many to compare', () => {
    const long = Array.from({ length: 5000 }, (_, at) => String(at)).join('\n');
    expect(lineDiff(long, `${long}\nx`)).toHaveLength(10_001);
  });
});
