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
  expect(inline(sessionContextValue(asking([ask()])))).toEqual(['allow', 'deny', 'attach']);
  expect(inline(sessionContextValue(asking([ask({ kind: 'plan' })])))).toEqual(['allow', 'deny', 'attach']);
  expect(inline(sessionContextValue(asking([ask({ kind: 'question' })])))).toEqual(['answer', 'attach']);
  expect(inline(sessionContextValue(asking([ask({ resolvable: false })])))).toEqual(['attach']);
  expect(inline(sessionContextValue(session()))).toEqual(['attach', 'sendMessage', 'terminateSession']);
  expect(inline(sessionContextValue(session({ state: 'stopped' })))).toEqual(['resumeSession', 'dismissSession']);
  expect(inline(sessionContextValue(session({ state: 'stopped', endedUnseen: true })))).toEqual(['resumeSession', 'dismissSession']);
  expect(inline('ask.permission.here')).toEqual(['allow', 'deny']);
  expect(inline('ask.question.here')).toEqual(['answer']);
  expect(inline('ask.plan.terminal')).toEqual(['attach']);
  expect(inline('ask.dialog.terminal')).toEqual(['attach']);
  expect(inline('child')).toEqual([]);
  expect(inline(sessionContextValue(session({ state: 'failed', quarantined: { at: 0, reason: '' } })))).toEqual(['resetSession', 'dismissSession']);
  expect(inline(sessionContextValue(session({ state: 'failed' })))).toEqual(['resetSession', 'dismissSession']);
  expect(inline('escalation')).toEqual(['closeEscalation']);
  expect(inline('escalation.session')).toEqual(['attach', 'closeEscalation']);
  expect(inline('escalations')).toEqual([]);
});

test('the extension never activates without being needed', () => {
  expect(manifest.activationEvents.filter((event) => event === '*' || event === 'onStartupFinished')).toEqual([]);
});

/** The inline commands of the Sessions view on a row with this context value, in order. */
function inline(contextValue: string): string[] {
  return (menus['view/item/context'] ?? [])
    .filter((item) => String(item['group']).startsWith('inline') && item.when.includes('gastown.sessions'))
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
