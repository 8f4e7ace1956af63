import { fakeAgent } from '../../support/core.ts';
import type { makeCore } from '../../support/core.ts';

export type Core = ReturnType<typeof makeCore>;

/** Starts a polecat of that name; its run. */
export async function spawn(core: Core, id: string): Promise<string> {
  const wanted = {
    id,
    backend: 'opencode',
    role: 'polecat',
    agentName: id,
    rig: 'alpha',
    agent: fakeAgent,
    workDir: '/nowhere',
  } as const;
  return (await core.manager.start(wanted, new AbortController().signal)).runId;
}

export const nudge = (core: Core, body: string, to = 'alpha-toast') =>
  core.outbox.accept({ from: 'overseer', to, kind: 'nudge', body });

/** The run's program says that it is idle. */
export const idle = (core: Core, runId: string): void =>
  core.manager.report(runId, 'program', { kind: 'idle' }, 'idle');

export const stateOf = (core: Core, id: string) => core.store.messages.get(id)?.state;

/** What can be done at once has been done. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The texts that were put before models. */
export const delivered = (core: Core): string[] => core.driver.deliveries.map(({ delivery }) => delivery.text);
