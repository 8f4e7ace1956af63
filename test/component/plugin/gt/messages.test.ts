import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageView } from '../../../../shared/channel/views.ts';
import { FakeTown } from './support.ts';

let town: FakeTown;

beforeEach(async () => {
  town = await FakeTown.start();
});

afterEach(() => town.stop());

const letter: MessageView = {
  id: 'm1',
  from: 'demo-toast',
  to: 'overseer',
  kind: 'mail',
  priority: 'normal',
  subject: 'The roof',
  body: 'It leaks.\nStill.',
  state: 'accepted',
  attempts: 0,
  repeated: false,
  sentAt: 0,
};

describe('messages', () => {
  it('are nudges of the words as they are', async () => {
    town.answers = { 'message.send': { ...letter, kind: 'nudge', to: 'demo-toast' } };
    expect((await town.gt(['nudge', 'demo-toast', 'look', 'at', 'it'])).out).toBe(
      'nudge m1 to demo-toast: accepted.\n',
    );
    expect(town.asked()).toEqual([['message.send', { to: 'demo-toast', type: 'nudge', body: 'look at it' }]]);
  });

  it('are mail', async () => {
    town.answers = { 'message.send': letter, 'mail.inbox': { messages: [letter] } };
    await town.gt(['mail', 'send', 'mayor/', '-s', 'The roof', '-m', '-'], { input: 'It leaks.\n' });
    expect(town.asked()).toEqual([
      ['message.send', { to: 'mayor/', type: 'mail', subject: 'The roof', body: 'It leaks.' }],
    ]);
    expect((await town.gt(['mail', 'inbox'])).out).toBe(
      'm1 from demo-toast at 1970-01-01T00:00:00.000Z\nSubject: The roof\n\n> It leaks.\n> Still.\n',
    );
    town.answers['mail.inbox'] = { messages: [] };
    expect((await town.gt(['mail', 'inbox', '--all'])).out).toBe('No mail.\n');
  });

  it('are broadcasts, which fail when one of them does', async () => {
    town.answers = {
      'message.broadcast': {
        results: [
          { to: 'a', messageId: 'm1' },
          { to: 'b', error: 'It has ended.' },
        ],
      },
    };
    expect(await town.gt(['broadcast', 'stop', 'now', '--to', 'a,b', '--to', 'c'])).toMatchObject({
      code: 1,
      out: 'TO  MESSAGE  ERROR\na   m1       -\nb   -        It has ended.\n',
    });
    expect(town.asked()).toEqual([['message.broadcast', { to: ['a', 'b', 'c'], body: 'stop now' }]]);
  });

  it('say how far they have come, with the time of each state', async () => {
    const dead: MessageView = {
      ...letter,
      kind: 'nudge',
      state: 'dead',
      reason: 'no receipt',
      attempts: 3,
      repeated: true,
      closedAt: 2000,
      runId: 'run-1',
    };
    town.answers = { 'message.show': dead, 'message.list': { messages: [dead] } };
    expect((await town.gt(['mail', 'status', 'm1'])).out).toBe(
      [
        'nudge m1 to overseer: dead (no receipt). Possibly repeated.',
        'accepted: 1970-01-01T00:00:00.000Z',
        'dead: 1970-01-01T00:00:02.000Z',
        'from: demo-toast',
        'attempts: 3',
        'run: run-1',
        '',
      ].join('\n'),
    );
    expect((await town.gt(['mail', 'sent'])).out.split('\n')[1]).toBe(
      'm1       nudge  overseer  dead (possibly repeated)  1970-01-01T00:00:00.000Z  The roof',
    );
    expect(town.asked()).toEqual([
      ['message.show', { id: 'm1' }],
      ['message.list', { sent: true, limit: 20 }],
    ]);
  });

  it('are archived one after the other', async () => {
    town.answers = { 'mail.archive': ({ id }) => ({ ...letter, id, closedAt: 1 }) };
    expect((await town.gt(['mail', 'archive', 'm1', 'm2'])).out).toBe('Archived m1, m2.\n');
  });

  it.each([
    [
      ['nudge', 'demo-toast', 'now', '--urgent'],
      'message.send',
      { to: 'demo-toast', type: 'nudge', body: 'now', priority: 'urgent' },
    ],
    [
      ['mail', 'send', 'mayor/', '-m', 'now', '--urgent'],
      'message.send',
      { to: 'mayor/', type: 'mail', body: 'now', priority: 'urgent' },
    ],
    [
      ['nudge', '@demo', 'now', '--urgent'],
      'message.broadcast',
      { to: ['@demo'], type: 'nudge', body: 'now', priority: 'urgent' },
    ],
    [
      ['mail', 'send', '@town', '-m', 'now', '--urgent'],
      'message.broadcast',
      { to: ['@town'], type: 'mail', body: 'now', priority: 'urgent' },
    ],
    [
      ['broadcast', 'now', '--to', '@demo', '--urgent'],
      'message.broadcast',
      { to: ['@demo'], body: 'now', priority: 'urgent' },
    ],
  ])('are urgent: %j', async (argv, method, params) => {
    town.answers = { 'message.send': letter, 'message.broadcast': { results: [] } };
    await town.gt(argv);
    expect(town.asked()).toEqual([[method, params]]);
  });

  it('are not sent empty', async () => {
    expect(await town.gt(['nudge', 'demo-toast', '-'], { input: '\n' })).toMatchObject({
      code: 2,
      err: 'gt: The message is empty, so it was not sent.\n',
    });
    expect(town.asked()).toEqual([]);
  });
});
