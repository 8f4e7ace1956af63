/** The texts of documents of work: a new one, and what is quoted from an editor. Pure. */
import type { Translate } from '../translate.ts';

/** A new unit: front matter to be filled in, and what is known of it. */
export function newWorkTemplate({ rig = '', text = '' }: { rig?: string; text?: string }, t: Translate): string {
  return [
    '---',
    `# ${t('Save to add this unit. A block like this one further below begins another unit.')}`,
    'title: ',
    `rig: ${rig}`,
    'priority: 2',
    'after: ',
    'batch: ',
    '---',
    '',
    text,
    '',
  ].join('\n');
}

export interface Quotation {
  /** As whoever works on it finds it. */
  path: string;
  /** The language of the editor, for the fence. */
  language: string;
  /** Lines from 1, both included; absent for the whole file, which is only named. */
  from?: number;
  to?: number;
  text?: string;
}

/** A place in a file, with what stands there. */
export function quotation({ path, language, from, to, text }: Quotation): string {
  if (from === undefined || text === undefined) return `\`${path}\``;
  const where = to === undefined || to === from ? `${path}:${from}` : `${path}:${from}-${to}`;
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([marks]) => marks.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return [`\`${where}\`:`, '', `${fence}${language}`, text.replace(/\r?\n$/, ''), fence].join('\n');
}
