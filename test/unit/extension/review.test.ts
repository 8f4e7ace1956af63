import { expect, test } from 'vitest';
import { fromUri, pathOf, reviewScheme, toQuery } from '../../../extension/review/review-uri.ts';
import type { ReviewedSide } from '../../../extension/review/review-uri.ts';
import {
  commitTitle,
  compareTitle,
  liveTitle,
  reviewIn,
  sinceTitle,
  wholeTitle,
} from '../../../extension/review/review-title.ts';
import { isSettled, threadLabel, unsentIn } from '../../../extension/review/thread-text.ts';
import { unitText } from '../../../extension/review/unit-text.ts';
import type { UnitFacts } from '../../../extension/review/unit-text.ts';
import type { MergeDetailView, ThreadView } from '../../../shared/channel/views.ts';
import { context, merge, message, work } from './fixtures.ts';

const side: ReviewedSide = { work: 'issue-1', commit: 'b'.repeat(40), side: 'new' };

test('a reviewed side is told by its query, so that both sides have one path', () => {
  expect(fromUri({ scheme: reviewScheme, query: toQuery(side) })).toEqual(side);
  expect(pathOf({ path: '/src/a #1.ts' }, side)).toBe('src/a #1.ts');
  const beside = { ...side, below: '/town/myproject' };
  expect(fromUri({ scheme: reviewScheme, query: toQuery(beside) })).toEqual(beside);
  expect(pathOf({ path: '/town/myproject/src/a.ts' }, beside)).toBe('src/a.ts');
});

test('documents of others are not ours, whatever they say', () => {
  for (const query of [
    '',
    '{',
    'null',
    '[]',
    '{"work":1,"commit":"x","side":"new"}',
    toQuery(side).replace('new', 'both'),
  ])
    expect(fromUri({ scheme: reviewScheme, query })).toBeUndefined();
  expect(fromUri({ scheme: 'file', query: toQuery(side) })).toBeUndefined();
});

test('the label of a tab tells which unit is decided about, and in which round it is seen', () => {
  const shown = merge({ round: 2 });
  expect(wholeTitle(shown)).toBe('issue-1 · round 2 · polecat/toast/issue-1');
  for (const title of [wholeTitle(shown), sinceTitle(shown)])
    expect(reviewIn(title)).toEqual({ work: 'issue-1', round: 2 });
  const commit = { commit: 'c'.repeat(40), subject: 'round 3 · of it', author: 'toast', at: 0 };
  for (const title of [liveTitle('issue-1', 'b'), commitTitle('issue-1', commit), compareTitle('issue-1', 'b'), 'a.ts'])
    expect(reviewIn(title)).toBeUndefined();
});

const thread = (changes: Partial<ThreadView> = {}): ThreadView => ({
  id: 'C-3',
  work: 'issue-1',
  path: 'src/a.ts',
  side: 'new',
  line: 7,
  head: 'b'.repeat(40),
  quote: 'const a = 1;',
  state: 'open',
  comments: [{ at: 0, by: 'overseer', body: 'Call it what it is.' }],
  ...changes,
});

test('a thread says how far its last comment of the user has come', () => {
  const sent = (receipt: 'accepted' | 'delivered' | 'acted'): ThreadView =>
    thread({
      comments: [
        { at: 0, by: 'overseer', body: 'x', receipt },
        { at: 1, by: 'myproject-toast', body: 'done' },
      ],
    });
  expect(threadLabel(thread(), context.t)).toBe('C-3 · not sent yet');
  expect(threadLabel(sent('delivered'), context.t)).toBe('C-3 · delivered');
  expect(threadLabel(sent('acted'), context.t)).toBe('C-3 · acted on');
  expect(threadLabel({ ...sent('acted'), state: 'outdated' }, context.t)).toBe(
    'C-3 · acted on · outdated, was about: const a = 1;',
  );
});

test('what goes along when a unit is sent back: comments of the user that were not sent and are not resolved', () => {
  const answered = thread({
    comments: [
      { at: 0, by: 'overseer', body: 'sent', receipt: 'acted' },
      { at: 1, by: 'myproject-toast', body: 'mine' },
      { at: 2, by: 'overseer', body: 'new' },
    ],
  });
  const bodies = unsentIn([thread(), thread({ state: 'resolved' }), answered]).map(({ body }) => body);
  expect(bodies).toEqual(['Call it what it is.', 'new']);
});

test('a thread is settled that is resolved, or is outdated with everything in it sent', () => {
  const sent = { comments: [{ at: 0, by: 'overseer', body: 'x', receipt: 'acted' as const }] };
  expect(isSettled(thread())).toBe(false);
  expect(isSettled(thread(sent))).toBe(false);
  expect(isSettled(thread({ state: 'resolved' }))).toBe(true);
  expect(isSettled(thread({ ...sent, state: 'outdated' }))).toBe(true);
  expect(isSettled(thread({ state: 'outdated' }))).toBe(false);
});

const detail = (changes: Partial<MergeDetailView> = {}): MergeDetailView => ({
  ...merge(),
  history: [],
  threads: [],
  ...changes,
});

function page(facts: Partial<UnitFacts> = {}): string {
  const unit = { ...work({ state: 'done', note: 'It is dark now.' }), history: [] };
  return unitText({ work: unit, messages: [], merge: detail(), ...facts }, context);
}

