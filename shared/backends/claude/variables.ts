import type { AgentVariables } from '../../platform/inherited-environment.ts';

export const variables: AgentVariables = {
  // An inherited CLAUDE_CODE_CHILD_SESSION alone hides a session's state file.
  marks: [
    /^CLAUDECODE$/,
    /^CLAUDE_CODE_(CHILD_SESSION|SESSION_ID|ENTRYPOINT|SSE_PORT|EXECPATH)$/,
    /^CLAUDE_(PROJECT_DIR|ENV_FILE|PLUGIN_\w+)$/,
  ],
  own: [/^CLAUDE/],
  refused: [],
  alone: false,
};
