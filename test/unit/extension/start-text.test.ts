import { expect, test } from 'vitest';
import { startText, startTextOfWork, startTextSince } from '../../../extension/views/start-text.ts';
import { context, session, town, work } from './fixtures.ts';

const { t } = context;
const starting = [{ session: 'myproject-toast', text: 'runs the set-up of myproject', since: 0 }];

test('what is done before a session starts is told, then that its agent starts, then nothing', () => {
  const toast = session({ id: 'myproject-toast', state: 'starting' });
  expect(startText('myproject-toast', town({ starting }), t)).toBe('runs the set-up of myproject');
  expect(startText('myproject-toast', town({ sessions: [toast] }), t)).toBe('starts its agent');
  expect(startText('myproject-toast', town({ sessions: [{ ...toast, state: 'running' }] }), t)).toBe('');
  expect(startText(undefined, town({ starting }), t)).toBe('');
});

test('a unit tells it of the session that it is given to', () => {
  const unit = work({ id: 'issue-1', owner: 'myproject-toast' });
  expect(startTextOfWork('issue-1', town({ work: [unit], starting }), t)).toBe('runs the set-up of myproject');
  expect(startTextOfWork('issue-2', town({ work: [unit], starting }), t)).toBe('');
});

test('of a session whose name is not known yet it is told by its being new', () => {
  const other = session({ id: 'myproject-nux', state: 'starting' });
  expect(startTextSince(['myproject-nux'], town({ sessions: [other], starting }), t)).toBe(
    'runs the set-up of myproject',
  );
  expect(startTextSince(['myproject-toast'], town({ sessions: [other], starting }), t)).toBe('starts its agent');
  expect(startTextSince(['myproject-nux', 'myproject-toast'], town({ sessions: [other], starting }), t)).toBe('');
});
