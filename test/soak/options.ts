import { UsageError, valuesOf } from '../support/command-line.ts';

export interface SoakOptions {
  /** How long messages, work and faults go on; set-up and the end come on top. */
  seconds: number;
  seed: number;
  sessions: number;
  report?: string;
  /** The town's folder stays, whatever comes out. */
  keep: boolean;
}

export const usage = `npm run soak -- --seconds N [options]

Runs real agents of both backends with random messages, work, crashes and restarts for N seconds, lets everything come
to rest, and compares what the town's books say with what the scripted model saw. Exits with 1 where a message or a unit
of work was lost or doubled, or a process was left over.

  --seconds N    how long (at least 5)
  --seed S       the same decisions again; a whole number, random when left out
  --sessions N   how many sessions, shared between the backends (default 4)
  --report FILE  write the figures as JSON
  --keep         keep the town, the logs and the books also when all is well
  --help         this text`;

/** Throws a `UsageError` that says which option is wrong. `randomSeed` is used where no seed is given. */
export function readOptions(argv: readonly string[], randomSeed: number): SoakOptions | 'help' {
  const values = valuesOf(argv, {
    seconds: { type: 'string' },
    seed: { type: 'string' },
    sessions: { type: 'string', default: '4' },
    report: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  });
  if (values.help) return 'help';
  if (values.seconds === undefined) throw new UsageError('How long? Give --seconds N, for instance --seconds 60.');
  return {
    seconds: wholeNumber('--seconds', values.seconds, 5),
    seed: values.seed === undefined ? randomSeed : wholeNumber('--seed', values.seed, 0),
    sessions: wholeNumber('--sessions', values.sessions, 1),
    keep: values.keep,
    ...(values.report ? { report: values.report } : {}),
  };
}

function wholeNumber(option: string, text: string, least: number): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(number) && number >= least) return number;
  throw new UsageError(`${option} ${text}: expected a whole number, ${least} or more.`);
}
