import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { startedWith } from '../../../shared/platform/process-table.ts';
import { EscalationCommand } from '../../../shared/work/escalation-command.ts';
import { temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => (folder = temporaryFolder('escalation')));
afterEach(() => folder.remove());

const escalation = {
  id: 'esc_1',
  severity: 'high' as const,
  message: 'The $(touch x) key; is "missing"',
  by: 'alpha-toast',
  workId: 'issue-1',
  key: { kind: 'reported' as const, subject: 'c' },
  raisedAt: 0,
};

function commandOf(command: string[] | undefined, boundMs?: number): EscalationCommand {
  return new EscalationCommand({
    command: () => command,
    cwd: folder.path,
    environment: { PATH: process.env['PATH'], SECRET: 'not for the command', GIT_DIR: '/other/.git', HOME: '/home/me' },
    log: silentLogger,
    onChange: () => undefined,
    ...(boundMs === undefined ? {} : { boundMs }),
  });
}
const script = (text: string, ...args: string[]) => [process.execPath, '-e', text, ...args];

test("the facts are in the environment, nothing else of the host's is, and no shell reads them", async () => {
  const command = commandOf(
    script(
      'require("fs").writeFileSync("facts.json", JSON.stringify([process.env, process.argv.slice(1)]))',
      'a b',
      '$HOME',
    ),
  );
  await command.run(escalation);
  expect(command.problem).toBeUndefined();
  const [environment, args] = JSON.parse(readFileSync(join(folder.path, 'facts.json'), 'utf8')) as [
    Record<string, string>,
    string[],
  ];
  expect(environment).toMatchObject({
    GT_ESCALATION_ID: 'esc_1',
    GT_ESCALATION_SEVERITY: 'high',
    GT_ESCALATION_MESSAGE: escalation.message,
    GT_ESCALATION_BY: 'alpha-toast',
    GT_ESCALATION_SESSION: '',
    GT_ESCALATION_WORK: 'issue-1',
    GT_ESCALATION_AT: '1970-01-01T00:00:00.000Z',
    GT_TOWN_ROOT: folder.path,
    HOME: '/home/me',
  });
  expect(environment['SECRET']).toBeUndefined();
  expect(environment['GIT_DIR']).toBeUndefined();
  expect(args).toEqual(['a b', '$HOME']);
  expect(existsSync(join(folder.path, 'x'))).toBe(false);
});

test("a failure is told, with the program's last words, until a run succeeds", async () => {
  let text = 'console.error("no such channel"); process.exit(3)';
  const command = new EscalationCommand({
    command: () => script(text),
    cwd: folder.path,
    environment: { PATH: process.env['PATH'] },
    log: silentLogger,
    onChange: () => undefined,
  });
  await command.run(escalation);
  expect(command.problem).toBe(
    'escalation.command did not work for esc_1: it ended with code 3. Its last words: no such channel',
  );
  text = '';
  await command.run(escalation);
  expect(command.problem).toBeUndefined();
});

test('a program that is not there is told', async () => {
  const command = commandOf(['/nowhere/at-all']);
  await command.run(escalation);
  expect(command.problem).toContain('/nowhere/at-all could not be started');
});

test('one that does not end is ended, with what it started', async () => {
  const forever = 'setInterval(() => {}, 1000)';
  const command = commandOf(
    script(`require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(forever)}]); ${forever}`),
    1000,
  );
  await command.run({ ...escalation, id: 'esc_forever' });
  expect(command.problem).toContain('it took longer than 1 s, so it was ended');
  expect(await startedWith('GT_ESCALATION_ID', 'esc_forever')).toEqual([]);
});

test('without a command nothing happens', async () => {
  const command = commandOf(undefined);
  await command.run(escalation);
  expect(command.problem).toBeUndefined();
});

test.each([
  ['200 KB', 'x'.repeat(200_000)],
  ['200 KB of characters that are longer than a byte', 'ä€😀'.repeat(30_000)],
  ['a NUL', 'before\0after'],
])('a message of %s reaches the program as far as a variable can hold it', async (_what, message) => {
  const command = commandOf(script('require("fs").writeFileSync("message", process.env.GT_ESCALATION_MESSAGE)'));
  await command.run({ ...escalation, message });
  expect(command.problem).toBeUndefined();
  const given = readFileSync(join(folder.path, 'message'), 'utf8');
  expect(given.slice(0, 6)).toBe(message.slice(0, 6));
  expect(Buffer.byteLength(given)).toBeLessThan(8_100);
  expect(given).not.toMatch(/\0|\ufffd/);
  if (message.length > 100) expect(given).toMatch(/… \(all of it: gt escalate list\)$/);
});

test('arguments that no program can be given are a problem, and no more', async () => {
  const command = commandOf(['true', 'a\0b']);
  await command.run(escalation);
  expect(command.problem).toContain('true could not be started');
  const long = commandOf(['true', 'x'.repeat(3_000_000)]);
  await long.run(escalation);
  expect(long.problem).toContain('true could not be started');
});
