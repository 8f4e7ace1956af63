/** `package.json` against the code: what is contributed exists, and what exists is contributed. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { commandNames, commentCommandNames } from '../../../extension/commands/command-ids.ts';
import { reviewScheme } from '../../../extension/review/review-uri.ts';
import { startsAgainBy } from '../../../extension/views/session-icon.ts';
import { sessionContextValue } from '../../../extension/views/session-tree.ts';
import { workContextValue } from '../../../extension/views/work-tree.ts';
import { serverArguments } from '../../../shared/backends/opencode/start-server.ts';
import type { MergeView, SessionView } from '../../../shared/channel/views.ts';
import { ask, asking, merge, session, work } from './fixtures.ts';

const when = z.looseObject({ command: z.string(), when: z.string() });
const schema = z.looseObject({
  activationEvents: z.array(z.string()),
  contributes: z.looseObject({
    configurationDefaults: z.looseObject({
      'files.watcherExclude': z.record(z.string(), z.boolean()),
      'remote.portsAttributes': z.record(z.string(), z.unknown()),
    }),
    commands: z.array(
      z.looseObject({
        command: z.string(),
        title: z.string(),
        category: z.string(),
        enablement: z.optional(z.string()),
      }),
    ),
    menus: z.record(z.string(), z.array(when)),
    views: z.record(z.string(), z.array(z.looseObject({ id: z.string() }))),
    viewsWelcome: z.array(z.looseObject({ view: z.string(), contents: z.string(), when: z.string() })),
  }),
});
const root = new URL('../../../', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), 'utf8');
const manifest = schema.parse(JSON.parse(read('package.json')));
const { commands, menus, views, viewsWelcome } = manifest.contributes;
const nls = z.record(z.string(), z.string()).parse(JSON.parse(read('package.nls.json')));

test('commands of the manifest are those of the command table', () => {
  const named = [...commandNames, ...commentCommandNames].map((name) => `gastown.${name}`);
  expect(commands.map(({ command }) => command).sort()).toEqual(named.sort());
});

test('A11: the editor does not watch what a town writes, and the list of defaults stands in the manifest once', () => {
  expect(manifest.contributes.configurationDefaults['files.watcherExclude']).toEqual({ '**/.runtime/**': true });
  expect(read('package.json').match(/"configurationDefaults"/g)).toHaveLength(1);
});

test('A11: the editor forwards no port of the Opencode servers that we start, and leaves those alone that the user starts', () => {
  const [[pattern, attributes] = [], ...others] = Object.entries(
    manifest.contributes.configurationDefaults['remote.portsAttributes'],
  );
  expect(others).toEqual([]);
  expect(attributes).toEqual({ onAutoForward: 'ignore' });
  // It looks at the command line as Linux has it.
  const commandLine = (...parts: string[]): string => `${parts.join('\0')}\0`;
  const ports = new RegExp(pattern!);
  expect(ports.test(commandLine('/opt/bin/opencode', ...serverArguments(40_123)))).toBe(true);
  expect(ports.test(commandLine('node', '/opt/lib/opencode', ...serverArguments(4096)))).toBe(true);
  expect(ports.test(commandLine('/opt/bin/opencode', 'serve'))).toBe(false);
  expect(ports.test(commandLine('/opt/bin/opencode', 'serve', '--port', '4096'))).toBe(false);
  expect(ports.test(commandLine('/opt/bin/opencode', 'serve', '--hostname', '0.0.0.0', '--port', '4096'))).toBe(false);
});

test('every text is in package.nls.json, and nothing else is', () => {
  const used = [...read('package.json').matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key);
  expect([...new Set(used)].sort()).toEqual(Object.keys(nls).sort());
});

test('command titles are in title case, and welcome links lead to commands that exist', () => {
  for (const { title } of commands)
    expect(nls[title.slice(1, -1)]).toMatch(/^[A-Z]\w*( (to|for|of|in|with|and|[A-Z]\w*))*…?$/);
  const links = viewsWelcome.flatMap(({ contents }) => [
    ...(nls[contents.slice(1, -1)] ?? '').matchAll(/command:(gastown\.\w+)/g),
  ]);
  expect(links.length).toBeGreaterThan(0);
  for (const [, command] of links) expect(commands.map((each) => each.command)).toContain(command);
});

test('the actions that the documents name are called so', () => {
  const titles = new Set(commands.map(({ title }) => nls[title.slice(1, -1)]));
  const documents = [
    'README.md',
    'CHANGELOG.md',
    ...readdirSync(new URL('docs/user', root))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/user/${name}`),
  ];
  const named = documents.flatMap((file) =>
    [...read(file).matchAll(/\*(?:Gas Town: ([^*]+)|([A-Z][^*]*…))\*/g)].map(([, palette, action]) => ({
      file,
      action: palette ?? action,
    })),
  );
  // A button of notifications.
  const unknown = named.filter(({ action }) => !titles.has(action) && action !== 'Review…');
  expect(named.length).toBeGreaterThan(20);
  expect(unknown).toEqual([]);
});

