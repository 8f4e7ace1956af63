/** The promise that somebody will come back: without a host for that long, the server ends itself. */
export class Lease {
  private readonly ms: number;
  private readonly onOver: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number, onOver: () => void) {
    this.ms = ms;
    this.onOver = onOver;
  }

  /** A host is there. */
  renew(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** The host has gone; time runs until `renew`. */
  run(): void {
    this.timer ??= setTimeout(this.onOver, this.ms);
  }
}

/** Ends this process with all that it started. Polite first: disposing ends the shells of sessions, which have groups of their own. */
export async function endServer(serverUrl: URL, password: string | undefined): Promise<void> {
  try {
    await fetch(new URL('/global/dispose', serverUrl), {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`opencode:${password ?? ''}`)}` },
      signal: AbortSignal.timeout(2_000),
    });
  } catch {
    // It hangs, or it is half gone: the signals below do not ask.
  }
  try {
    // The host starts a server as the leader of its own process group.
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    // No groups on Windows, or we lead none.
  }
  process.exit(0);
}
