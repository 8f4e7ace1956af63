import path from 'node:path';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';
import { expect, test } from 'vitest';
import type * as z from 'zod/mini';
import { builtinsOnce, withoutDescriptions } from '../../../esbuild.plugins.ts';
import type * as rigs from '../../../shared/config/rig-settings.ts';
import type * as towns from '../../../shared/config/town-settings.ts';

const root = path.join(import.meta.dirname, '../../..');

async function bundle(contents: string, format: 'cjs' | 'esm', plugins: Plugin[]): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format,
    plugins,
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

test('without their descriptions the settings check the same', async () => {
  const settings = `
    export { rigSettings } from './shared/config/rig-settings.ts';
    export { townSettings } from './shared/config/town-settings.ts';
    export { toJSONSchema } from 'zod/mini';
  `;
  const [all, checks] = await Promise.all([[], [withoutDescriptions]].map((plugins) => schemasOf(settings, plugins)));

  expect(JSON.stringify(all)).toContain('"description"');
  expect(JSON.stringify(checks)).not.toMatch(/"(?:description|examples)"/);
  expect(checks).toEqual(withoutWords(all));
});

async function schemasOf(contents: string, plugins: Plugin[]): Promise<unknown> {
  const code = await bundle(contents, 'esm', plugins);
  const { rigSettings, townSettings, toJSONSchema } = (await import(
    `data:text/javascript,${encodeURIComponent(code)}`
  )) as typeof rigs & typeof towns & typeof z;
  return [rigSettings, townSettings].map((schema) => toJSONSchema(schema, { target: 'draft-7', io: 'input' }));
}

function withoutWords(schema: unknown): unknown {
  return JSON.parse(
    JSON.stringify(schema, (key, value: unknown) => (key === 'description' || key === 'examples' ? undefined : value)),
  );
}

test('a module of Node is required once, with what is used of it', async () => {
  const modules = ["import { join } from 'node:path'; export const a = join('a', 'b');"];
  modules.push("import path, { dirname } from 'node:path'; export const b = path.sep + dirname('c/d');");
  const inline: Plugin = {
    name: 'inline',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^module-/ }, (args) => ({ path: args.path, namespace: 'inline' }));
      onLoad({ filter: /^/, namespace: 'inline' }, (args) => ({ contents: modules[Number(args.path.at(-1))] ?? '' }));
    },
  };
  const code = await bundle("export * from 'module-0'; export * from 'module-1';", 'cjs', [inline, builtinsOnce]);

  expect(code.match(/require\("node:path"\)/g)).toHaveLength(1);
  const module = { exports: {} };
  new Function('require', 'module', code)(process.getBuiltinModule, module);
  expect(module.exports).toMatchObject({ a: path.join('a', 'b'), b: `${path.sep}c` });
});
