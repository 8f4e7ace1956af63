import type { MessageType } from '../orchestrator.ts';

/** What the outbox carries: the seed's messages, work that is handed over, and the reminder of DESIGN D2. */
export const messageKinds = ['nudge', 'mail', 'broadcast', 'work', 'reminder'] as const satisfies readonly (
  MessageType | 'work' | 'reminder'
)[];
export type MessageKind = (typeof messageKinds)[number];

/**
 * accepted → delivered (the model has it) → acted (the turn that contained it has ended); or refused, expired, dead
 * (given up after bounded attempts), each with a reason.
 */
export const messageStates = ['accepted', 'delivered', 'acted', 'refused', 'expired', 'dead'] as const;
export type MessageState = (typeof messageStates)[number];

/** Urgent ones go first, and live longer. */
export const priorities = ['normal', 'urgent'] as const;
export type Priority = (typeof priorities)[number];

/** Sender or recipient that is the person. */
export const overseer = 'overseer';
/** Sender that is the host itself. */
export const host = 'host';
