import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { backends } from '../../../shared/host/backends.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const list = 'shared/host/backends.ts';
const files = ['shared', 'extension', 'plugin'].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/')),
);

test.each(backends.map(({ name }) => name))(
  'nobody says %s but its own folders and the one list of backends',
  (name) => {
    const own = [`shared/backends/${name}/`, `plugin/${name}/`];
    const others = files.filter((file) => file !== list && !own.some((folder) => file.startsWith(folder)));
    expect(others.length).toBeGreaterThan(200);
    const found = others.flatMap((file) =>
      readFileSync(path.join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => (line.toLowerCase().includes(name) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  },
);
