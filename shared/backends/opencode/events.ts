import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { OpencodeApi } from './api.ts';
import { isObject } from '../../platform/objects.ts';
import type { OpencodeEvent } from './facts.ts';

/** The server sends a heartbeat every 10 s. */
const silenceMs = 25_000;
const firstPauseMs = 100;
const longestPauseMs = 5_000;

export interface EventLoopOptions {
  client: OpencodeApi;
  log: Logger;
  onEvent(event: OpencodeEvent): void;
  /** The stream is open: what happened before is not in it. Called for every connection. */
  onConnected(): void;
  /** The stream broke. Resolves with false when there is nothing left to connect to. */
  onLost(reason: string): Promise<boolean>;
}

/**
 * The one stream of events of all directories of a server. The SDK's own reconnecting neither notices silence nor a clean
 * end, so every connection is one attempt of the SDK and the loop is ours.
 */
export class EventLoop {
  private readonly options: EventLoopOptions;
  private readonly ended = new AbortController();

  constructor(options: EventLoopOptions) {
    this.options = options;
    void this.run();
  }

  stop(): void {
    this.ended.abort();
  }

  private async run(): Promise<void> {
    let pause = firstPauseMs;
    while (!this.ended.signal.aborted) {
      const { connected, reason } = await this.listen();
      if (this.ended.signal.aborted || !(await this.options.onLost(reason))) return;
      pause = connected ? firstPauseMs : Math.min(pause * 2, longestPauseMs);
      // An abort ends the pause early; the loop's condition deals with it.
      await delay(pause, undefined, { signal: this.ended.signal }).catch(() => undefined);
    }
  }

  /** One connection, until it breaks, ends, or falls silent. */
  private async listen(): Promise<{ connected: boolean; reason: string }> {
    const connection = new AbortController();
    let reason = 'the event stream ended';
    let connected = false;
    const breakOff = (why: string): void => {
      reason = why;
      connection.abort();
    };
    const onStop = (): void => breakOff('stopped');
    this.ended.signal.addEventListener('abort', onStop, { once: true });
    let watchdog = setTimeout(breakOff, silenceMs, 'the server fell silent');
    try {
      const { stream } = await this.options.client.global.event({
        signal: connection.signal,
        sseMaxRetryAttempts: 1,
        onSseError: (error) => {
          if (!connection.signal.aborted) reason = messageOf(error);
        },
      });
      for await (const frame of stream) {
        clearTimeout(watchdog);
        watchdog = setTimeout(breakOff, silenceMs, 'the server fell silent');
        const event = eventIn(frame);
        if (event?.type === 'server.connected') {
          connected = true;
          this.options.onConnected();
        } else if (event) this.deliver(event);
      }
    } catch (error) {
      if (!connection.signal.aborted) reason = messageOf(error);
    } finally {
      clearTimeout(watchdog);
      connection.abort();
      this.ended.signal.removeEventListener('abort', onStop);
    }
    return { connected, reason };
  }

  private deliver(event: OpencodeEvent): void {
    try {
      this.options.onEvent(event);
    } catch (error) {
      // One event that we cannot deal with must not cost the others.
      this.options.log.error(`opencode: event ${event.type} failed: ${messageOf(error)}`);
    }
  }
}

/** Pure. The event in a frame of `/global/event`; undefined for heartbeats and for `sync` frames, which repeat others. */
export function eventIn(frame: unknown): OpencodeEvent | undefined {
  const payload: unknown = isObject(frame) ? frame['payload'] : undefined;
  if (!isObject(payload) || typeof payload['type'] !== 'string') return undefined;
  if (payload['type'] === 'sync' || payload['type'] === 'server.heartbeat') return undefined;
  return { type: payload['type'], properties: isObject(payload['properties']) ? payload['properties'] : {} };
}
