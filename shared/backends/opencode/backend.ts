import type { BackendDescriptor } from '../backend.ts';
import { leftoversIn, removeLeftover, sharedStubs } from './installed-files.ts';
import { repositoryPrograms } from './repository-programs.ts';
import { variables } from './variables.ts';

export const opencode: BackendDescriptor = {
  name: 'opencode',
  title: 'Opencode',
  program: 'opencode',
  newTownRoles: ['polecat'],
  shellTool: 'bash',
  plugin: { file: 'gastown.js', folders: ['.opencode/plugins', '.opencode/plugin'] },
  givesUp: false,
  accountAdvice: 'Sign in: "opencode auth login"; or look at your account at the provider.',
  reporter: 'gastown.js',
  variables,
  identityFile: true,
  repositoryPrograms,
  leftovers: { in: leftoversIn, shared: sharedStubs, remove: removeLeftover },
  loadDriver: async () => {
    const { OpencodeDriver } = await import('./driver.ts');
    return (host, { reporter, runtimeDir, environment, socket, hostFile, leaseMs, ...bounds }) => {
      const { patienceMs, maxRepeats, onServerLost } = bounds;
      return new OpencodeDriver(host, {
        ...{ runtimeDir, environment, socket, hostFile, patienceMs, maxRepeats, onServerLost, pluginFile: reporter },
        ...(leaseMs === undefined ? {} : { leaseMs }),
      });
    };
  },
};
