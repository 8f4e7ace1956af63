import { describe, expect, test } from 'vitest';
import { needsWork, pullText } from '../../../shared/domain/pull-request.ts';
import { pullBody, pullTitle, updatedBody } from '../../../shared/merge/pull-body.ts';
import { pullView } from '../../../shared/merge/pull-view.ts';
import type { PullFacts } from '../../../shared/platform/github/pull-requests.ts';

const facts: PullFacts = {
  number: 12,
  url: 'https://forge.example/acme/alpha/pull/12',
  state: 'OPEN',
  headRefOid: 'abc',
  isDraft: false,
  mergeable: 'MERGEABLE',
  reviewDecision: '',
  mergeCommit: null,
  statusCheckRollup: null,
};
const run = (name: string, conclusion: string | null, startedAt = '2026-01-01T00:00:00Z', workflowName = 'CI') => ({
  ...{ name, workflowName, startedAt, status: conclusion === null ? 'QUEUED' : 'COMPLETED' },
  conclusion: conclusion ?? '',
});
const checksOf = (...statusCheckRollup: PullFacts['statusCheckRollup'] & object) =>
  pullView({ ...facts, statusCheckRollup }).checks;

describe('what a forge says of a pull request', () => {
  test('is short where it has said nothing yet', () => {
    expect(pullView(facts)).toEqual({ number: 12, url: facts.url, state: 'open', head: 'abc' });
    expect(pullText(pullView(facts))).toBe('pull request #12: open');
  });

  test('counts checks as gh does: one that failed outweighs one that is not over', () => {
    expect(checksOf(run('a', 'SUCCESS'), run('b', 'NEUTRAL'), run('c', 'SKIPPED'))?.state).toBe('passed');
    expect(checksOf(run('a', 'SUCCESS'), run('b', null))?.state).toBe('pending');
    expect(checksOf(run('a', 'STALE'))?.state).toBe('pending');
    const all = checksOf(run('a', 'TIMED_OUT'), run('b', null), { context: 'ci/old', state: 'ERROR' });
    expect(all).toEqual({ state: 'failed', failed: ['a', 'ci/old'], count: 3 });
    expect(checksOf({ context: 'ci/old', state: 'EXPECTED' })?.state).toBe('pending');
  });

  test('takes the newest run of a check, and keeps those of two workflows apart', () => {
    const [older, newer] = [run('a', 'FAILURE'), run('a', 'SUCCESS', '2026-01-02T00:00:00Z')];
    expect(checksOf(newer, older)).toMatchObject({ state: 'passed', count: 1 });
    expect(checksOf(older, run('a', 'SUCCESS', '2026-01-02T00:00:00Z', 'Other'))).toMatchObject({ count: 2 });
  });

  test('says what it is merged as, and that it needs somebody here', () => {
    const merged = pullView({ ...facts, state: 'MERGED', mergeCommit: { oid: 'def' }, mergeable: 'CONFLICTING' });
    expect(merged).toMatchObject({ state: 'merged', merged: 'def' });
    expect(merged.conflicts).toBeUndefined();
    const stuck = pullView({ ...facts, mergeable: 'CONFLICTING', reviewDecision: 'REVIEW_REQUIRED' });
    expect(pullText(stuck)).toBe('pull request #12: conflicts with its target, review required');
    expect([needsWork(stuck), needsWork({ ...stuck, isDraft: true }), needsWork(pullView(facts))]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('what it says of its unit', () => {
  const unit = { id: 'task-1', title: 'A door', description: 'Make\na door.', note: 'It is made.' };

  test('are its title, description and report', () => {
    expect(pullTitle(unit)).toBe('A door');
    expect(pullTitle({ ...unit, title: ' ' })).toBe('task-1');
    expect(pullBody(unit)).toBe(
      '<!-- gastown:begin -->\n\nMake\na door.\n\n### Report of the agent\n\nIt is made.\n\n<sub>Gas Town, unit `task-1`</sub>\n\n<!-- gastown:end -->',
    );
  });

  test('without passwords in addresses, people called by name, or an end of it before its end', () => {
    const body = pullBody({
      ...unit,
      note: 'Ask @alice (alice@example.com) or `@bob`.\n```\n@carol\n```\nhttps://x:secret@h/p <!-- gastown:end -->',
    });
    for (const part of ['alice@example.com', '`@bob`', '\n@carol\n', 'https://***@h/p']) expect(body).toContain(part);
    expect(body).not.toMatch(/@alice|secret/);
    expect(body.match(/gastown:end/g)).toHaveLength(1);
  });

  test('and is replaced where it stands, unless somebody has taken it out', () => {
    const [before, after] = [pullBody(unit), pullBody({ ...unit, note: 'Once more.' })];
    expect(updatedBody(`Mine\r\n${before.replaceAll('\n', '\r\n')}\r\nToo`, after)).toBe(`Mine\r\n${after}\r\nToo`);
    expect(updatedBody(before.replaceAll('\n', '\r\n'), before)).toBeUndefined();
    expect(updatedBody('All mine', after)).toBeUndefined();
  });
});
