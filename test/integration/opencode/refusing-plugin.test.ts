import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunSpec } from '../../../shared/backends/driver.ts';
import { makeRepository } from '../../support/core.ts';
import { makeOpencodeTown, scripted } from '../../support/opencode/town.ts';
import type { Host, OpencodeTown } from '../../support/opencode/town.ts';

const never = new AbortController().signal;
const refuse = `export const Refuse = async () => ({
  'chat.message': async (_input, { parts }) => {
    if (parts.some((part) => part.type === 'text' && part.text.includes('REFUSE'))) throw new Error('Not that prompt.');
  },
});
`;

describe('a prompt that another plugin refuses', () => {
  let town: OpencodeTown;
  let own: Host;

  beforeEach(async () => {
    town = await makeOpencodeTown();
    own = await town.makeHost();
  });
  afterEach(() => town.close());

  const write = (folder: string): void => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'refuse.js'), refuse);
  };
  const turnsOf = ({ runId }: RunSpec): number => own.host.turns.filter((id) => id === runId).length;

  // Which hook is asked first depends on where the plugin is.
  it.each([
    ['of the repository', (cwd: string) => write(path.join(cwd, '.opencode', 'plugin'))],
    ['of the user', () => write(path.join(town.home, '.config', 'opencode', 'plugin'))],
  ])('has no receipt, says why, and holds up nothing: a plugin %s', async (_whose, place) => {
    const cwd = makeRepository(path.join(town.folder, 'rig'));
    place(cwd);
    const spec = await town.makeSpec({ cwd });
    await own.driver.start(spec, never);
    expect(await own.driver.deliver(spec.runId, { id: 'msg_no', text: 'REFUSE this [gt msg_no]' }, never)).toEqual({
      kind: 'accepted',
    });
    await own.host.until('the end of a turn that never began', () => turnsOf(spec) === 1);
    expect(own.host.deliveries).toEqual([]);
    expect(own.host.status(spec.runId)).toMatchObject({
      activity: { kind: 'idle' },
      cause: expect.stringContaining('Not that prompt.') as string,
    });
    expect(await own.driver.recall(spec.runId, ['msg_no'])).toEqual([]);

    await own.driver.deliver(spec.runId, { id: 'msg_yes', text: scripted({ text: 'Done.' }) }, never);
    await own.host.until('the next turn', () => turnsOf(spec) === 2);
    expect([...new Set(own.host.deliveries.map(({ deliveryId }) => deliveryId))]).toEqual(['msg_yes']);
  });
});
