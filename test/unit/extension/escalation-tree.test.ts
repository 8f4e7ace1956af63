import { expect, test } from 'vitest';
import { severityIcons } from '../../../extension/views/escalation-tree.ts';
import { sessionContextValue, sessionTree } from '../../../extension/views/session-tree.ts';
import { sessionDescription } from '../../../extension/views/session-text.ts';
import { tooltipOf } from '../../../extension/views/tooltip.ts';
import { context, escalation, minute, session, town } from './fixtures.ts';

test('what is escalated stands at the top, the most severe first', () => {
  const snapshot = town({
    sessions: [session()],
    escalations: [
      escalation({ id: 'esc_low', severity: 'low', message: 'Look at this\nsome time' }),
      escalation({
        id: 'esc_high',
        severity: 'high',
        message: 'No progress',
        session: 'myproject-worker-1',
        work: 'issue-1',
      }),
      escalation({ id: 'esc_new', severity: 'low', message: 'Newer', raisedAt: context.now - minute, session: 'gone' }),
    ],
  });
  const [group, root] = sessionTree(snapshot, context);
  expect(root?.id).toBe('town');
  expect(group).toMatchObject({
    label: 'Escalations',
    description: '3',
    icon: severityIcons.high,
    aria: '3 escalations, the highest is high',
  });
  expect(
    group?.children.map(({ label, description, contextValue, icon }) => [label, description, contextValue, icon]),
  ).toEqual([
    ['No progress', 'high · 3m · issue-1 · worker-1 (myproject)', 'escalation.session', severityIcons.high],
    ['Newer', 'low · 1m', 'escalation', severityIcons.low],
    ['Look at this some time', 'low · 3m', 'escalation', severityIcons.low],
  ]);
  expect(group?.children[0]?.aria).toBe('escalation, high: No progress, 3 minutes ago');
});

test('nothing escalated, no group', () => {
  expect(sessionTree(town({ sessions: [session()] }), context).map(({ id }) => id)).toEqual(['town']);
});

test('the hover has it in full, as text', () => {
  const escalations = [escalation({ message: 'The **key**\nis missing', work: 'issue-1' })];
  const text = tooltipOf({ kind: 'escalation', escalation: 'esc_1' }, town({ escalations }), context);
  expect(text).toContain('**Escalated** — medium');
  expect(text).toContain('- Work: issue\\-1');
  expect(text).toContain('```text\nThe **key**\nis missing\n```');
  expect(tooltipOf({ kind: 'escalation', escalation: 'gone' }, town({ escalations }), context)).toBeUndefined();
});

test('no two severities have the same shape, so that colour is never alone', () => {
  const shapes = Object.values(severityIcons).map(({ icon }) => icon);
  expect(new Set(shapes).size).toBe(shapes.length);
});

test('a quarantined session says so, by its row and its hover', () => {
  const quarantined = session({ state: 'failed', quarantined: { at: 0, reason: 'it was restarted 3 times' } });
  expect(sessionDescription(quarantined, context)).toMatch(/^quarantined · 3m/);
  expect(sessionContextValue(quarantined)).toBe('session.opencode.failed.quarantined');
  expect(tooltipOf({ kind: 'session', session: quarantined.id }, town({ sessions: [quarantined] }), context)).toContain(
    '- Quarantined: it was restarted 3 times',
  );
});
