import { expect, it } from 'vitest';
import { withoutSecrets } from '../../../../shared/platform/git/without-secrets.ts';

it.each([
  ['https://user:pa55@example.com/a.git', 'https://***@example.com/a.git'],
  ['https://a-token@example.com/a.git', 'https://***@example.com/a.git'],
  ['https://user:p@55@example.com/a.git', 'https://***@example.com/a.git'],
  ['ssh://git:pa55@example.com:22/a.git', 'ssh://git:***@example.com:22/a.git'],
  ['ssh://git@example.com/a.git', 'ssh://git@example.com/a.git'],
  ['git@example.com:a/b.git', 'git@example.com:a/b.git'],
  ['https://example.com/a.git?private_token=abc&x=1', 'https://example.com/a.git?private_token=***&x=1'],
  ['https://example.com/@scope/a.git', 'https://example.com/@scope/a.git'],
  [
    "fatal: unable to access 'HTTPS://u:p@example.com/': refused, mail me@example.com",
    "fatal: unable to access 'HTTPS://***@example.com/': refused, mail me@example.com",
  ],
])('%s becomes %s', (text, shown) => {
  expect(withoutSecrets(text)).toBe(shown);
});
