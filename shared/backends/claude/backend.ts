import type { BackendDescriptor } from '../backend.ts';
import { variables } from './variables.ts';

export const claude: BackendDescriptor = {
  name: 'claude',
  title: 'Claude Code',
  program: 'claude',
  newTownRoles: ['mayor', 'deacon', 'witness', 'refinery'],
  shellTool: 'Bash',
  givesUp: true,
  accountAdvice: 'Sign in: run "claude" in a terminal, then /login; or look at your plan.',
  reporter: 'claude-hook.js',
  variables,
  identityFile: false,
  loadDriver: async () => {
    const { ClaudeDriver } = await import('./driver.ts');
    return (host, { terminals, environment, node, reporter, maxRepeats }) =>
      new ClaudeDriver(host, {
        terminals,
        environment,
        maxRepeats,
        hookProgram: { command: node.command, args: [reporter], env: node.env },
      });
  },
};
