import { createHash } from 'node:crypto';

type Payload = Record<string, unknown>;

/** What the host reads of every hook. */
const common = ['session_id', 'transcript_path', 'prompt_id', 'hook_event_name', 'agent_id', 'agent_type'];
/** What it reads besides, by event. Of a tool's result it reads nothing, and of its input only what can be asked about; whether both are the same again tells their digest. */
const also: Readonly<Record<string, readonly string[]>> = {
  SessionStart: ['source'],
  UserPromptSubmit: ['prompt'],
  PreToolUse: ['tool_name'],
  PostToolUse: ['tool_name', 'tool_input', 'tool_use_id'],
  PostToolUseFailure: ['tool_name', 'tool_input', 'tool_use_id', 'is_interrupt'],
  PermissionRequest: ['tool_name', 'tool_input', 'permission_suggestions'],
  Stop: ['background_tasks', 'session_crons'],
  StopFailure: ['error', 'last_assistant_message'],
  PostCompact: ['trigger'],
};

/** Pure. The part of a hook's payload that the host has a use for: all else stays in the session. */
export function report(payload: Payload): Payload {
  const wanted = [...common, ...(also[String(payload['hook_event_name'])] ?? [])];
  const read = Object.fromEntries(wanted.filter((key) => key in payload).map((key) => [key, payload[key]]));
  return 'tool_use_id' in read ? { ...read, did: digestOf(payload) } : read;
}

/** What a tool was called with, and what came of it. */
function digestOf({ tool_name, tool_input, tool_response, error }: Payload): string {
  return createHash('sha256')
    .update(JSON.stringify([tool_name, tool_input, tool_response, error]))
    .digest('base64');
}
