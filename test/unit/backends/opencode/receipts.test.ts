import { expect, test } from 'vitest';
import { Receipts } from '../../../../shared/backends/opencode/receipts.ts';

test('an entry has its receipt when the model begins to answer the message that has it', () => {
  const receipts = new Receipts();
  expect(receipts.stored(['a', 'b'], 'msg_2')).toEqual([]);
  receipts.prepared('msg_3', 'msg_2');
  expect(receipts.begun('msg_3')).toEqual(['a', 'b']);
  expect(receipts.turnOver()).toEqual([]);
});

test('an answer to an earlier message is no proof, one to a later message is', () => {
  const receipts = new Receipts();
  receipts.prepared('msg_3', 'msg_1');
  receipts.stored(['a'], 'msg_2');
  expect(receipts.begun('msg_3')).toEqual([]);
  receipts.prepared('msg_5', 'msg_4');
  // What is told late of the answer before changes nothing.
  receipts.prepared('msg_3', 'msg_1');
  expect(receipts.begun('msg_5')).toEqual(['a']);
});

test('a text that is told of after the answer has begun has its receipt at once', () => {
  const receipts = new Receipts();
  receipts.prepared('msg_3', 'msg_2');
  receipts.begun('msg_3');
  expect(receipts.stored(['a'], 'msg_2')).toEqual(['a']);
  expect(receipts.stored(['b'], 'msg_4')).toEqual([]);
});

test('an answer that was prepared while nobody listened is to what is older than it', () => {
  const receipts = new Receipts();
  receipts.stored(['a'], 'msg_2');
  receipts.stored(['b'], 'msg_4');
  expect(receipts.begun('msg_3')).toEqual(['a']);
});

test("the turn's end stands for an answer that never came", () => {
  const receipts = new Receipts();
  receipts.stored(['a'], 'msg_2');
  expect(receipts.turnOver()).toEqual(['a']);
});
