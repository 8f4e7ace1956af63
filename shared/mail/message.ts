import type { MessageType } from '../orchestrator.ts';

/** What the outbox carries: the seed's messages, work that is handed over, and the reminder of DESIGN D2. */
export type MessageKind = MessageType | 'work' | 'reminder';

/**
 * accepted → delivered (the model has it) → acted (the turn that contained it has ended); or refused, expired, dead
 * (given up after bounded attempts), each with a reason.
 */
export type MessageState = 'accepted' | 'delivered' | 'acted' | 'refused' | 'expired' | 'dead';

/** Sender or recipient that is the person. */
export const overseer = 'overseer';
