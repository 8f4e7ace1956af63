import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeOpencodeTown, scripted } from '../../support/opencode/town.ts';
import type { Host, OpencodeTown } from '../../support/opencode/town.ts';

const never = new AbortController().signal;

describe('sub-agents of an Opencode session', () => {
  let town: OpencodeTown;
  let own: Host;

  beforeAll(async () => {
    town = await makeOpencodeTown();
    own = await town.makeHost();
  });
  afterAll(() => town.close());

  /** A prompt whose turn gives this command to a sub-agent. */
  const handedOn = (command: string): string => {
    const prompt = scripted({ tool: 'bash', args: { command } }, { text: 'Sub done.' });
    return scripted({ tool: 'task', args: { prompt, description: 'Look around' } }, { text: 'Both done.' });
  };

  it('are shown below it, and have its identity', async () => {
    const spec = await town.makeSpec({
      firstPrompt: { id: 'msg_a', text: handedOn('echo "$GT_SESSION" > who; pwd > where') },
    });
    await own.driver.start(spec, never);
    await own.host.until('the turn', () => own.host.turns.includes(spec.runId));
    expect(own.host.children.get(spec.runId)).toEqual([
      { id: expect.stringMatching(/^ses_/), title: expect.stringContaining('Look around'), activity: 'idle' },
    ]);
    expect(readFileSync(path.join(spec.cwd, 'who'), 'utf8')).toBe(`${spec.sessionId}\n`);
    await own.driver.stop(spec.runId);
  });

  it('may do what an autonomous session may, without asking', async () => {
    const spec = await town.makeSpec({ firstPrompt: { id: 'msg_b', text: handedOn('cat /etc/hostname > copied') } });
    await own.driver.start(spec, never);
    await own.host.until('the turn', () => own.host.turns.includes(spec.runId));
    expect(own.host.facts(spec.runId).filter(({ kind }) => kind === 'asked')).toEqual([]);
    expect(existsSync(path.join(spec.cwd, 'copied'))).toBe(true);
    await own.driver.stop(spec.runId);
  });

  it('ask where an interactive session would have to; the ask is shown on the session', async () => {
    const spec = await town.makeSpec({
      permissions: 'interactive',
      firstPrompt: { id: 'msg_c', text: handedOn('touch made') },
    });
    await own.driver.start(spec, never);
    const ask = await own.host.until('the ask', () => own.host.status(spec.runId).asks[0]);
    expect(ask.title).toMatch(/^Look around .* › bash: touch made$/);
    expect(existsSync(path.join(spec.cwd, 'made'))).toBe(false);
    await own.driver.answer(spec.runId, ask.id, { kind: 'allow' });
    await own.host.until('the turn', () => own.host.turns.includes(spec.runId));
    expect(existsSync(path.join(spec.cwd, 'made'))).toBe(true);
    await own.driver.stop(spec.runId);
  });
});