test('no key of the manifest stands there twice: the first one would be lost', () => {
  const twice = (keys: object, indent: string): string[] =>
    Object.keys(keys).filter((key) => read('package.json').split(`\n${indent}"${key}":`).length !== 2);
  expect([...twice(manifest.contributes, '    '), ...twice(menus, '      ')]).toEqual([]);
});

test('menus name commands and views that exist, and context keys that are set', () => {
  const ids = new Set(commands.map(({ command }) => command));
  const viewIds = Object.values(views)
    .flat()
    .map(({ id }) => id);
  const keys = [...read('extension/context-keys.ts').matchAll(/'(gastown\.\w+)'/g)].map(([, key]) => key);
  const known = new Set([...viewIds, ...keys]);
  const conditions = [
    ...Object.values(menus)
      .flat()
      .map((item) => item.when),
    ...viewsWelcome.map((welcome) => welcome.when),
    ...commands.flatMap(({ enablement }) => enablement ?? []),
  ];
  for (const { command } of Object.values(menus).flat()) expect(ids).toContain(command);
  for (const [key] of conditions.flatMap((condition) => [...condition.matchAll(/gastown\.\w+/g)]))
    expect(known).toContain(key);
});

test('the Sessions view says one thing in each state without rows', () => {
  const states: Record<string, string[]> = {
    untrusted: ['searched', 'untrusted'],
    noFolder: ['searched'],
    noTown: ['searched', 'folder'],
    townAbove: ['searched', 'folder', 'townAbove'],
    removed: ['searched', 'folder', 'removed'],
    noRig: ['searched', 'folder', 'hasTown'],
    noAgentProgram: ['searched', 'folder', 'hasTown', 'noAgentProgram'],
  };
  const holds = (condition: string, keys: readonly string[]): boolean =>
    condition.split(' && ').every((part) => {
      if (part.startsWith('workspaceFolderCount')) return part.endsWith('!= 0') === keys.includes('folder');
      return keys.includes(part.replace(/^!?gastown\./, '')) !== part.startsWith('!');
    });
  const shownIn = (keys: readonly string[]): string[] =>
    viewsWelcome
      .filter(({ view, when: condition }) => view === 'gastown.sessions' && holds(condition, keys))
      .map(({ contents }) => contents);
  for (const [text, keys] of Object.entries(states)) expect(shownIn(keys), text).toEqual([`%welcome.${text}%`]);
  // The view's message says why, and the editor shows no welcome beside one.
  expect(shownIn(['searched', 'folder', 'joinFailed'])).toEqual([]);
});

test('the row offers what fits its state, with three inline actions at most', () => {
  for (const each of [session({ state: 'stopped' }), session({ state: 'stopped', endedUnseen: true })]) {
    expect(inline(sessionContextValue(each))).toEqual(['resumeSession', 'showTimeline', 'dismissSession']);
  }
  expect(inline('ask.permission.here')).toEqual(['allow', 'deny']);
  expect(inline('ask.question.here')).toEqual(['answer']);
  expect(inline('ask.plan.terminal')).toEqual(['attach']);
  expect(inline('ask.dialog.terminal')).toEqual(['attach']);
  expect(inline('child')).toEqual([]);
  expect(inline(sessionContextValue(session({ state: 'failed', quarantined: { at: 0, reason: '' } })))).toEqual([
    'resetSession',
    'showTimeline',
    'dismissSession',
  ]);
  expect(inline(sessionContextValue(session({ state: 'failed' })))).toEqual([
    'resetSession',
    'showTimeline',
    'dismissSession',
  ]);
  expect(inline('escalation')).toEqual(['closeEscalation']);
  expect(inline('escalation.session')).toEqual(['attach', 'closeEscalation']);
  expect(inline('escalations')).toEqual([]);
});

