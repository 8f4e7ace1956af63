type Payload = Record<string, unknown>;

/** What the host reads of every hook. */
const common = ['session_id', 'transcript_path', 'prompt_id', 'hook_event_name', 'agent_id', 'agent_type'];
/** What it reads besides, by event. Of a tool's result it reads nothing, and of its input only what can be asked about. */
const also: Readonly<Record<string, readonly string[]>> = {
  SessionStart: ['source'],
  UserPromptSubmit: ['prompt'],
  PreToolUse: ['tool_name'],
  PostToolUse: ['tool_name', 'tool_input'],
  PostToolUseFailure: ['tool_name', 'tool_input', 'is_interrupt'],
  PermissionRequest: ['tool_name', 'tool_input', 'permission_suggestions'],
  Stop: ['background_tasks', 'session_crons'],
  StopFailure: ['error', 'last_assistant_message'],
};

/** Pure. The part of a hook's payload that the host has a use for: all else stays in the session. */
export function report(payload: Payload): Payload {
  const wanted = [...common, ...(also[String(payload['hook_event_name'])] ?? [])];
  return Object.fromEntries(wanted.filter((key) => key in payload).map((key) => [key, payload[key]]));
}
