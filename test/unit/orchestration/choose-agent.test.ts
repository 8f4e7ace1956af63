import { describe, expect, test } from 'vitest';
import { chooseAgent, insteadText } from '../../../shared/orchestration/choose-agent.ts';
import type { ResolvedAgent } from '../../../shared/domain/agent.ts';
import { GasTownError } from '../../../shared/platform/errors.ts';

const agent = (name: string): ResolvedAgent => ({
  name,
  backend: name.startsWith('claude') ? 'claude' : 'opencode',
  command: name,
  args: [],
  env: {},
});
const candidates = (first: string, ...others: string[]): [ResolvedAgent, ...ResolvedAgent[]] => [
  agent(first),
  ...others.map(agent),
];

/** What is chosen where these agents cannot be had, or the error's message. */
function choose(names: [string, ...string[]], down: Record<string, string>, explicit = false): string {
  try {
    const choice = chooseAgent(candidates(...names), { explicit, against: ({ name }) => down[name] });
    return insteadText(choice) ?? choice.agent.name;
  } catch (error) {
    if (GasTownError.is(error, 'backend-unavailable')) return error.message;
    throw error;
  }
}

describe('the agent of a session', () => {
  test.each<[string, [string, ...string[]], Record<string, string>, string]>([
    ['the role has, where nothing is wrong', ['opencode', 'claude'], {}, 'opencode'],
    ['the role has, where only another one is down', ['opencode', 'claude'], { claude: 'x' }, 'opencode'],
    [
      'is the next of the chain',
      ['opencode', 'claude'],
      { opencode: 'Too many requests' },
      'on claude instead of opencode (Too many requests)',
    ],
    [
      'is the first of the chain that works',
      ['opencode', 'opencode-glm', 'claude'],
      { opencode: 'limit', 'opencode-glm': 'down' },
      'on claude instead of opencode (limit) and opencode-glm (down)',
    ],
    [
      'is not one after the chosen one for its reason',
      ['opencode', 'opencode-glm', 'claude'],
      { opencode: 'limit', claude: 'down' },
      'on opencode-glm instead of opencode (limit)',
    ],
    [
      'is one only once, although the chain names it again',
      ['claude', 'opencode', 'claude'],
      { claude: 'limit' },
      'on opencode instead of claude (limit)',
    ],
  ])('%s', (_what, names, down, result) => {
    expect(choose(names, down)).toBe(result);
  });

  test('is nobody where all are down: the error has every reason and what to do', () => {
    const message = choose(['opencode', 'claude'], { opencode: 'the server died', claude: 'not found on PATH.' });
    expect(message).toMatch(/opencode now: the server died\. .*claude now: not found on PATH\. .*Check Health/);
  });

  test('may be tried all the same, where no other one takes its place', () => {
    const down = (names: [string, ...string[]], works: readonly string[], explicit: boolean): string =>
      chooseAgent(candidates(...names), {
        explicit,
        against: ({ name }) => (works.includes(name) ? undefined : 'down'),
        anyway: () => true,
      }).agent.name;
    expect(down(['opencode'], [], false)).toBe('opencode');
    expect(down(['opencode', 'claude'], ['claude'], true)).toBe('opencode');
    expect(down(['opencode', 'claude'], ['claude'], false)).toBe('claude');
  });

  test('that was asked for is never replaced: the error names what works', () => {
    expect(choose(['opencode', 'claude'], {}, true)).toBe('opencode');
    const message = choose(['opencode', 'opencode-glm', 'claude'], { opencode: 'limit', 'opencode-glm': 'down' }, true);
    expect(message).toMatch(/opencode now: limit\. What works: --agent claude\./);
    expect(message).not.toContain('down');
  });
});