test('the page has what the gates printed, of a target that fails by itself too', () => {
  const gate = { name: 'test_command', took: 1, log: '/logs/t.log', tail: 'it `leaks`' };
  const failed = page({ merge: detail({ state: 'gate-failed', gates: [{ ...gate, state: 'failed' }] }) });
  expect(failed).toContain('## Output of test\\_command\n\n```text\nit `leaks`\n```\n\n/logs/t\\.log');
  const targetRed = { commit: 'c'.repeat(40), gates: [{ ...gate, state: 'failed' as const }] };
  const red = page({ merge: detail({ state: 'queued', targetRed }) });
  expect(red).toContain('**gate test\\_command fails on main itself**');
  expect(red).toContain('## Output of test\\_command on main itself');
});

test('the page has the report before all else, and what can be decided as links', () => {
  const text = page({
    changes: {
      work: 'issue-1',
      from: 'a',
      to: 'b',
      files: [{ path: 'src/a.ts', status: 'added', additions: 12 }],
      commits: [{ commit: 'c'.repeat(40), subject: 'Add it', author: 'toast', at: 0 }],
    },
  });
  expect(text.split('\n').filter((line) => line.startsWith('#'))).toEqual([
    '# issue\\-1: Add a dark theme',
    '## Report',
    '## Description',
    '## Branch',
    '## Changes · 1 file · 1 commit',
    '## History',
  ]);
  const links = [...text.matchAll(/\[([^\]]+)\]\(command:gastown\.(\w+)\?([^)]*)\)/g)];
  expect(links.map(([, , command]) => command)).toContain('approveAndMerge');
  for (const [, , , argument] of links)
    expect(JSON.parse(decodeURIComponent(argument!))).toEqual([{ work: 'issue-1' }]);
});

test('the page of a unit opens and refreshes its pull request, once it has one', () => {
  const commands = (pull?: MergeDetailView['pull']): string[] => {
    const merged = detail({ state: 'proposed', ...(pull === undefined ? {} : { pull }) });
    const text = page({ work: { ...work({ state: 'done' }), history: [] }, merge: merged, messages: [] });
    return [...text.matchAll(/command:gastown\.(\w+)\?/g)].map(([, command]) => command!);
  };
  const offered = commands({ number: 7, url: 'https://forge.example/acme/alpha/pull/7', state: 'open' });
  expect(offered).toEqual(
    expect.arrayContaining(['openPullRequest', 'refreshPullRequests', 'sendBack', 'discardWork']),
  );
  expect(commands().filter((command) => /PullRequest/.test(command))).toEqual([]);
});

test('the page of a unit says in words of the editor how its pull request is looked at again', () => {
  const problem = { kind: 'signed-out' as const, words: 'gh is not signed in. In a terminal: gh auth login.' };
  const pull = { number: 7, url: 'https://forge.example/acme/alpha/pull/7', state: 'open' as const, problem };
  const merged = detail({ state: 'proposed', pull });
  const text = page({ work: { ...work({ state: 'done' }), history: [] }, merge: merged, messages: [] });
  expect(text.replaceAll('\\', '')).toContain(
    `${problem.words} Then have it looked at again: "Gas Town: Refresh Pull Requests"`,
  );
});

test('what agents and repositories write is shown, and is never a link, a picture or markup', () => {
  const evil =
    '[x](command:gastown.discardWork) ![p](https://e.example/p.png) <a href="command:x">y</a> **b** `c`\n# h\n===';
  const unit = {
    ...work({ id: 'e', title: evil, description: evil, state: 'done', note: evil }),
    history: [{ at: 0, state: 'done', by: evil, note: evil }],
  };
  const text = page({
    work: unit,
    merge: detail({
      work: 'e',
      branch: evil,
      target: evil,
      why: evil,
      forecast: [{ work: evil, files: [evil] }],
      gates: [{ name: evil, state: 'failed', took: 1 }],
      state: 'proposed',
      pull: {
        number: 7,
        url: 'https://forge.example/acme/alpha/pull/7',
        checks: { state: 'failed', failed: [evil], count: 1 },
        problem: { kind: 'refused', words: evil },
      },
      threads: [thread({ path: evil, comments: [{ at: 0, by: evil, body: evil }] })],
      history: [{ at: 0, state: 'review', by: evil, round: 1, head: 'x', note: evil }],
    }),
    changes: {
      work: 'e',
      from: 'a',
      to: 'b',
      files: [{ path: evil, before: evil, status: 'renamed' }],
      commits: [{ commit: 'c'.repeat(40), subject: evil, author: evil, at: 0 }],
    },
    messages: [message({ from: evil, to: evil, subject: evil, body: evil })],
  });
  // What is in a fence means nothing; the fence is the only place where it stands as it was written.
  const outside = text.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, '');
  const own = outside
    .replace(/\[[^\][]+\]\(command:gastown\.\w+\?[^)]*\)/g, '')
    .replace(/\\./g, '')
    .replaceAll('&nbsp;', '');
  expect(own).not.toMatch(/[[\]<]|!\(|\]\(|`(?![0-9a-f]{7}`)(?<!`[0-9a-f]{7}`)/);
  expect(outside).not.toMatch(/^ {0,3}(===|# h)/m);
});

test('the id of a unit can end neither its link nor its text', () => {
  const unit = { ...work({ id: `a) [x](command:b) "'`, state: 'open' }), history: [] };
  const text = unitText({ work: unit, messages: [] }, context);
  const targets = [...text.matchAll(/\]\(([^)]*)\)/g)].map(([, target]) => target!);
  expect(targets.every((target) => /^command:gastown\.\w+\?[\w%.-]+$/.test(target))).toBe(true);
  expect(targets.length).toBeGreaterThan(0);
});
