import { describe, expect, test } from 'vitest';
import { glance, isInView, leavesByEditor, typingUntil } from '../../../extension/terminals/hands.ts';
import type { Signs } from '../../../extension/terminals/hands.ts';
import { inputSpan } from '../../../shared/platform/terminal-input.ts';

const now = 1_000_000_000;
const signs = (change: Partial<Signs>): Signs => ({
  now,
  canType: true,
  elsewhereAt: 0,
  editorAt: 0,
  input: undefined,
  writtenAt: 0,
  activatedAt: 0,
  ...change,
});
const keysAt = (at: number): Signs['input'] => inputSpan(at, 8_000);

describe('typing', () => {
  test('is keys that came just now, and nothing else', () => {
    expect(typingUntil(signs({ input: keysAt(now - 100) }))).toBeGreaterThan(now);
    expect(typingUntil(signs({ input: keysAt(now - 60_000) }))).toBeUndefined();
    // An active terminal in a window that is used, as with its panel closed.
    expect(typingUntil(signs({ input: undefined }))).toBeUndefined();
  });

  test('is over a moment after the last key may have come: the system notes only the first of every 8 s', () => {
    const at = 8_000 * 1000;
    const until = typingUntil(signs({ now: at + 9_000, input: keysAt(at + 2_000) }));
    expect(until).toBe(at + 8_000 + 3_000);
    expect(typingUntil(signs({ now: until!, input: keysAt(at + 2_000) }))).toBeUndefined();
  });

  test('is not where keys cannot arrive', () => {
    expect(typingUntil(signs({ canType: false, input: keysAt(now) }))).toBeUndefined();
  });

  test('is not what we write ourselves', () => {
    expect(typingUntil(signs({ writtenAt: now - 300, input: keysAt(now - 200) }))).toBeUndefined();
  });

  test('may be behind what we wrote, until the system notes anew, where the user has turned to the terminal since', () => {
    const at = 8_000 * 1000;
    const written = signs({ now: at + 6_000, writtenAt: at + 1_000, input: keysAt(at + 1_100) });
    expect(typingUntil(written)).toBeUndefined();
    expect(typingUntil({ ...written, activatedAt: at + 4_000 })).toBe(at + 8_000 + 3_000);
    expect(typingUntil({ ...written, activatedAt: at + 4_000, elsewhereAt: at + 5_000 })).toBeUndefined();
  });

  test('is over when the user has sent something by our own views since', () => {
    expect(typingUntil(signs({ input: keysAt(now - 2_000), elsewhereAt: now - 1_000 }))).toBeUndefined();
    expect(typingUntil(signs({ input: keysAt(now - 500), elsewhereAt: now - 1_000 }))).toBeGreaterThan(now);
  });

  test('is taken for granted in the active terminal where the system does not tell of keys, until something else is used', () => {
    expect(typingUntil(signs({ input: 'unknown' }))).toBe(Number.POSITIVE_INFINITY);
    expect(typingUntil(signs({ input: 'unknown', elsewhereAt: now - 1_000 }))).toBeUndefined();
  });
});

describe('an editor that comes up', () => {
  test('is where the user has gone, but while they type here', () => {
    expect(leavesByEditor(signs({ input: keysAt(now - 100) }))).toBe(false);
    expect(leavesByEditor(signs({ input: keysAt(now - 60_000) }))).toBe(true);
    expect(leavesByEditor(signs({ input: undefined }))).toBe(true);
    expect(leavesByEditor(signs({ input: 'unknown' }))).toBe(true);
    expect(leavesByEditor(signs({ input: keysAt(now - 200), writtenAt: now - 300 }))).toBe(true);
  });

  test('stands before the terminal, whoever has opened it, until keys come after it', () => {
    expect(isInView(signs({ activatedAt: now - 2_000, editorAt: now - 1_000 }))).toBe(false);
    expect(isInView(signs({ input: keysAt(now - 2_000), editorAt: now - 1_000 }))).toBe(false);
    expect(isInView(signs({ input: keysAt(now - 500), editorAt: now - 1_000 }))).toBe(true);
  });
});

describe('in view', () => {
  test('is a terminal that was brought up just now, until something else is used', () => {
    expect(isInView(signs({ activatedAt: now - 1_000 }))).toBe(true);
    expect(isInView(signs({ activatedAt: now - glance }))).toBe(false);
    expect(isInView(signs({ activatedAt: now - 2_000, elsewhereAt: now - 1_000 }))).toBe(false);
    expect(isInView(signs({ activatedAt: now - 1_000, canType: false }))).toBe(false);
  });

  test('is one that is typed into', () => {
    expect(isInView(signs({ input: keysAt(now - 100) }))).toBe(true);
  });

  test('is not one that is only the active one, whether the system tells of keys or not', () => {
    expect(isInView(signs({}))).toBe(false);
    expect(isInView(signs({ input: 'unknown' }))).toBe(false);
  });
});
