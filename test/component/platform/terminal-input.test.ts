import { setTimeout as delay } from 'node:timers/promises';
import { spawn } from 'node-pty';
import { expect, test } from 'vitest';
import { lastInput, terminalDevice } from '../../../shared/platform/terminal-input.ts';

test.runIf(process.platform === 'linux')(
  'the system tells when keys reached the program in a terminal, and not of what it writes',
  async () => {
    // Nothing is noted before the program reads.
    const pty = spawn(
      '/bin/sh',
      ['-c', 'echo ready; while sleep 0.1; do echo busy; done & read -r line; echo "got $line"; wait'],
      { cols: 80, rows: 24 },
    );
    try {
      let output = '';
      pty.onData((data) => (output += data));
      const until = async (text: string): Promise<void> => {
        while (!output.includes(text)) await delay(20);
      };
      await until('busy');
      const device = await terminalDevice(pty.pid);
      expect(device).toMatch(/^\/dev\/pts\//);
      const before = Date.now();
      expect(lastInput(device!)!.until).toBeLessThan(before + 8_000);
      pty.write('x\r');
      await until('got x');
      const { from, until: end } = lastInput(device!)!;
      expect(end).toBeGreaterThan(before);
      expect(end - from).toBeLessThanOrEqual(8_000);
    } finally {
      pty.kill('SIGKILL');
    }
  },
);

test('a process without a terminal, or none at all, has no device', async () => {
  expect(await terminalDevice(2 ** 30)).toBeUndefined();
});
