// Stand-in for the native module @vscode/native-watchdog, which has no prebuilt binary: ends this process when the
// watched one is gone. There is no event for the end of a process that is not our child, hence the interval.

import { setInterval } from 'node:timers';

const INTERVAL_MS = 1000;
const EXIT_CODE = 87;

/** Ends this process with code 87 soon after the process `pid` has ended. */
export function start(pid) {
  setInterval(() => {
    try {
      process.kill(pid, 0);
    } catch {
      process.exit(EXIT_CODE);
    }
  }, INTERVAL_MS).unref();
}

/** Ends this process. */
export function exit(code = 0) {
  process.exit(code);
}
