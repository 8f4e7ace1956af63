// What `npm run bench` runs: figures and ratios, printed, never judged.
//   npm run bench                      all of them
//   npm run bench -- --only growth     one
//   npm run bench -- --only steady --seconds 600
//   npm run bench -- --only editor --profiles FOLDER   with what the extension host did, for DevTools

import { valuesOf } from '../support/command-line.ts';
import { editorLoad } from './editor-load.ts';
import { growth } from './growth.ts';
import { steady } from './steady.ts';

const { only, seconds, profiles } = valuesOf(process.argv.slice(2), {
  only: { type: 'string' },
  seconds: { type: 'string', default: '60' },
  profiles: { type: 'string' },
});
const benches: Readonly<Record<string, () => Promise<void>>> = {
  growth,
  steady: () => steady(Number(seconds)),
  editor: () => editorLoad(Number(seconds), profiles),
};
// What was started ends with this process, and that it hears of by its 'exit' only.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
const wanted = only === undefined ? Object.keys(benches) : only.split(',');
const unknown = wanted.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}. There are: ${Object.keys(benches).join(', ')}.`);
  process.exitCode = 2;
} else for (const name of wanted) await benches[name]?.();
