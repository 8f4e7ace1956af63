import type { ServerResponse } from 'node:http';
import type { Model } from './model.ts';
import { rulesFromJson } from './rules.ts';
import { parseFailure, ScriptError } from './steps.ts';
import { field } from './text.ts';
import { sendJson } from './wire.ts';

/**
 * The addresses by which another process programs and asks the model: `GET /stats`, `GET /requests`, `GET /seen?text=`,
 * `POST /rules`, `POST /fail`, `POST /release?name=`, `POST /reset`. Returns whether it was one of them; a rule or
 * failure that cannot be read is answered with 400 and the reason. These requests are not recorded.
 */
export function control(
  model: Model,
  method: string,
  pathname: string,
  query: URLSearchParams,
  body: unknown,
  response: ServerResponse,
): boolean {
  try {
    const result = answer(model, `${method} ${pathname}`, query, body);
    if (result === undefined) return false;
    sendJson(response, 200, result);
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    sendJson(response, 400, { error: { message: error.message } });
  }
  return true;
}

function answer(model: Model, what: string, query: URLSearchParams, body: unknown): unknown {
  switch (what) {
    case 'GET /stats':
      return stats(model);
    case 'GET /requests':
      return model.recorder.requests;
    case 'GET /seen':
      return model.recorder.seen(query.get('text') ?? '');
    case 'POST /rules':
      for (const rule of rulesFromJson(body)) model.rules.add(rule);
      return { rules: model.rules.names() };
    case 'POST /fail':
      model.fail(failureFromJson(body));
      return { ok: true };
    case 'POST /release':
      model.gates.release(query.get('name') ?? '');
      return { ok: true };
    case 'POST /reset':
      model.reset();
      return { ok: true };
    default:
      return undefined;
  }
}

function stats(model: Model): unknown {
  const { requests } = model.recorder;
  const count = (key: 'kind' | 'dialect' | 'outcome'): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { [key]: value } of requests) if (value !== undefined) counts[value] = (counts[value] ?? 0) + 1;
    return counts;
  };
  const conversations = new Set(requests.flatMap(({ conversation }) => (conversation === '' ? [] : [conversation])));
  return {
    requests: requests.length,
    kinds: count('kind'),
    dialects: count('dialect'),
    outcomes: count('outcome'),
    conversations: [...conversations],
    rules: model.rules.names(),
  };
}

function failureFromJson(body: unknown): Parameters<Model['fail']>[0] {
  const match = field(body, 'match');
  const rest = Object.fromEntries(Object.entries(Object(body) as object).filter(([key]) => key !== 'match'));
  const failure = parseFailure(rest, 'fail');
  if (match === undefined) return failure;
  try {
    return { ...failure, match: new RegExp(String(match)) };
  } catch (error) {
    throw new ScriptError(`fail.match: ${String(error)}`);
  }
}
