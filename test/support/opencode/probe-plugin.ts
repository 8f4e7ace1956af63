/** A plugin that has every hook there is and writes down which of them, and which events, really come. */
import { appendFileSync } from 'node:fs';
import type { Hooks, PluginInput } from '@opencode-ai/plugin';

type HookName = Exclude<keyof Hooks, 'tool' | 'auth' | 'provider'>;

/** Complete by its type: a hook that a newer Opencode adds is an error here. */
const hooks: Record<HookName, true> = {
  dispose: true,
  event: true,
  config: true,
  'chat.message': true,
  'chat.params': true,
  'chat.headers': true,
  'permission.ask': true,
  'command.execute.before': true,
  'tool.execute.before': true,
  'shell.env': true,
  'tool.execute.after': true,
  'experimental.chat.messages.transform': true,
  'experimental.chat.system.transform': true,
  'experimental.provider.small_model': true,
  'experimental.session.compacting': true,
  'experimental.compaction.autocontinue': true,
  'experimental.text.complete': true,
  'tool.definition': true,
};

export const Probe = async (_input: PluginInput): Promise<Hooks> => {
  const note = (kind: string, name: string): void => appendFileSync(process.env['PROBE_FILE']!, `${kind} ${name}\n`);
  const probes = Object.keys(hooks).map((name) => [
    name,
    async (input: { event?: { type: string } }) => {
      note('hook', name);
      if (name === 'event' && input.event) note('event', input.event.type);
      return Promise.resolve();
    },
  ]);
  for (const name of Object.keys(hooks)) note('known', name);
  return Promise.resolve(Object.fromEntries(probes) as Hooks);
};