test('the command that a row offers to start its session again is one that takes it', () => {
  const quarantined = { at: 0, reason: '' };
  const sessions: [SessionView, string][] = [
    [session({ state: 'failed' }), 'reset'],
    [session({ state: 'failed', quarantined }), 'reset'],
    // It ended with its window, and before that too often.
    [session({ state: 'stopped', endedUnseen: true, quarantined }), 'reset'],
    [session({ state: 'stopped', endedUnseen: true }), 'resume'],
    [session({ state: 'stopped' }), 'resume'],
  ];
  for (const [each, way] of sessions) {
    expect(startsAgainBy(each)).toBe(way);
    expect(inline(sessionContextValue(each))[0]).toBe(`${way}Session`);
  }
  expect(startsAgainBy(session())).toBeUndefined();
});

test('the inline actions of a session keep their places whatever it does, and none of them answers', () => {
  const waits = [ask(), ask({ kind: 'plan' }), ask({ kind: 'question' }), ask({ resolvable: false })].map((each) =>
    asking([each]),
  );
  const busy = session({ activity: { kind: 'busy' } });
  const limited = session({ activity: { kind: 'rate-limited', until: 1, reason: '' } });
  const starting = session({ state: 'starting', activity: { kind: 'unknown' } });
  for (const each of [
    ...waits,
    asking([]),
    session(),
    busy,
    limited,
    starting,
    session({ state: 'paused' }),
    session({ activity: { kind: 'unknown' } }),
  ]) {
    expect(inline(sessionContextValue(each))).toEqual(['attach', 'sendMessage', 'terminateSession']);
  }
});

test('a finished unit offers what is to be decided about it', () => {
  const offers = (changes: Partial<MergeView>): string[] => {
    const finished = work({ state: 'done' });
    return inline(workContextValue(finished, merge(changes)), 'gastown.work');
  };
  expect(offers({})).toEqual(['reviewWork', 'approveWork', 'sendBack']);
  expect(offers({ approvedBy: 'overseer' })).toEqual(['reviewWork', 'approveAndMerge', 'sendBack']);
  expect(offers({ state: 'conflict' })).toEqual(['reviewWork', 'approveAndMerge', 'sendBack']);
  expect(offers({ state: 'queued' })).toEqual(['reviewWork', 'sendBack']);
  expect(offers({ state: 'merging' })).toEqual(['reviewWork']);
  expect(offers({ state: 'merged' })).toEqual(['reviewWork']);
  expect(offers({ state: 'discarded' })).toEqual([]);
});

test('what ends a unit of work stands left of what its row offers in other states', () => {
  expect(inline('work.open', 'gastown.work')).toEqual(['slingWork', 'assignWork']);
  expect(inline('work.queued', 'gastown.work')).toEqual(['cancelWork', 'slingWork', 'assignWork']);
});

test('the extension activates by itself only where an opened folder may be a town: of one below it knows nothing', () => {
  // The others: a document of work, or of a review, that is open from before.
  expect(manifest.activationEvents).toEqual([
    'workspaceContains:settings/config.json',
    'onFileSystem:gt-work',
    `onFileSystem:${reviewScheme}`,
  ]);
});

/** The inline commands of a view on a row with this context value, in order. */
function inline(contextValue: string, view = 'gastown.sessions'): string[] {
  return (menus['view/item/context'] ?? [])
    .filter(
      (item) =>
        String(item['group']).startsWith('inline') &&
        new RegExp(`^view (== ${view} |=~ .*\\b${view.replace('gastown.', '')}\\b.*\\$/ )`).test(item.when),
    )
    .filter((item) => matches(item.when, contextValue))
    .sort((a, b) => String(a['group']).localeCompare(String(b['group'])))
    .map((item) => item.command.replace('gastown.', ''));
}

/** Whether the `viewItem` part of a condition holds. */
function matches(condition: string, contextValue: string): boolean {
  const pattern = /viewItem =~ \/(.*?)\/(?: |$)/.exec(condition)?.[1];
  if (pattern !== undefined) return new RegExp(pattern).test(contextValue);
  return / viewItem == (\S+)/.exec(condition)?.[1] === contextValue;
}
