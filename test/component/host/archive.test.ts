import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ArchivePolicy } from '../../../shared/config/archive-settings.ts';
import { TownArchive } from '../../../shared/host/archive.ts';
import type { MessageKind, MessageState } from '../../../shared/domain/message.ts';
import type { StoredMessage } from '../../../shared/store/messages.ts';
import { makeBareTown } from '../../support/bare-host.ts';
import { failWrite } from '../../support/failing-writes.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { until } from '../reconcile/support.ts';

const day = 86_400_000;
let town: FakeTown;
let archive: TownArchive;
let policy: ArchivePolicy;
let logged: string[];
let changes: number;
/** Called when a piece has been read, and is not written yet. */
let beforeWriting: () => void;

beforeEach(async () => {
  town = await makeFakeTown({ stalled: 'leave' });
  policy = { afterDays: 90, keep: 1_000 };
  logged = [];
  changes = 0;
  beforeWriting = () => undefined;
  let asked = 0;
  const note = (message: string): void => void logged.push(message);
  archive = new TownArchive({
    store: town.store,
    folder: town.paths.archive,
    policy: () => policy,
    now: () => {
      // The first time it is asked for the bounds, then for the name of the file.
      if ((asked += 1) > 1) beforeWriting();
      return town.manager.now();
    },
    log: { debug: note, info: note, warn: note, error: note },
    onChange: () => void (changes += 1),
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await archive.dispose();
  // The rules look at what has gone, and what windows see is compared with a look at all of it.
  await town.pass(1);
  town.close();
});

interface Line {
  type: string;
  id: string;
  record: Record<string, unknown>;
}

/** What stands in the file, each record once. */
function archived(): Line[] {
  const file = join(town.paths.archive, '1970-04.jsonl');
  if (!existsSync(file)) return [];
  return [...new Set(readFileSync(file, 'utf8').trimEnd().split('\n'))].map((line) => JSON.parse(line) as Line);
}
const ids = (): string[] => archived().map(({ id }) => id);

/** From now on, this of a file or folder fails the `nth` time (from 1), as on a full disk; of a text the first half is written. */
async function fails(step: 'writeFile' | 'sync', nth: number): Promise<void> {
  const handle = await open(town.root);
  const handles = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const { [step]: real } = handles;
  let calls = 0;
  vi.spyOn(handles, step).mockImplementation(async function (this: FileHandle, ...given: unknown[]) {
    if ((calls += 1) !== nth) return Reflect.apply(real, this, given) as Promise<void>;
    if (step === 'writeFile') await this.write(String(given[0]).slice(0, 20));
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  });
}

const add = (id: string, more: { after?: string[]; batch?: string } = {}) =>
  town.request('work.add', { id, description: `Do ${id}`, rig: 'alpha', ...more });
const cancel = (id: string) => town.request('work.cancel', { id });
const message = (id: string, state: MessageState, more: Partial<StoredMessage> = {}): void =>
  town.store.messages.insert({
    id,
    from: 'hq-mayor',
    to: 'alpha-crew-max',
    kind: 'nudge' as MessageKind,
    priority: 'normal',
    subject: '',
    body: `Text of ${id}`,
    state,
    attempts: 0,
    repeated: false,
    sentAt: town.manager.now(),
    ...more,
  });
/** What is newest stays in any case, so that the numbers of rows do not fall. */
async function newest(): Promise<void> {
  await add('newest');
  message('msg_newest', 'acted');
}
/** A unit that somebody has finished, with a branch. */
async function finished(id: string): Promise<void> {
  await add(id);
  const unit = town.work.get(id);
  town.work.finish(town.work.move(unit, 'assigned', { by: 'alpha-max' }, { owner: 'alpha-max' }).id, 'completed', {
    by: 'alpha-max',
  });
  town.merges.begin(
    { workId: id, rig: 'alpha', branch: `polecat/max/${id}`, target: 'main', base: 'b', head: 'h' },
    'x',
  );
}
const old = async (): Promise<void> => {
  await newest();
  await town.pass(91 * day);
};

describe('what is over and old', () => {
  test('goes into a file of the month, that only the user can read, and out of the database', async () => {
    await add('dropped');
    await cancel('dropped');
    message('msg_acted', 'acted');
    message('msg_refused', 'refused', { closedAt: town.manager.now(), reason: 'too many' });
    const raised = town.escalations.raise({
      severity: 'low',
      message: 'Help',
      by: 'overseer',
      key: { kind: 'reported', subject: 'esc_1' },
    });
    town.escalations.close(raised.id, 'overseer', 'done');
    await old();
    await archive.look();
    expect(archived().map(({ type, id }) => `${type} ${id}`)).toEqual([
      'work dropped',
      'message msg_acted',
      'message msg_refused',
      `escalation ${raised.id}`,
    ]);
    expect(archived()[0]?.record).toMatchObject({
      title: 'Do dropped',
      state: 'cancelled',
      history: [{ state: 'open' }, { state: 'cancelled' }],
    });
    expect(archived()[2]?.record).toMatchObject({ body: 'Text of msg_refused', reason: 'too many' });
    expect(statSync(town.paths.archive).mode & 0o777).toBe(0o700);
    expect(statSync(join(town.paths.archive, '1970-04.jsonl')).mode & 0o777).toBe(0o600);
    expect(town.snapshot().work.map(({ id }) => id)).toEqual(['newest']);
    expect((await town.request('message.list', {})).messages.map(({ id }) => id)).toEqual(['msg_newest']);
    expect(town.escalations.list(10)).toEqual([]);
    expect(changes).toBe(1);
  });

  test('of a merged unit takes along its merge and what was said about its lines', async () => {
    await finished('a');
    const thread = town.store.reviews.begin({
      ...{ workId: 'a', path: 'a.ts', side: 'new', line: 1, head: 'h', quote: 'x', state: 'open', createdAt: 1 },
    });
    town.store.reviews.add({ thread, at: 1, by: 'overseer', body: 'Why?' });
    town.merges.move(town.merges.get('a'), 'merged', { by: 'host' });
    await old();
    await archive.look();
    expect(archived().find(({ id }) => id === 'a')?.record).toMatchObject({
      merge: { state: 'merged', history: [{ state: 'review' }, { state: 'merged' }] },
      threads: [{ path: 'a.ts', comments: [{ body: 'Why?' }] }],
    });
    expect(town.merges.find('a')).toBeUndefined();
    expect(town.store.reviews.threadsOf('a')).toEqual([]);
  });

  test('of a session that goes on is its earlier runs, without what they proved themselves with', async () => {
    const { id } = await town.request('session.spawn', { role: 'mayor' });
    const first = town.store.sessions.run(town.registry.get(id).runId)!;
    town.die(id);
    await until(() => town.registry.get(id).runId !== first.id);
    const now = town.registry.get(id).runId;
    expect(town.store.sessions.run(first.id)).toBeDefined();
    await old();
    await archive.look();
    expect(archived().filter(({ type }) => type === 'run')).toMatchObject([
      { id: first.id, record: { sessionId: id } },
    ]);
    expect(JSON.stringify(archived())).not.toContain(first.token);
    expect(town.store.sessions.run(first.id)).toBeUndefined();
    expect(town.store.sessions.run(now)).toBeDefined();
  });

  test('stays while it is young; of more than so many the oldest go sooner, but not on the first day', async () => {
    for (const id of ['msg_1', 'msg_2', 'msg_3', 'msg_4']) message(id, 'acted');
    policy = { afterDays: 90, keep: 2 };
    await archive.look();
    expect(ids()).toEqual([]);
    await town.pass(2 * day);
    policy = { afterDays: 90, keep: 4 };
    await archive.look();
    expect(town.store.messages.get('msg_1')).toBeDefined();
    policy = { afterDays: 90, keep: 2 };
    await archive.look();
    expect(['msg_1', 'msg_2', 'msg_3', 'msg_4'].filter((id) => town.store.messages.get(id))).toEqual([
      'msg_3',
      'msg_4',
    ]);
  });

  test('is more than one piece', async () => {
    for (let n = 0; n < 220; n += 1) message(`msg_${n}`, 'acted');
    await old();
    await archive.look();
    expect(ids()).toHaveLength(220);
    expect((await town.request('message.list', {})).messages).toHaveLength(1);
  });
});

describe('what stays, however old', () => {
  test('is what is open, unread or not delivered', async () => {
    await add('open');
    await finished('in-review');
    message('msg_waiting', 'accepted');
    message('msg_unread', 'delivered', { kind: 'mail' });
    const { id } = town.escalations.raise({
      severity: 'low',
      message: 'Help',
      by: 'overseer',
      key: { kind: 'reported', subject: 'esc_1' },
    });
    // By it nobody is called twice for what is open.
    message(`call_${id}`, 'acted', { from: 'host' });
    await old();
    await archive.look();
    expect(ids()).toEqual([]);
  });

  test('is what has to do with something that is open', async () => {
    await add('before');
    await add('after', { after: ['before'] });
    await cancel('before');
    await add('one', { batch: 'Two' });
    await add('other', { batch: 'Two' });
    await cancel('one');
    await add('first');
    await add('last', { after: ['first'] });
    await cancel('last');
    await add('told');
    await cancel('told');
    message('msg_of', 'accepted', { workId: 'told' });
    await add('on-its-way');
    await cancel('on-its-way');
    town.store.handoffs.begin({ workId: 'on-its-way', from: 'alpha-a', to: 'alpha-b', note: '' });
    await add('escalated');
    await cancel('escalated');
    const { id } = town.escalations.raise({
      ...{ severity: 'low', message: 'Help', by: 'overseer', workId: 'escalated' },
      key: { kind: 'reported', subject: 'esc_1' },
    });
    message('msg_about', 'acted', { workId: 'before' });
    message('told_before_cancelled_7', 'acted', { from: 'host' });
    await old();
    await archive.look();
    expect(ids()).toEqual([]);
    town.escalations.close(id, 'overseer');
    await cancel('after');
    await town.pass(91 * day);
    await archive.look();
    expect(readFileSync(join(town.paths.archive, '1970-07.jsonl'), 'utf8')).toMatch(
      /"before"[^]*"escalated"[^]*"msg_about"[^]*"told_before_cancelled_7"/,
    );
    expect(town.work.find('one')).toBeDefined();
  });

  test('is what may still be so: of a run that a session has, of a target that branches wait for', async () => {
    const { id: session, runId } = await town.request('session.spawn', { role: 'mayor' });
    await finished('in-review');
    const raise = (kind: 'hung' | 'target', subject: string, run: string) =>
      town.escalations.raise({ severity: 'low', message: 'Look', by: 'host', key: { kind, subject, run } }).id;
    const raised = [raise('hung', session, runId), raise('target', 'alpha main', 'c1')];
    for (const id of raised) town.escalations.close(id, 'overseer');
    message('msg_in-turn', 'accepted', { to: session });
    town.store.messages.setDelivered('msg_in-turn', runId, town.manager.now());
    await town.request('session.stop', { session });
    await old();
    await archive.look();
    expect(ids()).toEqual([]);
    expect(town.store.sessions.run(runId)).toBeDefined();
  });

  test('is the run by which a conversation is found again', async () => {
    const { id } = await town.request('session.spawn', { role: 'mayor' });
    const first = town.registry.get(id).runId;
    town.die(id);
    await until(() => town.registry.get(id).runId !== first);
    town.store.sessions.saveReference(first, { session: 'ses_1' });
    town.store.sessions.saveReference(town.registry.get(id).runId, {});
    await old();
    await archive.look();
    expect(town.store.sessions.lastReference(id)).toEqual({ session: 'ses_1' });
  });

  test('is mail that was sent long ago, and read just now', async () => {
    message('msg_mail', 'accepted', { kind: 'mail', to: 'overseer' });
    await old();
    await town.request('mail.inbox', {});
    await archive.look();
    expect(ids()).toEqual([]);
    await town.pass(91 * day);
    await archive.look();
    expect(town.store.messages.get('msg_mail')).toBeUndefined();
  });

  test('is a unit whose worktree is kept, and the last one of a branch that a session has', async () => {
    await add('issue-1');
    const { session } = await town.request('sling', { work: 'issue-1', rig: 'alpha', name: 'toast' });
    writeFileSync(join(session.workDir, 'notes'), 'not committed');
    await cancel('issue-1');
    await old();
    await archive.look();
    expect(town.work.find('issue-1')).toBeDefined();
    await town.request('session.stop', { session: session.id });
    await archive.look();
    expect(town.work.find('issue-1')).toBeDefined();
    await town.request('session.dismiss', { session: session.id });
    expect(town.store.worktrees.kept().size).toBe(1);
    await archive.look();
    expect(town.work.find('issue-1')).toBeDefined();
  });

  test('is what was changed while it was written down', async () => {
    await add('wanted');
    await cancel('wanted');
    await old();
    beforeWriting = () => {
      beforeWriting = () => undefined;
      town.work.move(town.work.get('wanted'), 'open', { by: 'overseer' });
    };
    await archive.look();
    expect(town.work.get('wanted').state).toBe('open');
  });
});

describe('an id of the archive', () => {
  test('is not given again, and says where its unit is', async () => {
    await add('task-2');
    const { id } = await town.request('work.add', { description: 'Made up' });
    await cancel('task-2');
    await cancel(id);
    await old();
    await archive.look();
    expect(ids()).toEqual(['task-2', id]);
    expect(id).toBe('task-3');
    expect((await town.request('work.add', { description: 'Made up' })).id).toBe('task-4');
    await expect(add('TASK-2')).rejects.toThrow('There was a work unit TASK-2, which is archived');
    await expect(town.request('work.show', { id: 'task-2' })).rejects.toThrow('.runtime/archive/1970-04.jsonl');
  });
});

describe('what could not be done', () => {
  test('a host that dies between writing and deleting leaves a record twice, and loses none', async () => {
    message('msg_1', 'acted');
    message('msg_2', 'acted');
    await old();
    const failing = failWrite(town.paths.database, 3);
    await archive.look();
    failing.restore();
    expect(failing.failed).toContain('DELETE FROM messages');
    expect(town.store.messages.get('msg_1')).toBeDefined();
    await until(() => town.store.backlog.trouble === undefined);
    await archive.look();
    const lines = readFileSync(join(town.paths.archive, '1970-04.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as Line).id)).toEqual(['msg_1', 'msg_2', 'msg_1', 'msg_2']);
    expect(ids()).toEqual(['msg_1', 'msg_2']);
    expect(town.store.messages.get('msg_1')).toBeUndefined();
  });

  test('a folder that cannot be written is told once, and nothing is deleted', async () => {
    message('msg_1', 'acted');
    await old();
    writeFileSync(town.paths.archive, 'in the way');
    await archive.look();
    await archive.look();
    expect(archive.problem).toMatch(/could not be archived, and stays in the database.*1970-04\.jsonl/);
    expect([logged.length, changes]).toEqual([1, 1]);
    expect(town.store.messages.get('msg_1')).toBeDefined();
    rmSync(town.paths.archive);
    await archive.look();
    expect(archive.problem).toBeUndefined();
    expect(ids()).toEqual(['msg_1']);
  });

  test.each([
    ['the disk is full in the middle of a line', 'writeFile', 1, ['msg_1']],
    ['the lines do not reach the disk', 'sync', 1, ['msg_1', 'msg_1']],
    ['the name of the file does not reach the disk', 'sync', 2, ['msg_1', 'msg_1']],
    ['the name of its folder does not reach the disk', 'sync', 3, ['msg_1', 'msg_1']],
  ] as const)('%s: that is told, nothing is deleted, and the next look archives it', async (_, step, nth, written) => {
    message('msg_1', 'acted');
    await old();
    await fails(step, nth);
    await archive.look();
    vi.restoreAllMocks();
    expect(archive.problem).toMatch(
      /^What is over and old could not be archived, and stays in the database\. .*1970-04\.jsonl could not be written: ENOSPC/,
    );
    expect(logged).toEqual([archive.problem]);
    expect(town.store.messages.get('msg_1')).toBeDefined();
    await archive.look();
    expect(archive.problem).toBeUndefined();
    expect(town.store.messages.get('msg_1')).toBeUndefined();
    const lines = readFileSync(join(town.paths.archive, '1970-04.jsonl'), 'utf8').trimEnd().split('\n');
    const whole = lines.filter((line) => line.endsWith('}'));
    expect(whole.map((line) => (JSON.parse(line) as Line).id)).toEqual(written);
    expect(new Set(whole).size).toBe(1);
  });

  test('a record that is changed after such a failure stands there in both versions, the last one below', async () => {
    await add('wanted');
    await cancel('wanted');
    await old();
    await fails('sync', 1);
    await archive.look();
    vi.restoreAllMocks();
    town.work.move(town.work.get('wanted'), 'open', { by: 'overseer' });
    await archive.look();
    expect((await town.request('work.show', { id: 'wanted' })).state).toBe('open');
    await cancel('wanted');
    await add('newer');
    await town.pass(91 * day);
    await archive.look();
    const files = ['1970-04.jsonl', '1970-07.jsonl'].map((name) =>
      readFileSync(join(town.paths.archive, name), 'utf8'),
    );
    const lines = files.flatMap((text) => text.trimEnd().split('\n')).map((line) => JSON.parse(line) as Line);
    const versions = lines.filter(({ id }) => id === 'wanted').map(({ record }) => record['history']);
    expect(versions).toMatchObject([
      [{ state: 'open' }, { state: 'cancelled' }],
      [{ state: 'open' }, { state: 'cancelled' }, { state: 'open' }, { state: 'cancelled' }],
    ]);
    await expect(town.request('work.show', { id: 'wanted' })).rejects.toThrow('.runtime/archive/1970-07.jsonl');
  });

  test('a line that was cut short spoils no other', async () => {
    message('msg_1', 'acted');
    await old();
    mkdirSync(town.paths.archive);
    const file = join(town.paths.archive, '1970-04.jsonl');
    writeFileSync(file, '{"type":"message","id":"msg_');
    await archive.look();
    expect(readFileSync(file, 'utf8').split('\n')).toMatchObject([
      '{"type":"message","id":"msg_',
      expect.stringContaining('"msg_1"'),
      '',
    ]);
  });
});

describe('a host', () => {
  test('archives when the town is opened, by the settings; the next one misses nothing in the database', async () => {
    const bare = await makeBareTown();
    try {
      let host = await bare.host();
      for (const id of ['issue-1', 'issue-2', 'issue-3']) {
        await host.api.request('work.add', { id, description: `Do ${id}` });
        await host.api.request('work.cancel', { id });
      }
      await host.dispose();
      const settings = join(bare.root, 'settings', 'config.json');
      const archiving = { ...(JSON.parse(readFileSync(settings, 'utf8')) as object), archive: { after_days: 5 } };
      writeFileSync(settings, JSON.stringify(archiving));
      bare.options.now = () => Date.now() + 6 * day;
      host = await bare.host();
      await until(() => host.snapshot.work.length === 1);
      await host.dispose();
      host = await bare.host();
      expect(host.snapshot.work.map(({ id }) => id)).toEqual(['issue-3']);
      expect(host.snapshot.problems).toEqual([]);
      await host.dispose();
    } finally {
      bare.remove();
    }
  });
});
