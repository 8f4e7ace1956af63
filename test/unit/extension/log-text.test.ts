import { expect, test } from 'vitest';
import { logText } from '../../../extension/log-text.ts';
import { ChannelError } from '../../../shared/channel/client.ts';
import { GasTownError } from '../../../shared/platform/errors.ts';

test.each([
  new GasTownError('unknown-rig', 'There is no rig "beta".'),
  new ChannelError('unknown-rig', 'There is no rig "beta".'),
  'There is no rig "beta".',
])('the log has one line of what was expected', (error) => {
  expect(logText(error)).toBe('There is no rig "beta".');
});

test('and where it comes from of anything else', () => {
  const error = new Error('Cannot read properties of undefined');
  expect(logText(error)).toBe(error.stack);
  expect(logText(error)).toContain('log-text.test.ts');
});

test('one that was expected may have another message', () => {
  expect(logText(new ChannelError('no-host', 'It is late.'), 'The town could not be opened: It is late.')).toBe(
    'The town could not be opened: It is late.',
  );
});
