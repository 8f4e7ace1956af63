/** What Claude Code's hooks send, as far as we use it. Newer versions may add fields; they pass. */
import * as z from 'zod/mini';
import { orElse } from '../../platform/or-else.ts';

/** Names files of Claude Code's, so it may name no others. */
const sessionId = z.string().check(z.regex(/^[\w-]+$/));
const common = {
  session_id: sessionId,
  /** The conversation's record. */
  transcript_path: z.optional(z.string()),
  /** Names the turn by the prompt that opened it, also in the hook of one that is typed while the turn goes on. */
  prompt_id: z.optional(z.string()),
  agent_id: z.optional(z.string()),
  agent_type: z.optional(z.string()),
};
const event = <N extends string, S extends z.core.$ZodLooseShape>(name: N, shape: S) =>
  z.object({ ...common, hook_event_name: z.literal(name), ...shape });

const tool = { tool_name: z.string(), tool_input: orElse(z.record(z.string(), z.unknown()), {}) };
/** A call that is done; `did`: the digest of what it was called with and what came of it. */
const done = { ...tool, tool_use_id: z.optional(z.string()), did: z.optional(z.string()) };
const list = orElse(z.array(z.unknown()), []);

export const hookPayload = z.discriminatedUnion('hook_event_name', [
  event('UserPromptSubmit', { prompt: z.string() }),
  event('PreToolUse', tool),
  event('PostToolUse', done),
  event('PostToolUseFailure', { ...done, is_interrupt: orElse(z.boolean(), false) }),
  event('PermissionRequest', {
    ...tool,
    permission_suggestions: orElse(z.array(z.record(z.string(), z.unknown())), []),
  }),
  event('Stop', { background_tasks: list, session_crons: list }),
  event('StopFailure', { error: orElse(z.string(), 'unknown'), last_assistant_message: orElse(z.string(), '') }),
  event('SubagentStart', {}),
  event('SubagentStop', {}),
  event('PostCompact', { trigger: orElse(z.string(), 'auto') }),
]);

/** How a hook was heard. */
export interface Heard {
  /** When its reporter was started, in epoch milliseconds. */
  at: number;
  /** The id of the ask, where it waits for a decision. */
  ask?: string | undefined;
  /** Fires when the reporter has gone: Claude does not wait any more. */
  signal: AbortSignal;
}

export type HookPayload = z.output<typeof hookPayload>;
export type HookName = HookPayload['hook_event_name'];
export type PermissionRequest = Extract<HookPayload, { hook_event_name: 'PermissionRequest' }>;

export const sessionStartPayload = z.object({
  session_id: sessionId,
  source: orElse(z.string(), 'startup'),
});

/**
 * The hooks that our sessions run, besides SessionStart: all of them by our reporter, over the host's socket. Claude waits
 * for those whose order counts, and for the decision about a permission; what is only told (`told`) runs beside the tool
 * call. All are known to every version from `oldestVersion` on (see `version.ts`).
 */
export const hooks: Readonly<Record<HookName, 'awaited' | 'decided' | 'told'>> = {
  UserPromptSubmit: 'awaited',
  PreToolUse: 'told',
  PostToolUse: 'told',
  PostToolUseFailure: 'told',
  PermissionRequest: 'decided',
  Stop: 'awaited',
  StopFailure: 'awaited',
  SubagentStart: 'awaited',
  SubagentStop: 'awaited',
  PostCompact: 'told',
};
