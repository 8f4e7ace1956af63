import type { AttachTarget } from '../../domain/run.ts';
import { exemptLoopback, inheritedEnvironment } from '../../platform/inherited-environment.ts';
import type { Environment } from '../../platform/inherited-environment.ts';
import { serverEnv } from './environment.ts';
import type { Run } from './run.ts';
import { variables } from './variables.ts';

/** Pure. Opencode's own interface, as a client of the run's server, for a terminal. */
export function attachTarget({ server, spec, directory, session }: Run, environment: Environment): AttachTarget {
  const { record, url } = server;
  return {
    kind: 'program',
    name: spec.title,
    program: record.program,
    args: ['attach', url, '--dir', directory, '--session', session],
    env: {
      // Its requests go to the server on this machine.
      ...exemptLoopback({ ...inheritedEnvironment(environment, variables), ...spec.agent.env }),
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      [serverEnv.password]: record.password,
    },
    cwd: directory,
  };
}
