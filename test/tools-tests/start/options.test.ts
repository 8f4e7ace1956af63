import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readOptions as readSoakOptions } from '../../soak/options.ts';
import { readOptions } from '../../start/options.ts';
import { UsageError } from '../../support/command-line.ts';

test('what is given is read', () => {
  expect(readOptions(['--once', '--report', 'r.json', '--town=/tmp/town'])).toEqual({
    once: true,
    desktop: false,
    report: 'r.json',
    town: '/tmp/town',
  });
  expect(readOptions(['--report=-r.json', '--once'])).toMatchObject({ report: '-r.json' });
});

test.each([
  [['--report'], '--report needs a value: see --help.'],
  [['--report='], '--report needs a value: see --help.'],
  [['--report', '--once'], '--report needs a value: see --help.'],
  [['--town'], '--town needs a value: see --help.'],
  [['--once=yes'], '--once takes no value: see --help.'],
  [['--onec'], 'There is no option --onec: see --help.'],
  [['town'], '"town" is no option: see --help.'],
])('npm start -- %j says so in one sentence', (argv, sentence) => {
  expect(() => readOptions(argv)).toThrow(new UsageError(sentence));
});

test.each(['--seconds', '--seed', '--sessions', '--report'])('npm run soak -- %s without a value, too', (option) => {
  expect(() => readSoakOptions([option], 17)).toThrow(new UsageError(`${option} needs a value: see --help.`));
});

test('the command ends with 1, and with nothing else said', () => {
  const program = join(import.meta.dirname, '..', '..', 'start', 'main.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', program, '--report'], {
    encoding: 'utf8',
  });
  expect([status, stdout, stderr]).toEqual([1, '', '--report needs a value: see --help.\n']);
});
