import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeCore, temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let core: ReturnType<typeof makeCore>;
beforeEach(() => {
  folder = temporaryFolder('title');
  core = makeCore(join(folder.path, 'town.db'));
});
afterEach(() => {
  core.store.close();
  folder.remove();
});

const add = (title: string, description: string) => core.work.add({ title, description }, 'overseer');

test('a title of 200 characters is kept as it is', () => {
  const title = '😀'.repeat(200);
  expect(add(title, 'Do it')).toMatchObject({ title, description: 'Do it' });
});

test('a longer title is cut between characters, and nothing of it is lost', () => {
  const title = `${'😀'.repeat(200)}end`;
  const cut = `${'😀'.repeat(199)}…`;
  expect(add(title, 'Do it')).toMatchObject({ title: cut, description: `${title}\n\nDo it` });
  expect(add(title, '')).toMatchObject({ title: cut, description: title });
  expect(add(title, `${title}: do it`)).toMatchObject({ title: cut, description: `${title}: do it` });
});
