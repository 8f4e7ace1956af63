import { expect, test } from 'vitest';
import { rebuildable } from '../../../../shared/platform/git/rebuildable.ts';
import { rigSettings } from '../../../../shared/config/rig-settings.ts';

test.each(['node_modules', 'a/node_modules/b/c.js', 'x/__pycache__', 'a.pyc', 'web/app.tsbuildinfo'])(
  '%s is made again',
  (path) => {
    expect(rebuildable()(path)).toBe(true);
  },
);

test.each([
  'out/report.md',
  'dist/app.js',
  'build',
  'target',
  '.env',
  'my_node_modules',
  'node_modules.txt',
  'data.sqlite',
  'venv',
])('%s may be all there is of it', (path) => {
  expect(rebuildable()(path)).toBe(false);
});

test('the settings name more: names at any depth, paths from the top', () => {
  const isRebuildable = rebuildable(['dist/', '/apps/*/out', 'a.b']);
  expect(['dist', 'x/dist/y', 'apps/web/out/z', 'a.b'].map(isRebuildable)).toEqual([true, true, true, true]);
  expect(['apps/out', 'x/apps/web/out', 'aXb', 'apps/a/b/out'].map(isRebuildable)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test('an entry that would name everything is refused with its place', () => {
  for (const entry of ['*', '**/*', '/', '.', '']) {
    expect(
      rigSettings.safeParse({ type: 'rig-settings', worktrees: { rebuildable: [entry] } }).error?.issues[0]?.path,
    ).toEqual(['worktrees', 'rebuildable', 0]);
  }
});
