// Settings files and other bad input: each gives one clear message, and nothing is lost.

import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingsPath } from '../../shared/config/settings-path.ts';
import { townPaths } from '../../shared/config/town-paths.ts';
import { crewRules } from '../support/editor/crew-rules.ts';
import type { Problem } from '../support/editor/problems.ts';
import { stopAtFirstFailure, rigName, TownEditor } from '../support/editor/town-editor.ts';

describe('settings and bad input', () => {
  let town: TownEditor;
  let original: string;

  beforeAll(async () => {
    town = await TownEditor.start({ rules: crewRules });
    original = await readFile(settingsPath(town.root), 'utf8');
    await town.open();
    await town.window.terminals.create();
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const git = (folder: string, ...args: string[]): string =>
    execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });

  /** What Gas Town, not the JSON schema, says in the Problems view. */
  const problemsOf = (all: readonly Problem[]): Problem[] =>
    all.filter((problem) => problem.ariaLabel.includes('Gas Town'));

  let ends = 0;

  /** Runs `gt` in the terminal and returns what it said, with its exit code. */
  async function gt(command: string): Promise<{ said: string; code: number }> {
    const { terminals } = town.window;
    const mark = `end-${(ends += 1)}=`;
    await terminals.focus('bash');
    // In a file, as the terminal breaks long lines, and drops a blank that would be at the end of one.
    const file = path.join(town.editor.root, mark);
    await terminals.type(`clear; gt ${command} > '${file}' 2>&1; echo "${mark}$?"`);
    const text = await terminals.textWhen(new RegExp(`^${mark}\\d+$`, 'm'));
    const said = (await readFile(file, 'utf8')).trimEnd();
    return { said, code: Number.parseInt(text.split(mark)[1] ?? '', 10) };
  }

  it('opens the settings of the town, checked by their schema', async () => {
    await town.window.palette.run('Gas Town: Open Town Settings');
    await expect.poll(() => town.window.editorText()).toContain('"town-settings"');
    await writeFile(settingsPath(town.root), original.replace('"polecat": "opencode"', '"polecat": 7'));
    const problems = await town.window.problems.when('what the schema says', (all) =>
      all.some(({ message }) => /Incorrect type\. Expected "string"/.test(message)),
    );
    expect(problems.find(({ message }) => message.startsWith('Incorrect type'))?.position).toMatch(/^\[Ln 10, Col /);
  });

  it('shows malformed settings at their place, and keeps the last good ones in force', async () => {
    const problems = problemsOf(
      await town.window.problems.when('what the town says', (all) => problemsOf(all).length === 1),
    );
    expect(problems[0]).toMatchObject({
      message: 'role_agents.polecat is a number, but must be a string.',
      position: '[Ln 10, Col 1]',
    });
    const told = await town.window.notifications.waitFor(/role_agents\.polecat/);
    expect(told).toEqual({
      message: 'settings/config.json: role_agents.polecat is a number, but must be a string.',
      severity: 'warning',
      buttons: ['Open File'],
    });
    await town.window.notifications.hide();
    await town.window.screenshot('config-malformed');
    const { said } = await gt(`sling issue-1 ${rigName} --name worker-1 -m "Write notes for issue 1"`);
    expect(said).toContain(`Slung issue-1 to ${rigName}-worker-1 (opencode)`);
    await town.untilWork('issue-1', 'done');

    await writeFile(settingsPath(town.root), '{ "type": "town-settings", "version": 1, }}');
    await town.window.problems.when('the syntax error', (all) =>
      problemsOf(all).some(({ message }) => message.startsWith('The file is not valid JSON')),
    );
  });

  it('warns of unknown keys, with the nearest known one', async () => {
    await writeFile(settingsPath(town.root), original.replace('"default_agent"', '"default_agnt"'));
    // The error of before goes in its own time.
    const problems = problemsOf(
      await town.window.problems.when(
        'the warning alone',
        (all) =>
          problemsOf(all).length === 1 && problemsOf(all).some(({ message }) => message.includes('default_agnt')),
      ),
    );
    expect(problems[0]).toMatchObject({
      message: 'default_agnt is not a known key and has no effect. Did you mean "default_agent"?',
      position: '[Ln 4, Col 1]',
      ariaLabel: expect.stringMatching(/^Warning/) as string,
    });
    await writeFile(settingsPath(town.root), original);
    await town.window.problems.when('no problem of ours', (all) => problemsOf(all).length === 0);
  });

  it('drafts the settings of a rig that has none', async () => {
    await town.window.palette.run('Gas Town: Open Rig Settings');
    await expect.poll(() => town.window.editorText()).toContain('"rig-settings"');
    await town.window.page.keyboard.press('Control+s');
    await expect.poll(() => readFile(settingsPath(town.rig), 'utf8').catch(() => '')).toContain('"rig-settings"');
    await town.window.palette.run('View: Close All Editors');
  });

  it('names the nearest of what is unknown', async () => {
    expect(await gt('sling issue-1 myprojct')).toEqual({
      code: 1,
      said: 'gt: There is no rig "myprojct". Did you mean "myproject"? Known rigs: myproject.',
    });
    expect(await gt(`sling issue-1 ${rigName} --agent opncode`)).toEqual({
      code: 1,
      said: 'gt: There is no agent "opncode" (from --agent). Did you mean "opencode"? Known agents: claude, opencode.',
    });
    expect(await gt(`nudge ${rigName}-worker-2 hello`)).toEqual({
      code: 1,
      said:
        `gt: There is nobody with the address "${rigName}-worker-2". Did you mean "${rigName}-worker-1" or "${rigName}/worker-1"? ` +
        `Sessions: ${rigName}-worker-1. Roles: mayor/, deacon/, ${rigName}/witness, ${rigName}/refinery. You: overseer.`,
    });
    expect(await gt('work show isue-1')).toEqual({
      code: 1,
      said: 'gt: There is no work unit "isue-1". Did you mean "issue-1"? Known work units: issue-1.',
    });
    expect((await gt(`sling issue-9 ${rigName}`)).said).toMatch(
      /^gt: The town does not know issue-9\. Describe it with -m/,
    );
    expect(await gt('slng')).toMatchObject({ code: 2 });
  });

  it('refuses a name that is taken, before anything is started', async () => {
    const { said, code } = await gt(`sling issue-2 ${rigName} --name worker-1 -m "Write more notes"`);
    expect(code).toBe(1);
    expect(said).toContain(`There is a session named ${rigName}-worker-1 already`);
    expect(town.watcher.snapshot.sessions).toHaveLength(1);
  });

  it('refuses a second report of the same work, saying how the first was', async () => {
    await town.watcher.request('message.send', {
      to: `${rigName}-worker-1`,
      type: 'nudge',
      body: 'Please run `gt done -m again 2>&1 | tee second-report`',
    });
    await town.model.waitFor((entry) =>
      entry.results.some((text) => /issue-1 is done already .*Nothing was changed\./.test(text)),
    );
    expect(town.watcher.snapshot.work.find(({ id }) => id === 'issue-1')).toMatchObject({
      state: 'done',
      note: 'added notes-issue-1.md',
    });
  });

  it('does not sling onto a rig with a detached HEAD that has no branch to start from', async () => {
    git(town.rig, 'switch', '-q', '--detach');
    git(town.rig, 'branch', '-m', 'main', 'trunk');
    const { said, code } = await gt(`sling issue-3 ${rigName} -m "Write notes for issue 3"`);
    expect(code).toBe(1);
    expect(said).toMatch(
      /has a detached HEAD and no branch main or master, so there is no branch to start work from\. Run "git switch <branch>" there\.$/,
    );
    git(town.rig, 'branch', '-m', 'trunk', 'main');
    git(town.rig, 'switch', '-q', 'main');
    expect(town.watcher.snapshot.sessions).toHaveLength(1);
  });

  it('adds no rig that is not a repository with a commit', async () => {
    const folder = (name: string): string => path.join(town.editor.root, name);
    for (const name of ['plain', 'bare', 'empty']) await mkdir(folder(name));
    git(folder('bare'), 'init', '-q', '--bare');
    git(folder('empty'), 'init', '-q');
    const said = {
      plain: /is not a git repository/,
      bare: /has no commit yet/,
      empty: /has no commit yet/,
      gone: /does not exist/,
    };
    for (const [name, message] of Object.entries(said)) {
      await town.window.palette.run('Gas Town: Add Rig…');
      await town.window.quickInput.pick('Git URL…', 'Where is the git repository?');
      await town.window.quickInput.type(folder(name), 'URL of the git repository');
      await town.window.quickInput.type(name, 'Name of the rig');
      expect(await town.window.notifications.waitFor(message)).toMatchObject({ severity: 'error' });
      await town.window.notifications.clear();
      await town.window.notifications.hide();
    }
    expect(town.watcher.snapshot.rigs.map((rig) => rig.name)).toEqual([rigName]);
  });

  /** Adds a folder of the repository by the window in front, and answers what it is to be. */
  async function addFolder(
    folder: string,
    name: string,
    extent: 'This Folder' | 'The Whole Repository',
  ): Promise<void> {
    const { palette, quickInput } = town.window;
    await palette.run('Gas Town: Add Rig…');
    await quickInput.pick('Git URL…', 'Where is the git repository?');
    await quickInput.type(path.join(town.rig, folder), 'URL of the git repository');
    await quickInput.type(name, 'Name of the rig');
    await quickInput.pick(extent, 'is not a repository of its own');
  }
  const untilRig = (name: string, folder: string) =>
    town.watcher.until(`the rig ${name}`, ({ rigs }) =>
      rigs.some((rig) => rig.name === name && rig.path === path.join(town.rig, folder) && rig.repository === town.rig),
    );

  it('asks of a folder inside of a repository which of the two the rig shall be', async () => {
    for (const folder of ['packages/web', 'packages/api']) {
      await mkdir(path.join(town.rig, folder), { recursive: true });
      await writeFile(path.join(town.rig, folder, 'README.md'), `${folder}\n`);
    }
    git(town.rig, 'add', 'packages');
    git(
      town.rig,
      '-c',
      'user.name=T',
      '-c',
      'user.email=t@example.com',
      'commit',
      '-q',
      '-m',
      'Packages',
      '--',
      'packages',
    );
    await addFolder('packages/web', 'web', 'This Folder');
    await untilRig('web', 'packages/web');
    await addFolder('packages/api', 'whole', 'The Whole Repository');
    expect(await town.window.notifications.waitFor(/is a rig of this town already, named myproject\.$/)).toMatchObject({
      severity: 'error',
    });
    await town.window.notifications.clear();
    await town.window.notifications.hide();
  });

  it('asks so in a window that is no host, too', async () => {
    const first = town.window;
    const second = await town.openWindow();
    await second.views.open('Gas Town');
    await town.sessions.row('web').waitFor();
    await addFolder('packages/api', 'api', 'This Folder');
    await untilRig('api', 'packages/api');
    await second.screenshot('config-client-rig');
    await town.closeWindow(second);
    town.window = first;
  });

  it('says how to start a host where none runs', async () => {
    for (const { id } of town.watcher.snapshot.sessions) await town.watcher.request('session.stop', { session: id });
    town.watcher.close();
    await town.closeWindow(town.window);
    await expect.poll(() => town.host()).toBeUndefined();
    const launcher = path.join(townPaths(town.root).bin, 'gt');
    const run = (): unknown =>
      execFileSync(launcher, ['agents'], {
        cwd: town.root,
        env: { PATH: '/usr/bin:/bin' },
        encoding: 'utf8',
        stdio: 'pipe',
      });
    expect(run).toThrow(
      expect.objectContaining({
        status: 3,
        stderr: expect.stringContaining(
          `gt: No Gas Town host is running for ${town.root}. Open the folder in VS Code with the Gas Town extension`,
        ) as string,
      }) as Error,
    );
  });
});
