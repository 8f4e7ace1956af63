import type { IncomingHttpHeaders } from 'node:http';
import type { Dialect, Item, Kind, ModelRequest } from './request.ts';

/** How a request ended: `aborted` means that the agent program closed the connection before the answer was complete. */
type Outcome = 'pending' | 'answered' | 'failed' | 'cut' | 'aborted';

/** One request as a test sees it. `time`: when it began to arrive, in milliseconds since 1970; credentials in `headers` are redacted. */
export interface RecordedRequest {
  readonly index: number;
  readonly time: number;
  readonly path: string;
  readonly dialect?: Dialect;
  readonly kind: Kind;
  readonly conversation: string;
  readonly model: string;
  /** The last user text, and its ordinal among the conversation's user texts (0: this is no turn). */
  readonly text: string;
  readonly turn: number;
  readonly system: string;
  readonly userTexts: readonly string[];
  /** All tool results in the history. */
  readonly results: readonly string[];
  readonly tools: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Who decided (`directive` or a rule's name) and what was served, in words: `text`, `bash`, `status 429`, `cut`, …
   */
  rule?: string;
  step: string;
  outcome: Outcome;
}

/** A message in which the model saw a text: the conversation, the message's place in its history, and what it was. */
export interface Sighting {
  readonly conversation: string;
  readonly messageIndex: number;
  readonly role: 'user' | 'note' | 'system';
}

type Waiter = {
  readonly predicate: (entry: RecordedRequest) => boolean;
  readonly resolve: (entry: RecordedRequest) => void;
};

/** A request of whatever kind; `at`: when it began to arrive, before its body was read, in milliseconds since 1970. */
export interface Arrival {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly at: number;
}

const secret = new Set(['authorization', 'proxy-authorization', 'x-api-key', 'cookie']);

/** What the model was asked, and which texts it saw. */
export class Recorder {
  readonly requests: RecordedRequest[] = [];
  readonly #sightings = new Map<string, Sighting & { readonly text: string }>();
  readonly #systems = new Map<string, string>();
  readonly #waiters = new Set<Waiter>();

  /** Notes a request as it arrives; `request` is undefined for those that are not for a model (`HEAD /`). */
  add({ path, headers, at }: Arrival, request?: ModelRequest): RecordedRequest {
    const texts = (kind: Item['kind']): string[] =>
      request?.items.flatMap((item) => (item.kind === kind ? [item.text] : [])) ?? [];
    const userTexts = texts('user');
    const entry: RecordedRequest = {
      index: this.requests.length,
      time: at,
      path,
      ...(request !== undefined && { dialect: request.dialect }),
      kind: request?.kind ?? 'other',
      conversation: request?.conversation ?? '',
      model: request?.model ?? '',
      text: userTexts.at(-1) ?? '',
      turn: request?.kind === 'turn' ? userTexts.length : 0,
      system: this.#shared(request?.system.join('\n') ?? ''),
      userTexts,
      results: texts('result'),
      tools: request?.tools ?? [],
      headers: redacted(headers),
      step: '',
      outcome: 'pending',
    };
    this.requests.push(entry);
    if (request?.kind === 'turn') this.#look(request);
    return entry;
  }

  /** Tells the waiting tests that an entry is complete, or has a new outcome. */
  changed(entry: RecordedRequest): void {
    for (const waiter of [...this.#waiters]) {
      if (!waiter.predicate(entry)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(entry);
    }
  }

  /**
   * The messages in which the model saw `text` in its turns. A message counts once however often its history is sent
   * again; the same message sent twice counts twice. Titles and compactions do not count.
   */
  seen(text: string): Sighting[] {
    const found = new Map<string, Sighting>();
    for (const { text: whole, ...sighting } of this.#sightings.values()) {
      if (!whole.includes(text)) continue;
      // A system prompt that changed (a date in it, say) is still the same one message.
      const key =
        sighting.role === 'system' ? `${sighting.conversation}\n${sighting.messageIndex}` : String(found.size);
      if (!found.has(key)) found.set(key, sighting);
    }
    return [...found.values()];
  }

  /** Every message that the model has seen in its turns, each once, in the order in which it first came. */
  messages(): (Sighting & { readonly text: string })[] {
    return [...this.#sightings.values()];
  }

  /** The first request, past or coming, that fits. Rejects after `timeout` milliseconds. */
  async waitFor(predicate: (entry: RecordedRequest) => boolean, timeout: number): Promise<RecordedRequest> {
    const past = this.requests.find(predicate);
    if (past !== undefined) return past;
    return new Promise((resolve, reject) => {
      const waiter = {
        predicate,
        resolve: (entry: RecordedRequest): void => {
          clearTimeout(timer);
          resolve(entry);
        },
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        const asked = this.requests.map(
          ({ kind, conversation, text }) => `${kind} ${conversation}: ${text.slice(0, 60)}`,
        );
        reject(new Error(`No such model request within ${timeout} ms. Asked so far:\n${asked.join('\n')}`));
      }, timeout);
      this.#waiters.add(waiter);
    });
  }

  /** Forgets all requests and sightings. */
  clear(): void {
    this.requests.length = 0;
    this.#sightings.clear();
    this.#systems.clear();
  }

  #look(request: ModelRequest): void {
    const { conversation } = request;
    const times = new Map<string, number>();
    for (const item of request.items) {
      if (item.kind !== 'user' && item.kind !== 'note') continue;
      const same = `${item.kind}\n${item.text}`;
      const occurrence = (times.get(same) ?? 0) + 1;
      times.set(same, occurrence);
      this.#note(
        `${conversation}\n${occurrence}\n${same}`,
        { conversation, messageIndex: item.index, role: item.kind },
        item.text,
      );
    }
    request.system.forEach((text, messageIndex) => {
      this.#note(
        `${conversation}\n${messageIndex}\nsystem\n${text}`,
        { conversation, messageIndex, role: 'system' },
        text,
      );
    });
  }

  #note(key: string, sighting: Sighting, text: string): void {
    if (!this.#sightings.has(key)) this.#sightings.set(key, { ...sighting, text });
  }

  /** System prompts are long and repeated with every request: equal ones are kept once. */
  #shared(text: string): string {
    const known = this.#systems.get(text);
    if (known === undefined) this.#systems.set(text, text);
    return known ?? text;
  }
}

function redacted(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, secret.has(name) ? 'redacted' : String(value)]),
  );
}
