// What `npm run bench` runs: figures and ratios, printed, never judged.
//   npm run bench                      all of them
//   npm run bench -- --only growth     one
//   npm run bench -- --only steady --seconds 600

import { valuesOf } from '../support/command-line.ts';
import { growth } from './growth.ts';
import { steady } from './steady.ts';

const { only, seconds } = valuesOf(process.argv.slice(2), {
  only: { type: 'string' },
  seconds: { type: 'string', default: '60' },
});
const benches: Readonly<Record<string, () => Promise<void>>> = { growth, steady: () => steady(Number(seconds)) };
const wanted = only === undefined ? Object.keys(benches) : only.split(',');
const unknown = wanted.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}. There are: ${Object.keys(benches).join(', ')}.`);
  process.exitCode = 2;
} else for (const name of wanted) await benches[name]?.();
