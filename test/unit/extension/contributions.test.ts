/** `package.json` against the code: what is contributed exists, and what exists is contributed. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { commandNames } from '../../../extension/commands/command-ids.ts';
import { sessionContextValue } from '../../../extension/views/session-tree.ts';
import { ask, asking, session } from './fixtures.ts';

const when = z.looseObject({ command: z.string(), when: z.string() });
const schema = z.looseObject({
  activationEvents: z.array(z.string()),
  contributes: z.looseObject({
    configurationDefaults: z.looseObject({ 'files.watcherExclude': z.record(z.string(), z.boolean()) }),
    commands: z.array(
      z.looseObject({
        command: z.string(),
        title: z.string(),
        category: z.string(),
        enablement: z.string().optional(),
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
  expect(commands.map(({ command }) => command).sort()).toEqual(commandNames.map((name) => `gastown.${name}`).sort());
});

test('A11: the editor does not watch what a town writes, and the list of defaults stands in the manifest once', () => {
  expect(manifest.contributes.configurationDefaults['files.watcherExclude']).toEqual({ '**/.runtime/**': true });
  expect(read('package.json').match(/"configurationDefaults"/g)).toHaveLength(1);
});

test('every text is in package.nls.json, and nothing else is', () => {
  const used = [...read('package.json').matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key);
  expect([...new Set(used)].sort()).toEqual(Object.keys(nls).sort());
});

test('command titles are in title case, and welcome links lead to commands that exist', () => {
  for (const { title } of commands) expect(nls[title.slice(1, -1)]).toMatch(/^[A-Z]\w*( (to|for|of|[A-Z]\w*))*…?$/);
  const links = viewsWelcome.flatMap(({ contents }) => [
    ...(nls[contents.slice(1, -1)] ?? '').matchAll(/command:(gastown\.\w+)/g),
  ]);
  expect(links.length).toBeGreaterThan(0);
  for (const [, command] of links) expect(commands.map((each) => each.command)).toContain(command);
});

test('no key of the manifest stands there twice: the first one would be lost', () => {
  expect(
    Object.keys(manifest.contributes).filter((key) => read('package.json').split(`\n    "${key}":`).length !== 2),
  ).toEqual([]);
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

test('what ends a unit of work stands left of what its row offers in other states', () => {
  expect(inline('work.open', 'gastown.work')).toEqual(['slingWork', 'assignWork']);
  expect(inline('work.queued', 'gastown.work')).toEqual(['cancelWork', 'slingWork', 'assignWork']);
});

test('the extension never activates without being needed', () => {
  expect(manifest.activationEvents.filter((event) => event === '*' || event === 'onStartupFinished')).toEqual([]);
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
