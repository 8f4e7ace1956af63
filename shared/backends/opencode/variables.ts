import type { AgentVariables } from '../../platform/inherited-environment.ts';

export const variables: AgentVariables = {
  marks: [],
  own: [/^OPENCODE/],
  // Of a server, or a session in it, around the editor.
  refused: [/^OPENCODE_(SERVER_|DB$|PID$|CLIENT$)/, /^(OPENCODE|AGENT)$/],
  alone: true,
};
