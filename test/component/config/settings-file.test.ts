import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultRigSettings, rigSettings } from '../../../shared/config/rig-settings.ts';
import type { RigSettings } from '../../../shared/config/rig-settings.ts';
import { SettingsFile } from '../../../shared/config/settings-file.ts';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import { defaultTownSettings, townSettings } from '../../../shared/config/town-settings.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';

let root: string;
let file: string;
const opened: { dispose(): void }[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'settings-'));
  file = settingsPath(root);
});

afterEach(async () => {
  for (const settings of opened.splice(0)) settings.dispose();
  await rm(root, { recursive: true, force: true });
});

async function write(text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

async function openRig(): Promise<SettingsFile<RigSettings>> {
  const settings = await SettingsFile.open({
    file,
    schema: rigSettings,
    defaults: defaultRigSettings,
    required: false,
    log: silentLogger,
  });
  opened.push(settings);
  return settings;
}

/** Resolves with the first change after which `condition` holds. */
function changeTo(settings: SettingsFile<RigSettings>, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const listener = settings.onDidChange(() => {
      if (!condition()) return;
      listener.dispose();
      resolve();
    });
  });
}

const agentIs = (settings: SettingsFile<RigSettings>, agent: string) =>
  changeTo(settings, () => settings.value.agent === agent);

describe('a settings file that is read', () => {
  it('may be missing where it is not required', async () => {
    const settings = await openRig();
    expect(settings.value).toEqual(defaultRigSettings);
    expect(settings.problems).toEqual([]);
  });

  it('is a problem when it is missing and required', async () => {
    const settings = await SettingsFile.open({
      file,
      schema: townSettings,
      defaults: defaultTownSettings,
      required: true,
      log: silentLogger,
    });
    opened.push(settings);
    expect(settings.problems).toEqual([{ file, message: expect.stringContaining('The file is missing') as string }]);
  });

  it('leaves the defaults in force when it is bad from the start', async () => {
    await write('{ "type": "rig-settings", "agent": 1 }');
    const settings = await openRig();
    expect(settings.value).toEqual(defaultRigSettings);
    expect(settings.problems).toEqual([{ file, line: 1, message: 'agent is a number, but must be a string.' }]);
  });
});

describe('a settings file that changes', () => {
  it('is read again, written over or replaced by renaming', async () => {
    await write('{ "type": "rig-settings", "agent": "one" }');
    const settings = await openRig();
    const two = agentIs(settings, 'two');
    await writeFile(file, '{ "type": "rig-settings", "agent": "two" }');
    await two;
    const three = agentIs(settings, 'three');
    await writeFile(`${file}.new`, '{ "type": "rig-settings", "agent": "three" }');
    await rename(`${file}.new`, file);
    await three;
  });

  it('keeps its last good value in force while the text is bad, and takes up a corrected one', async () => {
    await write('{ "type": "rig-settings", "agent": "one" }');
    const settings = await openRig();
    const bad = changeTo(settings, () => settings.problems.some(({ message }) => message.startsWith('agent is')));
    await writeFile(file, '{ "type": "rig-settings", "agent": 5 }');
    await bad;
    expect(settings.value.agent).toBe('one');
    const corrected = agentIs(settings, 'two');
    await writeFile(file, '{ "type": "rig-settings", "agent": "two" }');
    await corrected;
    expect(settings.problems).toEqual([]);
  });

  it('is seen when it appears together with its folder, goes, and comes again', async () => {
    const settings = await openRig();
    const appeared = agentIs(settings, 'one');
    await write('{ "type": "rig-settings", "agent": "one" }');
    await appeared;
    const gone = changeTo(settings, () => settings.value.agent === undefined);
    await rm(dirname(file), { recursive: true });
    await gone;
    const again = agentIs(settings, 'two');
    await write('{ "type": "rig-settings", "agent": "two" }');
    await again;
  });
});

