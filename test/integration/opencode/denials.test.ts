import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunSpec } from '../../../shared/backends/driver.ts';
import { makeRepository } from '../../support/core.ts';
import { makeOpencodeTown, scripted } from '../../support/opencode/town.ts';
import type { Host, OpencodeTown } from '../../support/opencode/town.ts';

const never = new AbortController().signal;
const secret = 'SECRET=of-the-user';

describe("what the user denies in Opencode's configuration", () => {
  let town: OpencodeTown;
  let own: Host;
  let count = 0;

  beforeAll(async () => {
    town = await makeOpencodeTown();
    const file = path.join(town.home, '.config', 'opencode', 'opencode.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const permission = { bash: { 'git push*': 'deny' }, read: { '*.env': 'deny' } };
    const reviewer = { mode: 'subagent', description: 'Looks only', permission: { bash: 'deny' } };
    writeFileSync(file, JSON.stringify({ ...config, permission, agent: { reviewer } }));
    own = await town.makeHost();
    // It keeps the server, so that not every test waits for one of its own.
    await own.driver.start(await town.makeSpec(), never);
  });
  afterAll(() => town.close());

  /** A repository with a `.env`, and this configuration of its own. */
  const repository = (config?: object): string => {
    const folder = makeRepository(path.join(town.folder, `denials-${(count += 1)}`));
    writeFileSync(path.join(folder, '.env'), secret);
    if (config) writeFileSync(path.join(folder, 'opencode.json'), JSON.stringify(config));
    return folder;
  };
  const runs = (command: string): object => ({ tool: 'bash', args: { command } });
  const start = async (steps: object[], more: Partial<RunSpec> = {}): Promise<RunSpec> => {
    const cwd = more.cwd ?? repository();
    const spec = await town.makeSpec({
      cwd,
      firstPrompt: { id: `msg_${path.basename(cwd)}`, text: scripted(...steps, { text: 'Done.' }) },
      ...more,
    });
    await own.driver.start(spec, never);
    return spec;
  };
  const end = async (spec: RunSpec): Promise<void> => {
    await own.host.until('the turn', () => own.host.turns.includes(spec.runId));
    await own.driver.stop(spec.runId);
  };
  const made = (spec: RunSpec, file: string): boolean => existsSync(path.join(spec.cwd, file));
  const asked = (spec: RunSpec): string[] => [
    ...new Set(own.host.facts(spec.runId).flatMap((fact) => (fact.kind === 'asked' ? [fact.ask.title] : []))),
  ];

  it('is denied to an autonomous worker, and nothing else is', async () => {
    const cwd = repository();
    const steps = [
      runs('git push origin main; touch pushed'),
      { tool: 'read', args: { path: path.join(cwd, '.env') } },
      runs('git status > status; touch worked'),
    ];
    const spec = await start(steps, { cwd });
    await end(spec);
    expect(made(spec, 'pushed')).toBe(false);
    expect(made(spec, 'worked')).toBe(true);
    const results = town.model.requests.flatMap((request) => request.results).join('\n');
    expect(results).not.toContain(secret);
    expect(results).toContain('prevents you from using this specific tool call');
    expect(asked(spec)).toEqual([]);
  });

  it('is no question in a session that asks', async () => {
    const spec = await start([runs('git push origin main; touch pushed'), runs('touch asked-for')], {
      permissions: 'interactive',
    });
    const ask = await own.host.until('the ask', () => own.host.status(spec.runId).asks[0]);
    expect(ask.title).toBe('bash: touch asked-for');
    await own.driver.answer(spec.runId, ask.id, { kind: 'allow' });
    await end(spec);
    expect([made(spec, 'pushed'), made(spec, 'asked-for')]).toEqual([false, true]);
    expect(asked(spec)).toEqual(['bash: touch asked-for']);
  });

  it('holds where the project says it, with what the project takes back of it', async () => {
    const cwd = repository({ permission: { bash: { '*': 'deny', 'git *': 'ask' } } });
    const spec = await start([runs('touch made'), runs('git branch allowed-again')], { cwd });
    await end(spec);
    expect(made(spec, 'made')).toBe(false);
    expect(made(spec, '.git/refs/heads/allowed-again')).toBe(true);
  });

  it('holds as one word for everything', async () => {
    const spec = await start([runs('touch made')], { cwd: repository({ permission: 'deny' }) });
    await end(spec);
    expect(made(spec, 'made')).toBe(false);
  });

  it.each([
    ['the user', 'general', 'git push origin main; touch made'],
    ['its own rules', 'reviewer', 'touch made'],
  ])('holds for a sub-agent: by %s', async (_by, agent, command) => {
    const task = {
      tool: 'task',
      args: { agent, description: 'Look around', prompt: scripted(runs(command), { text: 'Sub done.' }) },
    };
    const spec = await start([task]);
    await end(spec);
    expect(own.host.children.get(spec.runId)).toHaveLength(1);
    expect(made(spec, 'made')).toBe(false);
  });
});
