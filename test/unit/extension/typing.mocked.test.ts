/** What the editor's events say of the user's hands, on a clock and a terminal device that the tests move. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Terminal } from 'vscode';
import { Typing } from '../../../extension/terminals/typing.ts';
import { inputSpan } from '../../../shared/platform/terminal-input.ts';
import type { InputSpan } from '../../../shared/platform/terminal-input.ts';

/** Of the editor and the system, no more than is touched. */
const fake = vi.hoisted(() => {
  const listeners: Record<string, (event: unknown) => void> = {};
  const event =
    (name: string) =>
    (listener: (event: unknown) => void): object => {
      listeners[name] = listener;
      return { dispose: () => undefined };
    };
  const terminal = {};
  const input: { span: InputSpan | undefined; device: string | undefined } = { span: undefined, device: '/dev/pts/9' };
  return { listeners, event, terminal, input };
});
vi.mock('vscode', () => ({
  EventEmitter: class {
    readonly event = (): object => ({ dispose: () => undefined });
    readonly fire = (): void => undefined;
    readonly dispose = (): void => undefined;
  },
  TextEditorSelectionChangeKind: { Keyboard: 1, Mouse: 2, Command: 3 },
  window: {
    state: { focused: true, active: true },
    activeTerminal: fake.terminal,
    onDidChangeActiveTerminal: fake.event('terminal'),
    onDidChangeWindowState: fake.event('window'),
    onDidChangeActiveTextEditor: fake.event('editor'),
    onDidChangeTextEditorSelection: fake.event('selection'),
  },
}));
vi.mock('../../../shared/platform/terminal-input.ts', async (original) => ({
  ...(await original<object>()),
  terminalDevice: async () => fake.input.device,
  lastInput: () => fake.input.span,
}));

const terminal = fake.terminal as Terminal;
/** A moment at which a step of the system's clock begins. */
const start = 8_000 * 1_000;
const linux = 8_000;
const macos = 0;

let typing: Typing;

beforeEach(async () => {
  vi.useFakeTimers({ now: start });
  fake.input.device = '/dev/pts/9';
  fake.input.span = undefined;
  typing = new Typing();
  await typing.follow(terminal, 1);
});

afterEach(async () => {
  await typing.dispose();
  vi.useRealTimers();
});

const after = (ms: number): unknown => vi.setSystemTime(Date.now() + ms);
const key = (step: number): void => {
  fake.input.span = inputSpan(Date.now(), step);
};
const editorComesUp = (): void => fake.listeners['editor']?.({});
const cursorMoves = (kind: number | undefined): void => fake.listeners['selection']?.({ kind });

describe('an editor that comes up', () => {
  test.each([
    ['Linux', linux],
    ['macOS', macos],
  ])('while the user types into a terminal is no sign that they have left it (%s)', (_system, step) => {
    key(step);
    after(1_000);
    editorComesUp();
    expect(typing.until(terminal)).toBeGreaterThan(Date.now());
  });

  test.each([undefined, 3])('nor are its cursor moves by a program (kind %s)', (kind) => {
    key(linux);
    after(1_000);
    editorComesUp();
    cursorMoves(kind);
    expect(typing.until(terminal)).toBeGreaterThan(Date.now());
  });

  test.each([
    ['keys', 1],
    ['a click', 2],
  ])('is left for by %s in it, which the terminal does not get any more', (_what, kind) => {
    key(linux);
    after(1_000);
    editorComesUp();
    after(500);
    cursorMoves(kind);
    expect(typing.until(terminal)).toBeUndefined();
    // The click may be told first.
    editorComesUp();
    expect(typing.until(terminal)).toBeUndefined();
  });

  test('delays what waits no longer than the keys would', () => {
    key(linux);
    after(7_000);
    editorComesUp();
    after(4_000);
    expect(typing.until(terminal)).toBeUndefined();
  });

  test('is a sign where nobody types in the terminal', () => {
    typing.activated(terminal);
    after(1_000);
    expect(typing.isInView(terminal)).toBe(true);
    editorComesUp();
    expect(typing.isInView(terminal)).toBe(false);
  });

  test('is a sign where the system does not tell of keys', async () => {
    fake.input.device = undefined;
    await typing.follow(terminal, 1);
    after(60_000);
    expect(typing.until(terminal)).toBe(Number.POSITIVE_INFINITY);
    editorComesUp();
    expect(typing.until(terminal)).toBeUndefined();
  });

  test('takes the terminal out of view in any case, until the next keys are noted', () => {
    key(linux);
    after(1_000);
    expect(typing.isInView(terminal)).toBe(true);
    editorComesUp();
    expect(typing.isInView(terminal)).toBe(false);
    after(8_000);
    key(linux);
    expect(typing.isInView(terminal)).toBe(true);
  });
});
