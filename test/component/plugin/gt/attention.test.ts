import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EscalationView } from '../../../../shared/channel/views.ts';
import { FakeTown } from './support.ts';

let town: FakeTown;

beforeEach(async () => {
  town = await FakeTown.start();
});

afterEach(() => town.stop());

describe('gt attention', () => {
  const wait = {
    session: 'demo-toast',
    runId: 'run-1',
    ask: 'a1',
    kind: 'permission' as const,
    title: 'bash: ls',
    detail: 'ls\n-l',
    options: [],
    resolvable: true,
    atAGlance: true,
    since: 0,
  };
  const colour = { ...wait, ask: 'q1', kind: 'question' as const, title: 'Which?', options: ['Red', 'Light blue'] };
  const two = {
    ...colour,
    ask: 'q2',
    options: [],
    questions: [
      { text: 'Which?', options: ['Red'], multiple: false },
      { text: 'And?', options: ['Yes', 'No'], multiple: false },
    ],
  };
  const { ask: _ask, ...dialog } = { ...wait, kind: 'dialog' as const, title: 'Trust this folder?', resolvable: false };

  it('lists what waits', async () => {
    town.answers = { 'attention.list': { waits: [wait, dialog] } };
    expect((await town.gt(['attention', 'list'])).out).toBe(
      [
        'SESSION     KIND        SINCE                     ASK              WHAT',
        'demo-toast  permission  1970-01-01T00:00:00.000Z  a1               bash: ls',
        'demo-toast  dialog      1970-01-01T00:00:00.000Z  in its terminal  Trust this folder?',
        '',
      ].join('\n'),
    );
    expect((await town.gt(['attention', 'list', '--long'])).out).toContain('\n\n> ls\n> -l\n');
    town.answers = { 'attention.list': { waits: [] } };
    expect((await town.gt(['attention', 'list'])).out).toBe('Nothing waits for you.\n');
  });

  it.each([
    [wait, ['allow'], { kind: 'allow' }],
    [wait, ['allow', '--remember'], { kind: 'allow', remember: true }],
    [wait, ['deny'], { kind: 'deny' }],
    [wait, ['deny', '-m', '-'], { kind: 'deny', message: 'from input' }],
    [colour, ['Light blue'], { kind: 'answers', answers: [['Light blue']] }],
    [colour, ['-m', 'none of them'], { kind: 'answers', answers: [['none of them']] }],
    [two, ['Red', 'No'], { kind: 'answers', answers: [['Red'], ['No']] }],
  ])('answers: %o by %j', async (open, argv, answer) => {
    town.answers = { 'attention.list': { waits: [open, { ...open, session: 'other' }] }, 'session.answer': {} };
    const { code, out } = await town.gt(['attention', 'answer', 'demo-toast', ...argv], { input: 'from input\n' });
    expect([code, out]).toEqual([0, `demo-toast has the answer to "${open.title}".\n`]);
    expect(town.asked()[1]).toEqual(['session.answer', { session: 'demo-toast', ask: open.ask, answer }]);
  });

  it.each([
    [[], ['allow'], 1, 'waits for no answer'],
    [[dialog], ['allow'], 1, 'can only be answered in the terminal'],
    [[wait, colour], ['allow'], 2, 'Say which, by --ask'],
    [[wait], ['allow', '--ask', 'gone'], 1, 'waits for no answer (gone)'],
    [[wait], [], 2, 'Say "allow" or "deny"'],
    [[wait], ['yes'], 2, 'Say "allow" or "deny"'],
    [[wait], ['allow', '-m', 'because'], 2, 'goes with "deny" only'],
    [[colour], ['allow'], 2, 'Its answers: "Red", "Light blue".'],
    [[colour], ['red'], 2, '"red" is no answer'],
    [[colour], [], 2, 'There is 1 question, and 0 answers'],
    [[colour], ['Red', '-m', 'x'], 2, 'instead of an option'],
    [[two], ['Red'], 2, 'There are 2 questions, and 1 answers'],
    [[two], ['-m', 'x'], 2, 'answer a single question'],
  ])('never guesses: %o by %j', async (waits, argv, code, message) => {
    town.answers = { 'attention.list': { waits }, 'session.answer': {} };
    const ran = await town.gt(['attention', 'answer', 'demo-toast', ...argv]);
    expect(ran.code).toBe(code);
    expect(ran.err).toContain(message);
    expect(town.asked().map(([method]) => method)).toEqual(['attention.list']);
  });

  it('answers the ask that was named', async () => {
    town.answers = { 'attention.list': { waits: [wait, { ...wait, ask: 'a2' }] }, 'session.answer': {} };
    await town.gt(['attention', 'answer', 'demo-toast', '--ask', 'a2', 'deny']);
    expect(town.asked()[1]).toEqual(['session.answer', { session: 'demo-toast', ask: 'a2', answer: { kind: 'deny' } }]);
  });
});

describe('gt escalate', () => {
  const escalation: EscalationView = {
    id: 'esc_1',
    kind: 'reported',
    severity: 'high',
    message: 'The key is missing',
    by: 'demo-toast',
    work: 'issue-1',
    raisedAt: 0,
  };

  it('raises, with the text from standard input where it says so', async () => {
    town.answers = { 'work.escalate': escalation };
    const ran = await town.gt(['escalate', '-s', 'high', '-m', '-', '--work', 'issue-1'], {
      input: 'The key\nis missing\n',
    });
    expect(ran).toMatchObject({ code: 0, out: 'Escalated (high): esc_1.\n' });
    expect(town.asked()).toEqual([
      ['work.escalate', { severity: 'high', message: 'The key\nis missing', work: 'issue-1' }],
    ]);
  });

  it('lists what is open', async () => {
    town.answers = { 'escalation.list': { escalations: [escalation] } };
    const ran = await town.gt(['escalate', 'list']);
    expect(ran.out).toBe(
      [
        'ID     SEVERITY  BY          WORK     SINCE                     STATE  MESSAGE',
        'esc_1  high      demo-toast  issue-1  1970-01-01T00:00:00.000Z  open   The key is missing',
        '',
      ].join('\n'),
    );
    expect(await town.gt(['escalate', 'list', '--all', '--json'])).toMatchObject({
      out: `${JSON.stringify([escalation], null, 2)}\n`,
    });
    expect(town.asked()).toEqual([
      ['escalation.list', {}],
      ['escalation.list', { all: true }],
    ]);
  });

  it('closes, with what was done', async () => {
    town.answers = { 'escalation.close': escalation };
    expect(await town.gt(['escalate', 'close', 'esc_1', '-m', 'Key added'])).toMatchObject({
      code: 0,
      out: 'Closed esc_1.\n',
    });
    expect(town.asked()).toEqual([['escalation.close', { id: 'esc_1', message: 'Key added' }]]);
  });

  it('knows four severities', async () => {
    const ran = await town.gt(['escalate', '-s', 'urgent', '-m', 'x']);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('low, medium, high, critical');
  });
});
