/** Where the user's hands are, as far as it can be told. All times are in epoch milliseconds. */
import type { InputSpan } from '../../shared/platform/terminal-input.ts';

export interface Signs {
  now: number;
  /** It is the active terminal of a window that is in front and in use: only there keys can arrive. */
  canType: boolean;
  /** When something else was used: a text editor, a view or a command of ours. */
  elsewhereAt: number;
  /** When another text editor came up: by the user, or by a program. */
  editorAt: number;
  /** When the last keys came; undefined: none yet; `unknown` where the system does not tell. */
  input: InputSpan | undefined | 'unknown';
  /** When we last wrote into it ourselves. */
  writtenAt: number;
  /** When it became the active terminal, or was brought up with the keyboard. */
  activatedAt: number;
}

/** So long without a key, the hands are believed to be off. */
const pause = 3_000;
/** So long after its last use, something else is not believed to have the keyboard any more, where keys are not told. */
const otherUse = 5_000;
/** What we write is read by the program within this time. */
const readWithin = 2_000;
/** So long after the user has turned to something, they are believed to look at it. */
export const glance = 10_000;

/** Pure. Until when the user is believed to be typing there; undefined: they are not; Infinity: until something happens. */
export function typingUntil({ now, canType, elsewhereAt, input, writtenAt, activatedAt }: Signs): number | undefined {
  if (!canType) return undefined;
  // Nothing is told when the keyboard goes from an editor back to the terminal.
  if (input === 'unknown') return now - elsewhereAt > otherUse ? Number.POSITIVE_INFINITY : undefined;
  if (!input) return undefined;
  // What is noted is not theirs, or was before; keys behind it in the same span are not noted.
  const isOld = input.from <= elsewhereAt || input.from <= writtenAt + readWithin;
  if (isOld && activatedAt <= Math.max(elsewhereAt, writtenAt)) return undefined;
  const until = input.until + pause;
  return until > now ? until : undefined;
}

/**
 * Pure. Whether an editor that comes up now proves that the user has left: not while they type here. Programs open editors,
 * too, and of keys that go on the system may not tell for a while. Who has left shows it: by the cursor there, or by keys
 * that stay out.
 */
export function leavesByEditor(signs: Signs): boolean {
  return signs.input === 'unknown' || typingUntil(signs) === undefined;
}

/** Pure. Whether the user has the terminal before their eyes: a panel that is closed keeps its active terminal. */
export function isInView(signs: Signs): boolean {
  const { now, canType, activatedAt, elsewhereAt, editorAt, input } = signs;
  if (!canType) return false;
  // Whose editor it was is not known: then rather tell of a session that is looked at than keep silent about another.
  const isTyping =
    input !== undefined && input !== 'unknown' && input.from > editorAt && typingUntil(signs) !== undefined;
  return isTyping || (activatedAt > Math.max(elsewhereAt, editorAt) && now - activatedAt < glance);
}
