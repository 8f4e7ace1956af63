/**
 * A unit of work as a Markdown document: what is to be done, below front matter that says the rest. A document may have
 * several units: each begins with a line `---` that is followed by a line `key: value`. The front matter is a small part of
 * YAML: one `key: value` a line, where a value is a plain or quoted text, a list in brackets, or, for `payload`, JSON.
 */
import { workTypes } from '../domain/orchestrator.ts';
import type { WorkType } from '../domain/orchestrator.ts';
import { didYouMean } from '../platform/did-you-mean.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import { isObject } from '../platform/objects.ts';

/** What a document says of a unit. What is absent is not said; an empty `rig`, `batch` or `after` is said to be none. */
export interface WorkDocument {
  /** Where in its document it begins, from 1. */
  line: number;
  id?: string;
  title?: string;
  type?: WorkType;
  priority?: number;
  rig?: string;
  after?: string[];
  batch?: string;
  payload?: Record<string, unknown>;
  /** Markdown; may be empty. */
  description: string;
}

const keys = ['id', 'title', 'type', 'priority', 'rig', 'after', 'batch', 'payload'] as const;
type Key = (typeof keys)[number];

interface Line {
  number: number;
  text: string;
}

/** Pure. The units of a document. Throws `bad-input` with `<name>:<line>`. */
export function parseWorkDocument(name: string, text: string): WorkDocument[] {
  const lines = text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map((line, index): Line => ({ number: index + 1, text: line }));
  return unitsIn(lines).map((unit) => parseUnit(name, unit));
}

/** Pure. A unit as a document; what it does not have is left out. */
export function workDocument({ description, ...fields }: Omit<WorkDocument, 'line'>): string {
  const front = keys.flatMap((key) => {
    const value = fields[key];
    return value === undefined ? [] : [`${key}: ${written(value)}`.trimEnd()];
  });
  return ['---', ...front, '---', '', ...(description === '' ? [] : [description, ''])].join('\n');
}

function written(value: NonNullable<WorkDocument[Key]>): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  if (typeof value === 'object') return JSON.stringify(value);
  if (typeof value === 'number') return String(value);
  return /^["'|>[{#\s]|[\r\n]|\s$/.test(value) ? JSON.stringify(value) : value;
}

/** The lines of each unit. What is fenced as code begins none. */
function unitsIn(lines: readonly Line[]): Line[][] {
  const first = lines.findIndex(({ text }) => text.trim() !== '');
  if (first === -1) return [[]];
  const units: Line[][] = [];
  let fence = '';
  for (let at = first; at < lines.length; at += 1) {
    const line = lines[at]!;
    const begins =
      isRule(line) && fence === '' && (at === first || /^[A-Za-z_]\w*\s*:/.test(lines[at + 1]?.text ?? ''));
    // The end of its own front matter begins nothing, whatever comes behind it.
    if (units.length === 0 || (begins && !isOpen(units.at(-1)!))) units.push([]);
    units.at(-1)!.push(line);
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line.text)?.[1] ?? '';
    if (fence === '') fence = mark;
    else if (mark.startsWith(fence)) fence = '';
  }
  return units;
}

const isRule = ({ text }: Line): boolean => text.trimEnd() === '---';

/** Whether the front matter of a unit has begun and not ended. */
const isOpen = (unit: readonly Line[]): boolean =>
  unit[0] !== undefined && isRule(unit[0]) && unit.filter(isRule).length === 1;

function parseUnit(name: string, lines: readonly Line[]): WorkDocument {
  const begin = lines[0]?.number ?? 1;
  const fail = (line: number, what: string): never => {
    throw new GasTownError('bad-input', `${name}:${line}: ${what}`);
  };
  const hasFront = lines[0] !== undefined && isRule(lines[0]);
  const end = hasFront ? lines.findIndex((line, at) => at > 0 && isRule(line)) : -1;
  if (hasFront && end === -1) return fail(begin, 'the front matter that begins here has no end: a line "---" ends it.');
  const unit: WorkDocument = { line: begin, description: textOf(lines.slice(end + 1)) };
  for (const { number, text } of lines.slice(hasFront ? 1 : 0, Math.max(end, 0))) {
    if (text.trim() === '' || text.startsWith('#')) continue;
    const [, given = '', value = ''] = /^([A-Za-z_]\w*)\s*:(?:\s+(.*))?$/.exec(text.trimEnd()) ?? [];
    if (given === '') fail(number, `"${text.trim()}" is no "key: value". Longer text belongs below the front matter.`);
    const key = keys.find((known) => known === given);
    if (key === undefined)
      return fail(number, `there is no key "${given}".${didYouMean(given, keys)} The keys are ${keys.join(', ')}.`);
    if (unit[key] !== undefined) fail(number, `"${key}" is there already.`);
    const problem = put(unit, key, value.trim());
    if (problem !== undefined) fail(number, problem);
  }
  return withTitle(unit);
}

/** Takes a value into the unit; returns what is wrong with it. */
function put(unit: WorkDocument, key: Key, value: string): string | undefined {
  if (key === 'payload') return putPayload(unit, value);
  if (key === 'after') {
    const list = /^\[(.*)\]$/.exec(value)?.[1] ?? value;
    unit.after = list
      .split(',')
      .map((each) => scalar(each.trim()) ?? each.trim())
      .filter((each) => each !== '');
    return unit.after.some((each) => /[\s[\]]/.test(each))
      ? 'write the ids as a list: after: [task-1, task-2]'
      : undefined;
  }
  const text = scalar(value);
  if (text === undefined) return `${value} is no text: it begins with a quotation mark and does not end with one.`;
  if (/^[|>][-+]?$/.test(text)) return 'write the text on this line, or below the front matter.';
  if (key === 'rig' || key === 'batch') unit[key] = text;
  else if (text === '') return undefined;
  else if (key === 'priority') {
    if (!/^[0-4]$/.test(text)) return `the priority is a number from 0 (most urgent) to 4, not "${text}".`;
    unit.priority = Number(text);
  } else if (key === 'type') {
    const type = workTypes.find((known) => known === text);
    if (type === undefined) return `there is no type "${text}". The types are ${workTypes.join(', ')}.`;
    unit.type = type;
  } else unit[key] = text;
  return undefined;
}

function putPayload(unit: WorkDocument, value: string): string | undefined {
  if (value === '') return undefined;
  try {
    const payload: unknown = JSON.parse(value);
    if (!isObject(payload)) return 'the payload is a JSON object: payload: {"key": "value"}';
    unit.payload = payload;
    return undefined;
  } catch (error) {
    return `the payload is no JSON on one line: ${messageOf(error)}`;
  }
}

/** A plain or quoted text; undefined where its quotation is not closed. */
function scalar(value: string): string | undefined {
  if (value.startsWith('"')) {
    try {
      return JSON.parse(value) as string;
    } catch {
      return undefined;
    }
  }
  if (!value.startsWith("'")) return value;
  return /^'(?:[^']|'')*'$/.test(value) ? value.slice(1, -1).replaceAll("''", "'") : undefined;
}

/** A heading at the beginning is the title, where nothing else is. */
function withTitle(unit: WorkDocument): WorkDocument {
  const heading = unit.title === undefined ? /^#\s+(.+)/.exec(unit.description) : null;
  if (heading === null) return unit;
  return { ...unit, title: heading[1]!.trim(), description: unit.description.slice(heading[0].length).trim() };
}

const textOf = (lines: readonly Line[]): string =>
  lines
    .map(({ text }) => text)
    .join('\n')
    .trim();
