import { describe, expect, test } from 'vitest';
import { parseWorkDocument, workDocument } from '../../../shared/work/work-document.ts';

const parse = (text: string) => parseWorkDocument('w.md', text);

describe('a document of work', () => {
  test('may have no front matter: then all of it is the text', () => {
    expect(parse('\n\nMend the roof.\n\nAll of it.\n')).toEqual([
      { line: 3, description: 'Mend the roof.\n\nAll of it.' },
    ]);
    expect(parse('# Mend the roof\n\nAll of it.')).toEqual([
      { line: 1, title: 'Mend the roof', description: 'All of it.' },
    ]);
  });

  test('says in front matter what a unit is besides', () => {
    const text = [
      '\ufeff---',
      '# Lines that begin so are for people.',
      'id: roof-1',
      'title: "Mend: the roof"',
      'type: issue',
      'priority: 0',
      '',
      "rig: 'alpha'",
      'after: [wall-1, "wall-2"]',
      'batch: The house',
      'payload: {"issue": {"number": 7}}',
      '---',
      '',
      '# Not the title',
    ].join('\r\n');
    expect(parse(text)).toEqual([
      {
        line: 1,
        id: 'roof-1',
        title: 'Mend: the roof',
        type: 'issue',
        priority: 0,
        rig: 'alpha',
        after: ['wall-1', 'wall-2'],
        batch: 'The house',
        payload: { issue: { number: 7 } },
        description: '# Not the title',
      },
    ]);
  });

  test('says of rig, batch and after that there is none; of the others nothing', () => {
    expect(parse('---\nid:\ntitle:\npriority:\nrig:\nbatch: ""\nafter: []\n---')).toEqual([
      { line: 1, rig: '', batch: '', after: [], description: '' },
    ]);
  });

  test('has several units, each with front matter; a rule or what is fenced as code begins none', () => {
    const text = [
      '---',
      'id: a',
      '---',
      'First.',
      '',
      '---',
      '',
      'Still the first.',
      '```yaml',
      '---',
      'id: code',
      '---',
      '```',
      '---',
      'id: b',
      '---',
      'Second.',
    ].join('\n');
    const [a, b] = parse(text);
    expect(a).toMatchObject({ line: 1, id: 'a' });
    expect(a!.description).toContain('id: code');
    expect(b).toEqual({ line: 14, id: 'b', description: 'Second.' });
  });

  test.each([
    ['---\nid: a\ntext', 'w.md:1: the front matter that begins here has no end'],
    ['---\nid: a\npririty: 1\n---', 'w.md:3: there is no key "pririty". Did you mean "priority"?'],
    ['---\nid: a\n\nid: b\n---', 'w.md:4: "id" is there already.'],
    ['---\n- a\n---', 'w.md:2: "- a" is no "key: value".'],
    ['---\npriority: high\n---', 'w.md:2: the priority is a number from 0 (most urgent) to 4, not "high".'],
    ['---\ntype: bug\n---', 'w.md:2: there is no type "bug". The types are issue, formula, task.'],
    ['---\ntitle: "half\n---', 'w.md:2: "half is no text: it begins with a quotation mark'],
    ['---\ntitle: |\n---', 'w.md:2: write the text on this line, or below the front matter.'],
    ['---\nafter: a b\n---', 'w.md:2: write the ids as a list: after: [task-1, task-2]'],
    ['---\npayload: [1]\n---', 'w.md:2: the payload is a JSON object'],
    ['---\npayload: {a: 1}\n---', 'w.md:2: the payload is no JSON on one line'],
    ['a\n---\nid: b\nc: d\n---\n', 'w.md:4: there is no key "c"'],
  ])('with a mistake says where it is: %j', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  test('is written so that it is read again', () => {
    const unit = {
      id: 'a',
      title: '"Mend" it: now #1',
      priority: 2,
      rig: '',
      after: ['b', 'c'],
      batch: '> X',
      payload: { a: '---' },
      description: 'One.\n\n---\n\nTwo.',
    };
    expect(parse(workDocument(unit))).toEqual([{ line: 1, ...unit }]);
    expect(workDocument({ id: 'a', title: 'T', description: '' })).toBe('---\nid: a\ntitle: T\n---\n');
  });
});
