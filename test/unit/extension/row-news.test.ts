import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RowNews } from '../../../extension/views/row-news.ts';

let told: ('all' | string[])[];
let news: RowNews;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  news = new RowNews((rows) => told.push(rows));
});

afterEach(() => {
  news.dispose();
  vi.useRealTimers();
});

test('tells at once what comes while the editor is given nothing', () => {
  news.add(['rig']);
  news.add('all');
  news.add([]);
  expect(told).toEqual([['rig'], 'all']);
});

test('tells behind an answer only when that has been sent, all of it together', () => {
  news.answered();
  news.add(['rig']);
  news.add(['crew', 'rig']);
  // What is written in a turn is sent by a timer that is set then.
  const toldWhenSent = vi.fn(() => told.length);
  setTimeout(toldWhenSent, 1);
  vi.runAllTimers();
  expect(toldWhenSent).toHaveReturnedWith(0);
  expect(told).toEqual([['rig', 'crew']]);
  news.add(['witness']);
  expect(told).toEqual([['rig', 'crew'], ['witness']]);
});

test('tells that the top rows are others, whatever else is new', () => {
  news.answered();
  news.add(['rig']);
  news.add('all');
  news.add(['crew']);
  vi.runAllTimers();
  expect(told).toEqual(['all']);
});

test('waits for the last of several answers', () => {
  news.answered();
  news.add(['rig']);
  vi.advanceTimersByTime(40);
  news.answered();
  vi.advanceTimersByTime(40);
  expect(told).toEqual([]);
  vi.runAllTimers();
  expect(told).toEqual([['rig']]);
});

test('tells nothing after its end', () => {
  news.answered();
  news.add(['rig']);
  news.dispose();
  vi.runAllTimers();
  expect(told).toEqual([]);
});
