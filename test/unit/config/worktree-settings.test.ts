import { describe, expect, test } from 'vitest';
import { itemsOfSettings } from '../../../shared/config/consent.ts';
import { rigSettings } from '../../../shared/config/rig-settings.ts';
import { worktreeCommands } from '../../../shared/config/worktree-settings.ts';
import { backends } from '../../../shared/host/backends.ts';

const isGood = (worktrees: object): boolean => rigSettings.safeParse({ type: 'rig-settings', worktrees }).success;

describe('the commands of a rig’s worktrees', () => {
  test('have their bounds, and the names of the places where they stand', () => {
    expect(
      worktreeCommands({
        worktrees: { setup_command: 'npm ci', setup_timeout: '90s', teardown_command: 'docker compose down' },
      }),
    ).toEqual([
      { kind: 'setup', subject: 'worktrees.setup_command', command: 'npm ci', boundMs: 90_000, isTowns: false },
      {
        kind: 'teardown',
        subject: 'worktrees.teardown_command',
        command: 'docker compose down',
        boundMs: 120_000,
        isTowns: false,
      },
    ]);
  });

  test('are Gas Town’s where the rig has none of its own; an empty one takes that back', () => {
    const merge_queue = { setup_command: 'pnpm install' };
    expect(worktreeCommands({ merge_queue })).toEqual([
      {
        kind: 'setup',
        subject: 'merge_queue.setup_command',
        command: 'pnpm install',
        boundMs: 600_000,
        isTowns: false,
      },
    ]);
    expect(worktreeCommands({ merge_queue, worktrees: { setup_command: 'npm ci' } })[0]?.command).toBe('npm ci');
    expect(worktreeCommands({ merge_queue, worktrees: { setup_command: '' } })).toEqual([]);
    expect(worktreeCommands({})).toEqual([]);
  });

  test('are the town’s where the rig has none; the rig may take that back', () => {
    const town = { setup_command: 'npm ci', setup_timeout: '5m', teardown_command: 'true' };
    expect(worktreeCommands({ worktrees: { setup_command: 'make' } }, town)).toMatchObject([
      { command: 'make', boundMs: 300_000, isTowns: false },
      { command: 'true', isTowns: true },
    ]);
    expect(worktreeCommands({ worktrees: { setup_command: '', teardown_command: '' } }, town)).toEqual([]);
  });

  test('are what the user is asked about, each by its text', () => {
    const settings = {
      type: 'rig-settings' as const,
      worktrees: { base: 'next', include: ['.env*'], setup_command: 'npm ci', teardown_command: 'rm -rf tmp' },
    };
    expect(itemsOfSettings(settings, backends).map(({ subject, content }) => [subject, content])).toEqual([
      ['worktrees.setup_command', 'npm ci'],
      ['worktrees.teardown_command', 'rm -rf tmp'],
    ]);
  });
});

test.each(['main', 'release/1.2', 'origin/next', 'feature-x', 'ümlaut'])('a branch may be %s', (base) => {
  expect(isGood({ base })).toBe(true);
});

test.each(['', '-x', '--upload-pack=evil', 'a:refs/heads/main', 'a b', 'a..b', '@{u}', 'a^', 'a*', '/a', 'a\nb'])(
  'a branch may not be %j',
  (base) => {
    expect(isGood({ base })).toBe(false);
  },
);

test('times are written with their unit', () => {
  expect(isGood({ setup_timeout: '1.5h', teardown_timeout: '500ms' })).toBe(true);
  expect(isGood({ setup_timeout: '90' })).toBe(false);
});
