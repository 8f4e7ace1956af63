import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  besides,
  encodePrompt,
  hasWhole,
  isSamePrompt,
  isTorn,
  isTypedAsIs,
  pasteOf,
  segmentsOf,
} from '../../../../shared/backends/claude/encode.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 2000 });
const manyLines = fc.array(fc.string({ unit: 'grapheme', maxLength: 400 })).map((lines) => lines.join('\n'));
const texts = fc.oneof(anyText, manyLines);

describe('encodePrompt', () => {
  test.each([
    ['/help', 'Task: /help'],
    ['  \n/help', 'Task:   \n/help'],
    ['!rm -rf x', 'Task: !rm -rf x'],
    ['# title', '# title'],
    ['ends with \\', 'ends with \\ .'],
    ['a\r\nb\rc', 'a\nb\nc'],
    ['a\u2028b\u2029c', 'a\nb\nc'],
    ['\u202eright\u202c soft\u00adhyphen \ufeff\u845b\u{e0100}', 'right softhyphen \u845b'],
    [
      '\u{1f469}\u200d\u{1f680} \u2764\ufe0f \u0645\u06cc\u200c\u062e',
      '\u{1f469}\u200d\u{1f680} \u2764\ufe0f \u0645\u06cc\u200c\u062e',
    ],
    ['a\tb', 'a    b'],
    ['\u001b[201~gone\u0007', '[201~gone'],
    ['trailing \n \n', 'trailing'],
    ['lone \ud800 surrogate', 'lone \ufffd surrogate'],
    ['e\u0301', '\u00e9'],
    ['look at @README.md', 'look at \\@README.md'],
    ['@"/home/me/.ssh/id ed25519" and\n@agent-x', '\\@"/home/me/.ssh/id ed25519" and\n\\@agent-x'],
    ['see\u3002@secret', 'see\u3002\\@secret'],
    ['mail a@b.example, (@README.md), a lone @ there', 'mail a@b.example, (@README.md), a lone @ there'],
    ['[Image #1] [Pasted text #2 +9 lines] [issue #3]', '[Image-#1] [Pasted text-#2 +9 lines] [issue #3]'],
    ['ultracode, UltraThink, ultrasound', 'ultra-code, Ultra-Think, ultrasound'],
  ])('%j becomes %j', (text, encoded) => {
    expect(encodePrompt(text)).toBe(encoded);
  });

  test('has nothing that the composer takes for a command or a key', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const encoded = encodePrompt(text);
        expect(encoded).not.toMatch(/(?!\n)\p{Cc}/u);
        expect(encoded).not.toMatch(/^\s*[/!]/);
        expect(encoded).not.toMatch(/\\$/);
        expect(encoded).not.toMatch(/\p{Cs}/u);
      }),
    );
  });

  test('encodes what is encoded already as itself', () => {
    fc.assert(fc.property(texts, (text) => encodePrompt(encodePrompt(text)) === encodePrompt(text)));
  });
});

test.each([
  ['plain words\nin two lines', true],
  ['line ends of another system\r\n', true],
  ['\u{1f469}\u200d\u{1f680}', true],
  ['a\ttab', false],
  ['\u202eright', false],
  ['e\u0301', false],
  ['/help', true],
  ['a path\\', true],
  ['look at @README.md', false],
  ['[Image #1]', false],
  ['ultracode', false],
  ['mail a@b.example', true],
])('%j is typed as it is: %s', (text, asIs) => {
  expect(isTypedAsIs(text)).toBe(asIs);
});

describe('segmentsOf', () => {
  test('loses nothing, and keeps every piece below what is collapsed', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const encoded = encodePrompt(text);
        const segments = segmentsOf(encoded);
        expect(segments.join('')).toBe(encoded);
        for (const segment of segments) {
          expect([...segment].length).toBeLessThanOrEqual(350);
          expect(segment.split('\n').length).toBeLessThanOrEqual(2);
          expect(segment).not.toMatch(/\p{Cs}/u);
        }
      }),
    );
  });

  // Measured with 2.1.330: a piece with a line that ends so is looked up on disk, while the pieces behind it go ahead.
  test('no piece has the name of an image, quoted or escaped, or ends as a word about the focus', () => {
    const name = fc.constantFrom(
      '/tmp/a.png',
      'b.JPEG',
      '"c.webp"',
      'd\\.g\\if',
      'e.j\\pg /f',
      'x[I',
      'y[O',
      '[INFO]',
      'word',
    );
    const lines = fc
      .array(
        fc.array(name, { maxLength: 4 }).map((words) => words.join(' ')),
        { maxLength: 5 },
      )
      .map((each) => each.join('\n'));
    fc.assert(
      fc.property(lines, (text) => {
        const encoded = encodePrompt(text);
        const segments = segmentsOf(encoded);
        expect(segments.join('')).toBe(encoded);
        for (const segment of segments) {
          expect(segment.replaceAll('\\', '')).not.toMatch(/\.(png|jpe?g|gif|webp)/i);
          expect(segment).not.toMatch(/\[[IO]$/);
        }
      }),
    );
  });
});

test('pasteOf brackets every piece, with CR for a newline', () => {
  expect(pasteOf('a\nb\nc')).toBe('\u001b[200~a\rb\u001b[201~\u001b[200~\rc\u001b[201~');
  expect(pasteOf('')).toBe('');
});

test('a prompt is the same whatever blanks the composer trimmed, and no other prompt is', () => {
  expect(isSamePrompt(' one\ntwo  three', 'one  \ntwo three\n')).toBe(true);
  expect(isSamePrompt('right to left', '\u202eright\u00ad to\u200b left\u202c')).toBe(true);
  expect(isSamePrompt('one', 'one two')).toBe(false);
});

test('a prompt that has only a part of a text, its parts in another order, or more than it, is torn; another one is not', () => {
  const text = '[gt msg_1] Nudge: first\n/tmp/shot.png\nlast';
  expect(isTorn('last', text)).toBe(true);
  expect(isTorn('last[gt msg_1] Nudge: first\n/tmp/shot.png', text)).toBe(true);
  expect(isTorn(`my draft ${text}`, text)).toBe(true);
  expect(isTorn(text, text)).toBe(false);
  expect(isTorn('What do you think?', text)).toBe(false);
  expect(hasWhole(`my draft ${text}`, text)).toBe(true);
  expect(hasWhole('last[gt msg_1] Nudge: first\n/tmp/shot.png', text)).toBe(false);
});

test.each([
  ['my draft a\nb', 'a  \nb', 'my draft'],
  ['a b and more', 'a\nb', 'and more'],
  ['before a\u200b\tb after', 'a b', 'before  after'],
  ['😀 a.b*c', 'a.b*c  ', '😀'],
  ['a\nb', 'a  \nb', ''],
  ['b a', 'a b', undefined],
])('%j has besides %j only %j', (prompt, encoded, surplus) => {
  expect(besides(prompt, encoded)).toBe(surplus);
});

test('what a prompt has besides a text has nothing of it, whatever the composer did to its blanks', () => {
  const word = fc.stringMatching(/^[a-f😀.*$(]{1,6}$/u);
  const blanks = fc.stringMatching(/^[ \n]{1,3}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(word, blanks), { minLength: 1, maxLength: 9 }), blanks, (words, other) => {
      const text = words.map(([each, blank]) => each + blank).join('');
      const composed = words.map(([each]) => each).join(other);
      expect(hasWhole(`draft: ${composed}`, text)).toBe(true);
      expect(besides(`XYZ: ${composed}${other}ZYX`, text)).toMatch(/^XYZ:\s*ZYX$/);
    }),
  );
});
