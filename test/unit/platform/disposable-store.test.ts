import { expect, test } from 'vitest';
import { DisposableStore } from '../../../shared/platform/disposable-store.ts';

const noting = (notes: string[], name: string) => ({ dispose: () => void notes.push(name) });

test('disposes what it owns, the newest first, and once [holds 10]', async () => {
  const notes: string[] = [];
  const store = new DisposableStore();
  for (const name of ['first', 'second', 'third']) store.add(noting(notes, name));
  await store.dispose();
  await store.dispose();
  expect(notes).toEqual(['third', 'second', 'first']);
});

test('what is added after the end is disposed at once', async () => {
  const notes: string[] = [];
  const store = new DisposableStore();
  await store.dispose();
  store.add(noting(notes, 'late'));
  expect(notes).toEqual(['late']);
});

test('one that fails does not keep the others, and is told', async () => {
  const notes: string[] = [];
  const store = new DisposableStore();
  store.add(noting(notes, 'first'));
  store.add({ dispose: () => Promise.reject(new Error('stuck')) });
  await expect(store.dispose()).rejects.toThrow('stuck');
  expect(notes).toEqual(['first']);
});
