import { expect, test } from 'vitest';
import { Receipts } from '../../../../shared/backends/claude/receipts.ts';

const text = '[gt msg_1] Nudge from the user: yes, go on\nyes';
const delivery = { id: 'msg_1', text };

test('while a text is typed, a piece of it is torn, and refused', async () => {
  const receipts = new Receipts();
  const known = receipts.expect(delivery, text);
  expect(receipts.submitted('yes', 'p1', true)).toBe(false);
  expect(await known).toEqual({ kind: 'torn', surplus: '' });
});

test('what the user submits after it was given up is theirs, whatever words they share with it', () => {
  const receipts = new Receipts();
  void receipts.expect(delivery, text);
  receipts.left('msg_1');
  for (const prompt of ['yes', 'go on', 'yes, and then the next one'])
    expect(receipts.submitted(prompt, 'p1', true)).toBe(true);
  expect(receipts.isEmpty).toBe(false);
});

test('what was left in the composer is known by its mark: whole it is delivered late, torn it is refused', async () => {
  const receipts = new Receipts();
  void receipts.expect(delivery, text);
  receipts.left('msg_1');
  expect(receipts.submitted(text, 'p1', true)).toBe(true);
  expect(receipts.alive('p1')).toEqual(['msg_1']);
  const known = receipts.expect(delivery, text);
  receipts.left('msg_1');
  expect(receipts.submitted(`my words ${text.slice(0, 30)}`, 'p2', true)).toBe(false);
  expect(await known).toEqual({ kind: 'torn', surplus: '' });
});

test('what was in the composer besides a text has nothing of it, where the composer has trimmed its blanks', async () => {
  const receipts = new Receipts();
  const known = receipts.expect(delivery, '[gt msg_1] a  \nb');
  expect(receipts.submitted('my draft [gt msg_1] a\nb', 'p1', true)).toBe(false);
  expect(await known).toEqual({ kind: 'torn', surplus: 'my draft' });
});
