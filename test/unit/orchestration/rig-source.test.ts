import { expect, test } from 'vitest';
import { nameOfSource, rigSource } from '../../../shared/orchestration/rig-source.ts';

test.each([
  ['/src/app', { folder: '/src/app' }, 'app'],
  ['/src/app/', { folder: '/src/app/' }, 'app'],
  ['  /src/app \n', { folder: '/src/app' }, 'app'],
  ['"/src/my app"', { folder: '/src/my app' }, 'my app'],
  ["' ~/src/app '", { folder: '/home/ann/src/app' }, 'app'],
  ['~', { folder: '/home/ann' }, '~'],
  ['~bob/app', { folder: '/town/~bob/app' }, 'app'],
  ['./app', { folder: '/town/app' }, 'app'],
  ['/src/app/.git', { folder: '/src/app' }, 'app'],
  ['/srv/app.git', { folder: '/srv/app.git' }, 'app'],
  ['file:///srv/app.git', { url: 'file:///srv/app.git' }, 'app'],
  [' https://host/owner/app.git ', { url: 'https://host/owner/app.git' }, 'app'],
  ['git@host:owner/app.git', { url: 'git@host:owner/app.git' }, 'app'],
  ['git@host:app.git', { url: 'git@host:app.git' }, 'app'],
])('D6: %j, as it is pasted, is meant', (pasted, place, name) => {
  expect(rigSource(pasted, '/town', '/home/ann')).toEqual(place);
  expect(nameOfSource(pasted)).toBe(name);
});
