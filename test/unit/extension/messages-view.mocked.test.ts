import { beforeEach, expect, test, vi } from 'vitest';
import { MessagesView } from '../../../extension/views/messages-view.ts';
import type { MessageView } from '../../../shared/channel/views.ts';
import { context, message, town } from './fixtures.ts';

/** Of the editor, no more than the view touches. */
const editor = vi.hoisted(() => ({
  view: {
    visible: true,
    message: '',
    description: '',
    onDidChangeVisibility: () => ({ dispose: () => undefined }),
    dispose: () => undefined,
  },
}));
vi.mock('vscode', () => ({
  EventEmitter: class {
    readonly event = (): object => ({ dispose: () => undefined });
    readonly fire = (): void => undefined;
    readonly dispose = (): void => undefined;
  },
  window: { createTreeView: () => editor.view },
  env: { language: 'en' },
  l10n: { t: (...[text, ...args]: Parameters<typeof context.t>) => context.t(text, ...args) },
}));

type Parts = ConstructorParameters<typeof MessagesView>;

let listeners: (() => void)[];
/** What the town answers to the next question. */
let answer: () => Promise<{ messages: MessageView[] }>;
let revision: number;
let view: MessagesView;

beforeEach(() => {
  listeners = [];
  revision = 0;
  editor.view.message = '';
  const connection = { api: { request: () => answer() } };
  const current = {
    connection,
    get snapshot() {
      return town({ messagesRevision: revision });
    },
    onDidChange: (listener: () => void) => {
      listeners.push(listener);
      return { dispose: () => undefined };
    },
  };
  const [keys, log] = [{ set: () => undefined }, { debug: () => undefined }];
  view = new MessagesView(current as unknown as Parts[0], keys as unknown as Parts[1], log as unknown as Parts[2]);
});

const changed = (): void => listeners.forEach((listener) => listener());

test('says that the messages could not be read, and why, until they can', async () => {
  answer = () => Promise.reject(new Error('the database is locked'));
  changed();
  expect(editor.view.message).toBe('Loading…');
  await expect.poll(() => editor.view.message).toBe('The messages could not be read: the database is locked');
  answer = () => Promise.resolve({ messages: [message()] });
  changed();
  await expect.poll(() => editor.view.message).toBe('');
  expect(view.target('message:msg_a')).toEqual({ kind: 'message', message: 'msg_a' });
});

test('keeps what it knows beside the reason', async () => {
  answer = () => Promise.resolve({ messages: [message()] });
  changed();
  await expect.poll(() => view.target('message:msg_a')).toBeDefined();
  answer = () => Promise.reject(new Error('the disk is full'));
  revision = 1;
  changed();
  await expect.poll(() => editor.view.message).toBe('The messages could not be read: the disk is full');
  expect(view.target('message:msg_a')).toBeDefined();
});
