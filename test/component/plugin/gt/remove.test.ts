import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeTown } from './support.ts';

let town: FakeTown;

beforeEach(async () => {
  town = await FakeTown.start();
});

afterEach(() => town.stop());

describe('gt remove', () => {
  const removal = {
    sessions: ['hq-mayor'],
    runs: [],
    goes: [{ path: '/town/.runtime', what: 'logs' }],
    stays: [{ path: '/town/settings/config.json', what: 'your settings' }],
  };
  const items = ['  hq-mayor: a session, which is ended', '  /town/.runtime: logs'];

  it('names the commands that run before', async () => {
    town.answers = { 'town.removal': { ...removal, runs: [{ path: '/town/toast', what: 'docker compose\ndown' }] } };
    expect((await town.gt(['remove', '--dry-run'])).out).toMatch(
      /^Would run:\n {2}docker compose down \(in \/town\/toast\)\nWould go:\n/,
    );
  });

  it('shows, or does it; without saying which it does nothing', async () => {
    town.answers = { 'town.removal': removal, 'town.remove': removal };
    const stays = '  /town/settings/config.json: your settings\n';
    expect(await town.gt(['remove', '--dry-run'])).toMatchObject({
      code: 0,
      out: ['Would go:', ...items, 'Would stay:', stays].join('\n'),
    });
    expect(await town.gt(['remove', '--yes'])).toMatchObject({
      code: 0,
      out: ['Went:', ...items, 'Stayed:', stays].join('\n'),
    });
    for (const unclear of [[], ['--yes', '--dry-run'], ['alpha', '--yes']])
      expect(await town.gt(['remove', ...unclear])).toMatchObject({ code: 2, out: '' });
    expect(town.asked()).toEqual([
      ['town.removal', {}],
      ['town.remove', {}],
    ]);
  });
});
