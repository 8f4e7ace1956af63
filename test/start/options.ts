import { valuesOf } from '../support/command-line.ts';

export interface StartOptions {
  /** Ends by itself when the workflow has been seen. */
  once: boolean;
  report?: string;
  /** The user's own town instead of the demo. */
  town?: string;
  /** A window of the desktop VS Code, instead of the server build that the tests drive. */
  desktop: boolean;
}

export const usage = `npm start -- [options]

Opens VS Code with the Gas Town extension on a demo town and runs the mixed workflow in it: a Claude mayor,
three Opencode polecats that work and report, a Claude refinery, a nudge and a mail back. The agents are real;
the model is scripted, on this machine, so that no account is needed.

  --once         end when all of it has been seen (exit code 0 only then)
  --report FILE  write what was seen as JSON
  --town DIR     open your own town with your own agents instead of the demo
  --desktop      use a desktop VS Code (the one on your PATH) in a window; not driven by any test
  --help         this text`;

/** Throws a `UsageError` that says which option is wrong. */
export function readOptions(argv: string[]): StartOptions | 'help' {
  const values = valuesOf(argv, {
    once: { type: 'boolean', default: false },
    report: { type: 'string' },
    town: { type: 'string' },
    desktop: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  });
  if (values.help) return 'help';
  const { once, desktop, report, town } = values;
  return { once: once || !process.stdout.isTTY, desktop, ...(report ? { report } : {}), ...(town ? { town } : {}) };
}
