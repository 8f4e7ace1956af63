import { expect, test } from 'vitest';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { Phases } from '../../../shared/host/phases.ts';

async function begun(names: readonly string[], disposed: string[], logged: string[] = []): Promise<Phases> {
  const phases = new Phases({ ...silentLogger, error: (line) => void logged.push(line) });
  for (const name of names) await phases.begin(name, () => ({ dispose: () => void disposed.push(name) }));
  return phases;
}

test('the end is the list backwards, one after the other', async () => {
  const disposed: string[] = [];
  const phases = await begun(['store'], disposed);
  await phases.begin('rigs', () => ({
    dispose: () => new Promise<void>((resolve) => setImmediate(resolve)).then(() => void disposed.push('rigs')),
  }));
  await phases.begin('launchers', () => undefined);
  await phases.begin('channel', () => ({ dispose: () => void disposed.push('channel') }));
  await phases.dispose();
  expect(disposed).toEqual(['channel', 'rigs', 'store']);
});

test('one that fails to begin has nothing to dispose; what came before has', async () => {
  const disposed: string[] = [];
  const phases = await begun(['store', 'rigs'], disposed);
  await expect(phases.begin('channel', () => Promise.reject(new Error('no socket')))).rejects.toThrow('no socket');
  await phases.dispose();
  expect(disposed).toEqual(['rigs', 'store']);
});

test('one that is kept is taken back by the next call', async () => {
  const disposed: string[] = [];
  const phases = await begun(['store', 'channel', 'means'], disposed);
  await phases.dispose('channel');
  expect(disposed).toEqual(['means', 'store']);
  await phases.dispose();
  expect(disposed).toEqual(['means', 'store', 'channel']);
});

test('what goes wrong is logged by the name of the phase, and the rest is disposed all the same', async () => {
  const disposed: string[] = [];
  const logged: string[] = [];
  const phases = await begun(['store'], disposed, logged);
  await phases.begin('channel', () => ({ dispose: () => Promise.reject(new Error('stuck')) }));
  await phases.dispose();
  expect(logged).toEqual(['ending the phase "channel": stuck']);
  expect(disposed).toEqual(['store']);
});

test('what a phase makes after the end has begun is disposed at once, and no other phase is begun', async () => {
  const disposed: string[] = [];
  const phases = await begun([], disposed);
  expect(phases.isEnding).toBe(false);
  await phases.begin('late', async () => {
    await phases.dispose();
    return { dispose: () => void disposed.push('late') };
  });
  expect(phases.isEnding).toBe(true);
  expect(disposed).toEqual(['late']);
  await expect(phases.begin('host file', () => void disposed.push('made'))).rejects.toMatchObject({ code: 'no-host' });
  expect(disposed).toEqual(['late']);
});
