import type { SessionView, AttentionView } from '../../shared/channel/views.ts';
import type { Translate } from '../translate.ts';
import { fullSessionName } from './session-text.ts';
import type { DocumentName } from './text-documents.ts';

/**
 * What the document is called that shows it, and which one it is: a session may ask several things at once, and a worker of
 * the crew be called as one of the polecats. Pure.
 */
export function waitDocument(
  { runId, ask, kind }: AttentionView,
  session: SessionView,
  t: Translate,
): Required<DocumentName> {
  return {
    title: t('{0} asks', fullSessionName(session, t)),
    id: `${session.id}/${runId}/${ask ?? ''}`,
    extension: kind === 'plan' ? 'md' : 'txt',
  };
}

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
