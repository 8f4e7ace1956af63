import { atHost } from '../../shared/channel/at-host.ts';
import { ChannelClient } from '../../shared/channel/client.ts';
import type { MethodName, Params, protocolVersion, Results } from '../../shared/channel/protocol.ts';
import { socketMayBeBack } from '../../shared/channel/socket-may-be-back.ts';

const protocol: typeof protocolVersion = 1;
const firstPauseMs = 100;
const longestPauseMs = 5_000;
/** Events that are kept while no host is there; of more, the oldest are lost. */
const bufferLength = 1_000;

/** The host confirms a report at once; after this long it does not at all. */
const confirmMs = 5_000;

/** After so many losses of the connection in a row the report that was under way is taken for their cause. */
const mostLosses = 2;
const lostName = 'plugin.error';

class LateError extends Error {}

type Report = Params<'inside.event'>;

export interface LinkOptions {
  socket: string;
  /** Where the host is, should it not be there; a server that an older version started has none. */
  hostFile?: string;
  token: string;
  /** Id of the server that this process is. */
  server: string;
  /** Called for every connection, before what is buffered goes out. */
  onConnected(): void;
  /** Called once for every loss, and once at the start when there is no host. */
  onLost(): void;
}

/** The connection to the host: made again whenever it breaks, without anybody waiting for it. */
export class Link {
  private readonly options: LinkOptions;
  private client: ChannelClient | undefined;
  private seq = 0;
  private buffer: Report[] = [];
  private sending = false;
  /** How often in a row the connection was lost over the first of the buffer. */
  private losses = 0;

  constructor(options: LinkOptions) {
    this.options = options;
    void this.keepConnected();
  }

  /** Reports an event, now or when a host is there again. The host drops what it has heard already. */
  report(name: string, payload: Record<string, unknown>, session?: string): void {
    const { server } = this.options;
    this.buffer.push({ server, seq: this.seq++, name, payload, ...(session === undefined ? {} : { session }) });
    if (this.buffer.length > bufferLength) this.buffer.shift();
    void this.send();
  }

  /** Asks the host. Rejects when there is none, or when it takes longer than `timeoutMs`. */
  async request<M extends MethodName>(method: M, params: Params<M>, timeoutMs: number): Promise<Results[M]> {
    if (!this.client) throw new Error('no host');
    const { client } = this;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new LateError(`${method} took longer than ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      return await Promise.race([client.request(method, params), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  private async keepConnected(): Promise<void> {
    let pause = firstPauseMs;
    for (let first = true; ; first = false) {
      try {
        const { socket, hostFile, token } = this.options;
        const hello = { protocol, token, client: 'gastown.js' } as const;
        const client = await atHost(socket, hostFile, (at) => ChannelClient.connect(at, hello));
        pause = firstPauseMs;
        this.client = client;
        this.options.onConnected();
        void this.send();
        await client.closed;
        this.client = undefined;
        this.options.onLost();
      } catch {
        // No host, or one that does not know us yet: both end by themselves.
        if (first) this.options.onLost();
      }
      await socketMayBeBack(this.options.socket, pause);
      pause = Math.min(pause * 2, longestPauseMs);
    }
  }

  /** One report at a time and in order; what is not confirmed stays for the next connection. */
  private async send(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      for (let next = this.buffer[0]; next && this.client; next = this.buffer[0]) {
        await this.request('inside.event', next, confirmMs);
        this.losses = 0;
        if (this.buffer[0] === next) this.buffer.shift();
      }
    } catch (error) {
      if (isLoss(error)) this.noteLoss();
      // A host that does not answer any more may be gone without the connection having noticed: a new one will tell.
      if (error instanceof LateError) this.client?.close();
      // A report that the host refuses would stop all the later ones; a connection that broke takes none away.
      if (this.client && isRefusal(error)) this.buffer.shift();
    } finally {
      this.sending = false;
    }
    if (this.client && this.buffer.length > 0) setTimeout(() => void this.send(), firstPauseMs);
  }

  /**
   * A host that goes takes the connection away once. One that disconnects us over a report would do so for ever, and hear of
   * nothing that follows it: that report is replaced by the word that there was one.
   */
  private noteLoss(): void {
    this.losses += 1;
    const [first] = this.buffer;
    if (this.losses < mostLosses || !first) return;
    this.losses = 0;
    if (first.name === lostName) this.buffer.shift();
    else
      this.buffer[0] = {
        ...first,
        name: lostName,
        payload: { type: first.name, message: 'the host did not take this report' },
      };
  }
}

const isLoss = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'no-host';

function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code !== 'no-host';
}
