/** A session's timeline as a text for people. Pure. */
import type { LogEntry } from '../../shared/channel/views.ts';
import type { Translate } from '../translate.ts';

/** One line an entry, to be read in an editor: the newest first, since it is what somebody looks for. */
export function timelineText(name: string, entries: readonly LogEntry[], t: Translate): string {
  const lines = entries.map(({ at, text }) => `${timeOf(at)}  ${text}`).reverse();
  return [
    t('Timeline of {0}, newest first', name),
    '',
    ...(lines.length === 0 ? [t('Nothing has happened yet.')] : lines),
    '',
  ].join('\n');
}

/** The whole, with what was asked, to be kept: the oldest first. */
export function timelineMarkdown(name: string, entries: readonly LogEntry[], t: Translate): string {
  const blocks = entries.map(({ at, text, detail }) => {
    const line = `- ${timeOf(at)} — ${escaped(text)}`;
    return detail === undefined ? line : `${line}\n\n${indented(fenced(detail))}\n`;
  });
  return [`# ${escaped(t('Timeline of {0}', name))}`, '', ...blocks, ''].join('\n');
}

/** Without milliseconds; the zone is told by the Z. */
const timeOf = (at: number): string =>
  new Date(at)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');

const escaped = (text: string): string => text.replace(/[\\`*_{}[\]<>#|]/g, '\\$&');

/** A fence longer than any run of backticks inside. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}

const indented = (text: string): string =>
  text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
