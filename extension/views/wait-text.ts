import type { AttentionView } from '../../shared/attention/waits.ts';
import type { Translate } from '../translate.ts';

/** All that there is to know about a wait, to be read in an editor. Pure. */
export function waitText({ kind, title, detail, questions, resolvable }: AttentionView, t: Translate): string {
  // A plan is a document of its own.
  if (kind === 'plan') return `${detail}\n`;
  const several = questions?.some(({ multiple }) => multiple)
    ? [t('Several answers may be chosen where the question says so.')]
    : [];
  const where = resolvable ? [] : [t('It can only be answered in its terminal.')];
  return (
    [title, detail === title ? '' : detail, ...several, ...where].filter((part) => part !== '').join('\n\n') + '\n'
  );
}
