import { describe, expect, it } from 'vitest';
import { nearest, unknownName } from '../../../shared/platform/did-you-mean.ts';

describe('nearest names', () => {
  it.each([
    ['opncode', ['claude', 'opencode'], ['opencode']],
    ['Claude', ['claude', 'opencode'], ['claude']],
    ['myporject', ['myproject', 'other'], ['myproject']],
    ['rig-1', ['rig-2', 'rig-3', 'rig-4', 'rig-5'], ['rig-2', 'rig-3', 'rig-4']],
    ['gemini', ['claude', 'opencode'], []],
    ['', ['claude'], []],
  ])('of %j among %j are %j', (given, known, expected) => {
    expect(nearest(given, known)).toEqual(expected);
  });

  it('stand in the error beside all names, with the place where the wrong one was read', () => {
    const error = unknownName('agent', 'opncode', ['claude', 'opencode'], '--agent');
    expect(error.code).toBe('unknown-agent');
    expect(error.message).toBe(
      'There is no agent "opncode" (from --agent). Did you mean "opencode"? Known agents: claude, opencode.',
    );
  });

  it('are not offered where there is nothing to name', () => {
    expect(unknownName('work', 'issue-1', []).message).toBe(
      'There is no work unit "issue-1". There are no work units yet.',
    );
  });

  it('lists no more than twenty names', () => {
    const known = Array.from({ length: 25 }, (_, index) => `session-number-${index}`);
    expect(unknownName('session', 'x', known).message).toMatch(/session-number-19 and 5 more\.$/);
  });
});
