/** The extension's page and the documents in the package: nothing in them leads nowhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { extensionPage } from '../../support/setup/extension-page.ts';

const root = resolve(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** The targets of a document's links and pictures that are no addresses, without the place in the file. */
function relativeTargets(text: string): string[] {
  return [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)#]*)[^)]*\)/g)].map(([, target]) => target ?? '');
}

test('the page has no picture and no relative link; their texts and links to the web remain', () => {
  const readme = '# A\n\n![P](docs/p.png)\n\nSee [this](docs/a.md#b), [that](https://example.com/x) and [below](#c).\n';
  expect(extensionPage(readme)).toBe('# A\n\nSee this, [that](https://example.com/x) and below.\n');
  expect(relativeTargets(extensionPage(read('README.md')))).toEqual([]);
});

test('the page is for those who install: no command of the source folder', () => {
  expect(read('README.md')).not.toMatch(/\bnpm (start|test|run|install)\b/);
});

test('what README and CONTRIBUTING link to exists', () => {
  for (const file of ['README.md', 'CONTRIBUTING.md']) {
    for (const target of relativeTargets(read(file)))
      expect(existsSync(join(root, target)), `${file} → ${target}`).toBe(true);
  }
});

test('what the documents in the package link to is in it, too', () => {
  // vsce stores README, CHANGELOG and LICENSE under other names.
  const shipped = read('.vscodeignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  const isShipped = (file: string): boolean =>
    shipped.some((each) => (each.endsWith('/**') ? file.startsWith(each.slice(0, -2)) : each === file));
  const forUsers = readdirSync(join(root, 'docs/user'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/user/${name}`);
  expect(forUsers.length).toBeGreaterThan(5);
  const documents = [...forUsers, 'SECURITY.md', 'CHANGELOG.md'];
  for (const file of documents) expect(isShipped(file)).toBe(true);
  for (const file of documents) {
    for (const target of relativeTargets(read(file))) {
      const path = relative(root, resolve(root, dirname(file), target));
      expect(existsSync(join(root, path)), `${file} → ${target}`).toBe(true);
      expect(isShipped(path), `${file} → ${path} is in the package`).toBe(true);
      expect(path).not.toMatch(/^(README|CHANGELOG|LICENSE)/);
    }
  }
});