describe('a settings file that is updated', () => {
  const before = `{
    // why this rig is special
    "type": "rig-settings",
    "mine": { "kept": [1, 2] },
    "agent": "claude", // for now
    "role_agents": { "refinery": "claude" }
}
`;

  it('keeps comments, order, indentation and unknown keys', async () => {
    await write(before);
    const settings = await openRig();
    await settings.update({ agent: 'opencode', role_agents: { polecat: 'glm' }, namepool: { style: 'mad-max' } });
    expect(await readFile(file, 'utf8')).toBe(`{
    // why this rig is special
    "type": "rig-settings",
    "mine": { "kept": [1, 2] },
    "agent": "opencode", // for now
    "role_agents": {
        "refinery": "claude",
        "polecat": "glm"
    },
    "namepool": {
        "style": "mad-max"
    }
}
`);
    expect(settings.value).toMatchObject({ agent: 'opencode', role_agents: { refinery: 'claude', polecat: 'glm' } });
    expect(await readdir(dirname(file))).toEqual(['config.json']);
  });

  it('loses what is set to undefined', async () => {
    await write('{ "type": "rig-settings", "agent": "claude", "version": 1 }');
    const settings = await openRig();
    await settings.update({ agent: undefined });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ type: 'rig-settings', version: 1 });
  });

  it('is made where it was missing', async () => {
    const settings = await openRig();
    await settings.update({ agent: 'opencode' });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ type: 'rig-settings', version: 1, agent: 'opencode' });
    expect(settings.value.agent).toBe('opencode');
  });

  it('takes all of several updates at once', async () => {
    const settings = await openRig();
    await Promise.all(['a', 'b', 'c'].map((name) => settings.update({ worker_agents: { [name]: 'claude' } })));
    expect(settings.value.worker_agents).toEqual({ a: 'claude', b: 'claude', c: 'claude' });
  });

  it('is left alone when it does not parse, and the next update works', async () => {
    await write('{\n  "type": "rig-settings"\n  "agent": "claude"\n}');
    const settings = await openRig();
    await expect(settings.update({ agent: 'opencode' })).rejects.toMatchObject({
      code: 'bad-config',
      message: `${file} was not changed, because it cannot be read. Correct line 3 first: The file is not valid JSON: comma expected at "agent".`,
    });
    expect(await readFile(file, 'utf8')).toBe('{\n  "type": "rig-settings"\n  "agent": "claude"\n}');
    await write('{ "type": "rig-settings" }');
    await settings.update({ agent: 'opencode' });
    expect(settings.value.agent).toBe('opencode');
  });

  it('is left alone when the result would not be allowed', async () => {
    await write(before);
    const settings = await openRig();
    await expect(settings.update({ agent: '' })).rejects.toMatchObject({ code: 'bad-input' });
    expect(await readFile(file, 'utf8')).toBe(before);
  });

  it('is written through a link', async () => {
    const target = join(root, 'elsewhere.json');
    await writeFile(target, '{ "type": "rig-settings" }');
    await mkdir(dirname(file));
    await symlink(target, file);
    const settings = await openRig();
    await settings.update({ agent: 'opencode' });
    expect(JSON.parse(await readFile(target, 'utf8'))).toMatchObject({ agent: 'opencode' });
  });
});

describe('a settings file that nobody could read in good health', () => {
  const good = '{ "type": "rig-settings", "agent": "opencode" }';
  const bad = async (text: string | undefined): Promise<SettingsFile<RigSettings>> => {
    await write(good);
    const settings = await openRig();
    const told = changeTo(settings, () => settings.problems.length > 0);
    if (text === undefined) execFileSync('mkfifo', [`${file}.new`]);
    else await writeFile(`${file}.new`, text);
    // At once: a rig without a file has the defaults, for however short a time.
    await rename(`${file}.new`, file);
    await told;
    return settings;
  };

  it.each([
    ['3,000 brackets in each other', '['.repeat(3000), 'The file goes deeper than 64 levels.'],
    ['2 MB', `${good}${' '.repeat(2_000_000)}`, 'is longer than 1048576 bytes'],
    ['a pipe', undefined, 'is no regular file'],
  ])(
    '%s: what was said last stays in force, and it is a problem until the file is as before',
    async (_what, text, problem) => {
      const settings = await bad(text);
      expect(settings.problems[0]?.message).toContain(problem);
      await expect(settings.update({ agent: 'claude' })).rejects.toThrow();
      expect(settings.value.agent).toBe('opencode');
      const healed = changeTo(settings, () => settings.problems.length === 0);
      await writeFile(`${file}.new`, good);
      await rename(`${file}.new`, file);
      await healed;
      expect(settings.value.agent).toBe('opencode');
    },
  );
});
