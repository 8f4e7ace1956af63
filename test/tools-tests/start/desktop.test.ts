/** Which editor `npm start` opens, as far as that can be told without an Electron. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readOptions } from '../../start/options.ts';
import { desktopEditor, installedDesktop } from '../../support/setup/desktop.ts';

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'gastown-desktop-')));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function program(...path: string[]): string {
  const file = join(folder, ...path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  chmodSync(file, 0o755);
  return file;
}

test('a window of the desktop editor is opened only where it is asked for, also where there is a display', () => {
  vi.stubEnv('DISPLAY', ':0');
  expect(readOptions(['--once'])).toMatchObject({ desktop: false });
  expect(readOptions(['--once', '--desktop'])).toMatchObject({ desktop: true });
});

test.runIf(process.platform === 'linux')('--desktop without a display says what is missing', async () => {
  vi.stubEnv('DISPLAY', undefined);
  vi.stubEnv('WAYLAND_DISPLAY', undefined);
  await expect(desktopEditor(() => undefined)).rejects.toThrow(
    'needs a display, and there is none (DISPLAY is not set). Leave --desktop out.',
  );
});

test('--desktop takes the installed program that the command on PATH belongs to', async () => {
  const electron = program('share', 'code', 'code');
  const script = program('share', 'code', 'bin', 'code');
  mkdirSync(join(folder, 'bin'));
  symlinkSync(script, join(folder, 'bin', 'code'));
  vi.stubEnv('DISPLAY', ':0');
  vi.stubEnv('PATH', join(folder, 'bin'));
  expect(await desktopEditor(() => undefined)).toEqual({ electron, cli: [join(folder, 'bin', 'code')] });
});

test('a command "code" that is no desktop VS Code is refused, and so is none', () => {
  vi.stubEnv('PATH', folder);
  expect(() => installedDesktop()).toThrow('There is no desktop VS Code on PATH (command "code").');
  vi.stubEnv('PATH', join(folder, 'deep', 'bin'));
  program('deep', 'bin', 'code');
  expect(() => installedDesktop()).toThrow('is not part of a desktop VS Code installation that is known here.');
});
