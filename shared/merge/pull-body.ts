/** What a pull request says of its unit. Pure. */
import { cutText } from '../platform/cut-text.ts';
import { withoutSecrets } from '../platform/git/without-secrets.ts';
import { sanitize, sanitizeLine } from '../platform/sanitize.ts';
import type { StoredWork } from '../store/work.ts';

type Unit = Pick<StoredWork, 'id' | 'title' | 'description' | 'note'>;

/** GitHub takes 256 and 65,536 characters; some are for what its users write besides. */
const most = { title: 200, part: 20_000 };

/** Between these is what is ours; what somebody has written around it stays. */
const marks = { begin: '<!-- gastown:begin -->', end: '<!-- gastown:end -->' };

export const pullTitle = ({ id, title }: Unit): string =>
  cutText(sanitizeLine(withoutSecrets(title)), most.title) || id;

/** The unit's description and the agent's report. Agents write what they like: it calls nobody by name. */
export function pullBody({ id, title, description, note = '' }: Unit): string {
  const parts = [
    ...(description.trim() === '' || description === title ? [] : [ofOthers(description)]),
    ...(note.trim() === '' ? [] : [`### Report of the agent\n\n${ofOthers(note)}`]),
    `<sub>Gas Town, unit \`${id.replaceAll('`', '')}\`</sub>`,
  ];
  return [marks.begin, ...parts, marks.end].join('\n\n');
}

/** Theirs with what is ours in it as it is now; undefined where there is nothing to change, or they have taken ours out. */
export function updatedBody(theirs: string, ours: string): string | undefined {
  const from = theirs.indexOf(marks.begin);
  const to = theirs.indexOf(marks.end, from);
  if (from === -1 || to === -1) return undefined;
  const end = to + marks.end.length;
  // Who edits it in a browser gets other line ends.
  if (theirs.slice(from, end).replaceAll('\r\n', '\n') === ours) return undefined;
  return `${theirs.slice(0, from)}${ours}${theirs.slice(end)}`;
}

const ofOthers = (text: string): string =>
  cutText(withoutMentions(withoutSecrets(sanitize(text).replaceAll('<!-- gastown:', '<!-- '))).trim(), most.part);

/** Code calls nobody, and is to be copied as it is. */
const code = /(```[\s\S]*?(?:```|$)|`[^`\n]+`)/;

/** `@name` would be told of it, and its name may be that of a package. */
function withoutMentions(text: string): string {
  return text
    .split(code)
    .map((part, at) => (at % 2 === 1 ? part : part.replace(/(^|[^\w/*])@(?=\w)/g, '$1@\u200b')))
    .join('');
}
