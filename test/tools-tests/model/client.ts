/** One server-sent event, its data parsed unless it is `[DONE]`. */
export interface Event {
  readonly event?: string;
  readonly data: unknown;
}

/** Posts JSON. */
export async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
  return fetch(url, init);
}

/** The events of a streamed answer. Rejects where the stream is cut. */
export async function events(response: Response): Promise<Event[]> {
  const text = await response.text();
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const lines = new Map(
        block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      const data = lines.get('data') ?? '';
      const event = lines.get('event');
      return { ...(event !== undefined && { event }), data: data === '[DONE]' ? data : (JSON.parse(data) as unknown) };
    });
}

/** A value inside parsed JSON, by keys and indices; undefined where the way ends. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined),
    value,
  );
}
