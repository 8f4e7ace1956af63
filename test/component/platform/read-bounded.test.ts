import { execFileSync } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { knownAgents } from '../../../extension/town/known-agents.ts';
import { readJson } from '../../../shared/backends/opencode/user-config.ts';
import { findTown } from '../../../shared/config/find-town.ts';
import { readBounded } from '../../../shared/platform/read-bounded.ts';
import { SettingsFile } from '../../../shared/config/settings-file.ts';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import { defaultTownSettings, townSettings } from '../../../shared/config/town-settings.ts';
import type { TownSettings } from '../../../shared/config/town-settings.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { readRolePrompt } from '../../../shared/roles/role-prompt.ts';
import { readHostFile } from '../../../shared/channel/read-host-file.ts';
import { temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let file: string;

beforeEach(async () => {
  folder = temporaryFolder('bounded');
  file = settingsPath(folder.path);
  await mkdir(join(folder.path, 'settings'));
});
afterEach(() => folder.remove());

const openTownSettings = (): Promise<SettingsFile<TownSettings>> =>
  SettingsFile.open({ file, schema: townSettings, defaults: defaultTownSettings, required: true, log: silentLogger });
const pipe = (path: string): unknown => execFileSync('mkfifo', [path]);
const deep = '{"a":'.repeat(3000);

describe('a file of a foreign hand', () => {
  it('is read as it is up to the bound, and not beyond it', async () => {
    await writeFile(file, 'äbc');
    expect(await readBounded(file, 4)).toBe('äbc');
    await expect(readBounded(file, 3)).rejects.toThrow(`${file} is longer than 3 bytes, so it is not read.`);
  });

  it.each([
    ['UTF-8 with a mark', (text: string) => Buffer.from(`\uFEFF${text}`)],
    ['UTF-16', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['UTF-16, the other way round', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
  ])('D5: is read as the editor wrote it: %s, with line ends of Windows', async (_name, encode) => {
    const text = JSON.stringify({ type: 'town-settings', version: 1, default_agent: 'äffchen' }, null, 2);
    await writeFile(file, encode(text.replaceAll('\n', '\r\n')));
    expect(await findTown(folder.path)).toBe(folder.path);
    const settings = await openTownSettings();
    expect([settings.value.default_agent, settings.problems]).toEqual(['äffchen', []]);
    settings.dispose();
  });

  it('that is a pipe, a folder, or a device behind a link is refused at once', async () => {
    const other = join(folder.path, 'other');
    pipe(file);
    await symlink('/dev/zero', other);
    await expect(readBounded(file)).rejects.toThrow('is no regular file, so it is not read.');
    await expect(readBounded(other)).rejects.toThrow('is no regular file, so it is not read.');
    await expect(readBounded(folder.path)).rejects.toThrow('is a folder, so it is not read.');
  });

  it.skipIf(process.platform !== 'linux')('that says it is empty and is not, is read to its end', async () => {
    expect(await readBounded('/proc/self/status', 10).catch(() => 'longer')).toBe('longer');
  });

  it('that is a pipe holds up nobody who looks for a town, its host, its agents, a role or a model', async () => {
    pipe(file);
    await mkdir(join(folder.path, 'directives'));
    pipe(join(folder.path, 'directives', 'mayor.md'));
    expect(await findTown(folder.path)).toBeUndefined();
    expect((await knownAgents(folder.path)).map(({ name }) => name)).toEqual(['claude', 'opencode']);
    await expect(readHostFile(file)).rejects.toThrow('no regular file');
    await expect(readRolePrompt('mayor', folder.path, folder.path)).rejects.toThrow('no regular file');
    expect(await readJson(file)).toBeUndefined();
  });

  it('that goes 3,000 levels deep makes no town where it does not say so, and says nothing of models', async () => {
    for (const text of [
      `{"x":{"type":"town-settings"},"y":${deep}`,
      `["type","town-settings",${deep}`,
      `{"type":"rig-settings","y":${deep}`,
      `{"x":"type","y":"town-settings","z":${deep}`,
      deep,
    ]) {
      await writeFile(file, text);
      expect(await findTown(folder.path)).toBeUndefined();
    }
    expect(await readJson(file)).toBeUndefined();
    expect(await readFile(file, 'utf8')).toBe(deep);
  });

  it.each([
    ['before', 2, `{ "type": "town-settings",\n "x": ${'['.repeat(65)}${']'.repeat(65)} }`],
    ['after', 1, `{ "x": ${'['.repeat(65)}${']'.repeat(65)}, // deep\n "type": "town-settings" }`],
    ['before, with an end that is missing,', 2, `{ "type": "town-settings",\n "x": ${deep}`],
  ])(
    'of a town that says so %s what is too deep is a town, and tells where it is wrong',
    async (_where, line, text) => {
      await writeFile(file, text);
      expect(await findTown(folder.path)).toBe(folder.path);
      const settings = await openTownSettings();
      expect(settings.problems).toEqual([expect.objectContaining({ file, line })]);
      settings.dispose();
    },
  );
});
