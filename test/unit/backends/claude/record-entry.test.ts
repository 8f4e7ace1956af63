import { expect, test } from 'vitest';
import { readRecordEntry } from '../../../../shared/backends/claude/record-entry.ts';

const timestamp = '2026-12-01T15:54:06.763Z';
const kindOf = (entry: object): string | undefined => readRecordEntry(JSON.stringify({ timestamp, ...entry }))?.kind;

test.each([
  ['the request of a turn', { type: 'api-request', querySource: 'repl_main_thread', params: {} }, 'asked'],
  ['one of a sub-agent', { type: 'api-request', querySource: 'agent:Explore' }, undefined],
  ['what a request has, apart from it', { type: 'api-request-blob', message: { role: 'user' } }, undefined],
  ['an answer', { type: 'assistant', isSidechain: false, message: { content: [] } }, 'answer'],
  [
    "what stands in an answer's place",
    { type: 'assistant', message: { model: '<synthetic>', content: [] } },
    undefined,
  ],
  [
    'an error in its place',
    { type: 'assistant', isApiErrorMessage: true, message: { model: '<synthetic>', content: [] } },
    'answer',
  ],
  ["a sub-agent's answer", { type: 'assistant', isSidechain: true, message: { content: [] } }, undefined],
  ['a prompt', { type: 'user', message: { content: 'api-request' } }, 'given'],
])('%s', (_what, entry, kind) => {
  expect(kindOf(entry)).toBe(kind);
});
