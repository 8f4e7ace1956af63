/** Of one state of the target at the time of sending; milliseconds from accepted to delivered. */
export interface Latency {
  p50: number;
  p95: number;
  max: number;
}

export type FaultName = 'agentKilled' | 'serverKilled' | 'hostKilled' | 'hostReloaded' | 'sessionStopped';

/** What a soak reports: to people, and with `--report` as JSON. */
export interface SoakReport {
  sessions: number;
  seconds: number;
  messages: {
    /** Everything that somebody tried to send, refusals included. */
    sent: number;
    /** The model has it; with mail, it was read. */
    delivered: number;
    /** Receipts that are not true, and messages that nobody will ever deliver or close. */
    lost: number;
    /** Seen by the model again without being marked so. */
    doubled: number;
    /** Called delivered before the model was asked with it, or acted before the last time that it was asked in that turn. */
    falseReceipts: number;
    /** Called delivered up to 100 ms before the request reached the model: it was on its way. */
    onTheWay: number;
    /** Marked as possibly repeated. */
    markedRepeated: number;
    /** Closed without delivery, with a reason: refused, expired, dead. */
    refused: number;
  };
  work: { units: number; lost: number; ownerless: number; doubleOwned: number };
  /** Processes that were left when everything had been stopped. */
  orphans: number;
  latencyMs: Record<string, Latency>;
  faults: Record<FaultName, number>;
}
