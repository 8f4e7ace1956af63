import { expect, test } from 'vitest';
import { newWorkTemplate, quotation } from '../../../extension/views/work-template.ts';
import { parseWorkDocument } from '../../../shared/work/work-document.ts';
import { context } from './fixtures.ts';

test('a new document is read as a unit of which only the rig and the usual priority are known', () => {
  expect(parseWorkDocument('x', newWorkTemplate({ rig: 'alpha' }, context.t))).toEqual([
    { line: 1, rig: 'alpha', priority: 2, after: [], batch: '', description: '' },
  ]);
  expect(parseWorkDocument('x', newWorkTemplate({ text: 'See `a.ts`' }, context.t))[0]).toMatchObject({
    rig: '',
    description: 'See `a.ts`',
  });
});

test('what is quoted says where it stands, in a fence that it does not close', () => {
  expect(quotation({ path: 'src/a.ts', language: 'typescript' })).toBe('`src/a.ts`');
  expect(quotation({ path: 'a.ts', language: 'typescript', from: 3, to: 3, text: 'let a;\n' })).toBe(
    '`a.ts:3`:\n\n```typescript\nlet a;\n```',
  );
  expect(quotation({ path: 'a.md', language: 'markdown', from: 1, to: 3, text: '```\nx\n```' })).toBe(
    '`a.md:1-3`:\n\n````markdown\n```\nx\n```\n````',
  );
});
