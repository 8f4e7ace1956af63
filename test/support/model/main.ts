import { parseArgs } from 'node:util';
import { startScriptedModel } from './server.ts';

// The scripted model as a process of its own: `node test/support/model/main.ts [--port N]`. Programmed by POST /rules.
const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
const model = await startScriptedModel({ port: Number(values.port) });
console.log(`scripted model listening on ${model.url}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void model.close();
  });
}
