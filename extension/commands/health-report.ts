/** What *Check Health* shows: what `gt doctor` says, with what to do in the editor. Pure. */
import type { DoctorCheck, Results } from '../../shared/channel/protocol.ts';
import type { Translate } from '../translate.ts';

const marks: Record<DoctorCheck['state'], string> = { ok: '✓', warning: '!', error: '✗' };

export function healthReport(
  town: string,
  { backends }: Results['town.health'],
  { checks }: Results['town.doctor'],
  t: Translate,
): string {
  // The doctor checks the backends, too: the report names each once.
  const others = checks.filter((check) => !backends.some(({ name }) => check.name === `backend ${name}`));
  const bad = backends.filter((each) => !each.ok).length + others.filter((each) => each.state === 'error').length;
  const summary =
    bad === 0
      ? t('Everything works.')
      : bad === 1
        ? t('1 thing needs attention.')
        : t('{0} things need attention.', bad);
  return [
    t('Health of {0}', town),
    '',
    summary,
    '',
    ...backends.map(({ name, ok, detail }) => `${ok ? marks.ok : marks.error} ${name}: ${detail}`),
    ...others.flatMap(({ name, state, detail, advice, adviceInEditor = advice }) => [
      `${marks[state]} ${name}: ${detail}`,
      ...(adviceInEditor === undefined ? [] : [`    → ${adviceInEditor}`]),
    ]),
    '',
  ].join('\n');
}
