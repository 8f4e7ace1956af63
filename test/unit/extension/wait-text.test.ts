import { describe, expect, test } from 'vitest';
import { timelineMarkdown, timelineText } from '../../../extension/views/timeline-text.ts';
import { waitDocument, waitText } from '../../../extension/views/wait-text.ts';
import { waitsOf } from '../../../shared/attention/waits.ts';
import { ask, asking, context } from './fixtures.ts';

describe('the document of a wait', () => {
  test.each([
    [ask({ kind: 'plan', title: 'Plan is ready for approval', detail: '# Plan\n\n1. Do it' }), '# Plan\n\n1. Do it\n'],
    [ask({ detail: '{\n  "command": "npm test"\n}' }), 'Bash: npm test\n\n{\n  "command": "npm test"\n}\n'],
    [ask({ kind: 'question', title: 'Which?', detail: 'Which?\n- Red' }), 'Which?\n\nWhich?\n- Red\n'],
    [ask({ title: 'x', detail: 'x', resolvable: false }), 'x\n\nIt can only be answered in its terminal.\n'],
  ])('%#', (each, text) => {
    expect(waitsOf(asking([each])).map((wait) => waitText(wait, context.t))).toEqual([text]);
  });

  test('is one for each ask of each session, whatever people call them', () => {
    const several = asking([ask(), ask({ id: 'ask-2' }), ask({ id: 'ask-3', kind: 'plan' })]);
    const later = asking([ask()], { runId: 'run-2' });
    const crew = asking([ask()], { id: 'myproject-crew-worker-1', role: 'crew' });
    const documents = [several, later, crew, asking([])].flatMap((each) =>
      waitsOf(each).map((wait) => waitDocument(wait, each, context.t)),
    );
    expect(new Set(documents.map(({ title }) => title))).toEqual(new Set(['worker-1 (myproject) asks']));
    expect(new Set(documents.map(({ id }) => id)).size).toBe(6);
    expect(documents.map(({ extension }) => extension)).toEqual(['txt', 'txt', 'md', 'txt', 'txt', 'txt']);
    expect(waitDocument(waitsOf(later)[0]!, later, context.t)).toEqual(documents[3]);
  });
});

describe('a timeline', () => {
  const entries = [
    { at: Date.UTC(2026, 0, 2, 3, 4, 5, 6), type: 'ask.asked', text: 'waits for plan: *Plan*', detail: 'a\n```\nb' },
    { at: Date.UTC(2026, 0, 2, 3, 5), type: 'ask.answered', text: 'allowed by the user: *Plan*', by: 'person' },
  ];

  test('is a line an entry', () => {
    expect(timelineText('Mayor', entries, context.t)).toBe(
      'Timeline of Mayor, newest first\n\n2026-01-02 03:05:00Z  allowed by the user: *Plan*\n2026-01-02 03:04:05Z  waits for plan: *Plan*\n',
    );
    expect(timelineText('Mayor', [], context.t)).toContain('Nothing has happened yet.');
  });

  test('is Markdown in which nothing of it is interpreted', () => {
    expect(timelineMarkdown('Mayor', entries, context.t)).toBe(
      [
        '# Timeline of Mayor',
        '',
        '- 2026-01-02 03:04:05Z — waits for plan: \\*Plan\\*',
        '',
        '  ````text',
        '  a',
        '  ```',
        '  b',
        '  ````',
        '',
        '- 2026-01-02 03:05:00Z — allowed by the user: \\*Plan\\*',
        '',
      ].join('\n'),
    );
  });
});
