import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Message, MessageType } from '../../../shared/domain/orchestrator.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { makeCore, temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let core: ReturnType<typeof makeCore>;
let lines: string[];
beforeEach(() => {
  folder = temporaryFolder('orchestrator');
  lines = [];
  core = makeCore(join(folder.path, 'town.db'), { ...silentLogger, info: (line) => void lines.push(line) });
});
afterEach(() => {
  core.outbox.dispose();
  core.manager.dispose();
  core.store.close();
  folder.remove();
});

const orchestrator = () => core.orchestrators.get('opencode')!;
const toast = 'alpha-toast';
const spawn = (metadata?: Record<string, string>) =>
  orchestrator().spawnSession({
    role: 'polecat',
    rig: 'alpha',
    agentName: 'toast',
    workDir: folder.path,
    ...(metadata === undefined ? {} : { metadata }),
  });
const message = (changes: Partial<Record<keyof Message, unknown>> = {}) =>
  ({
    from: 'overseer',
    to: toast,
    type: 'nudge',
    subject: '',
    body: 'Look at the door.',
    sentAt: 1,
    ...changes,
  }) as Message;

test('says what it does in the three lines of the seed, word for word', async () => {
  await spawn();
  await orchestrator().assignWork(toast, {
    id: 'issue-1',
    type: 'issue',
    description: 'Do it',
    payload: {},
    priority: 2,
  });
  await orchestrator().terminateSession(toast);
  expect(lines.filter((line) => line.startsWith('[orchestration] '))).toEqual([
    `[orchestration] session ${toast} state: starting → running`,
    `[orchestration] spawned opencode session ${toast} for rig alpha`,
    `[orchestration] assigned work issue-1 to session ${toast}`,
    `[orchestration] session ${toast} state: running → stopped`,
  ]);
});

test('gives back the payload of work and the metadata of a session as they were given', async () => {
  await spawn({ ticket: 'GT-7', by: 'release-bot' });
  const payload = { files: ['a.ts'], deep: { number: 1.5, none: null, list: [[true]] } };
  await orchestrator().assignWork(toast, { id: 'issue-1', type: 'issue', description: 'Do it', payload, priority: 0 });
  const session = await orchestrator().getSession(toast);
  expect(session.workUnits).toMatchObject([{ id: 'issue-1', payload, priority: 0 }]);
  expect(session.metadata).toEqual({ ticket: 'GT-7', by: 'release-bot' });
});

test.each<[string, Partial<Record<keyof Message, unknown>>, RegExp]>([
  ['an unknown type', { type: 'whisper' as MessageType }, /no message type "whisper".*nudge, mail, broadcast/],
  ['a body that is no text', { body: { text: 'x' } }, /body has to be a text/],
  ['no sender', { from: '' }, /from has to be a text that is not empty/],
  ['a time that is none', { sentAt: Number.NaN }, /sentAt has to be epoch milliseconds/],
])('refuses a message with %s, and takes the next one', async (_what, changes, words) => {
  await spawn();
  await expect(orchestrator().sendMessage(toast, message(changes))).rejects.toMatchObject({
    code: 'bad-input',
    message: expect.stringMatching(words),
  });
  await expect(orchestrator().broadcastMessage([toast], message(changes))).rejects.toMatchObject({ code: 'bad-input' });
  expect(core.store.messages.latest(10, {})).toEqual([]);
  await orchestrator().sendMessage(toast, message());
  expect(core.store.messages.latest(10, {})).toMatchObject([{ body: 'Look at the door.', state: 'accepted' }]);
});
