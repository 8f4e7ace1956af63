import { delimiter } from 'node:path';
import { expect, test } from 'vitest';
import { backends } from '../../../shared/host/backends.ts';
import { knowAgents } from '../../../shared/platform/inherited-environment.ts';
import { hostEnvironment } from '../../../extension/town/host-environment.ts';

knowAgents(backends.map(({ variables }) => variables));

test('what belongs to the editor or to an agent around it stays out; the rest stays', () => {
  const environment = {
    PATH: '/usr/bin',
    HOME: '/home/me',
    VSCODE_IPC_HOOK: '/x',
    ELECTRON_RUN_AS_NODE: '1',
    NODE_OPTIONS: '--inspect',
    CLAUDECODE: '1',
    CLAUDE_CODE_SESSION_ID: 'x',
    CLAUDE_CONFIG_DIR: '/home/me/.claude',
    EMPTY: undefined,
  };
  expect(hostEnvironment(environment, [])).toEqual({
    PATH: '/usr/bin',
    HOME: '/home/me',
    CLAUDE_CONFIG_DIR: '/home/me/.claude',
  });
});

test('folders of agents come first on PATH, whatever it is called', () => {
  expect(hostEnvironment({ PATH: '/usr/bin' }, ['/a', '/b'])).toEqual({
    PATH: ['/a', '/b', '/usr/bin'].join(delimiter),
  });
  expect(hostEnvironment({ Path: 'C' }, ['/a'])).toEqual({ Path: ['/a', 'C'].join(delimiter) });
  expect(hostEnvironment({}, ['/a'])).toEqual({ PATH: '/a' });
});
