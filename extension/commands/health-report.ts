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
  return [
    t('Health of {0}', town),
    '',
    summaryOf([...backends.map(({ ok }) => (ok ? 'ok' : 'error')), ...others.map(({ state }) => state)], t),
    '',
    ...backends.map(({ name, ok, detail }) => `${ok ? marks.ok : marks.error} ${name}: ${detail}`),
    ...others.flatMap(({ name, state, detail, advice, adviceInEditor = advice }) => [
      `${marks[state]} ${name}: ${detail}`,
      ...(adviceInEditor === undefined ? [] : [`    → ${adviceInEditor}`]),
    ]),
    '',
  ].join('\n');
}

/** A warning is no error, but no proof that everything works either. */
function summaryOf(states: readonly DoctorCheck['state'][], t: Translate): string {
  const count = (state: DoctorCheck['state']): number => states.filter((each) => each === state).length;
  const [errors, warnings] = [count('error'), count('warning')];
  if (errors === 0 && warnings === 0) return t('Everything works.');
  const ofErrors = errors === 0 ? t('No errors') : errors === 1 ? t('1 error') : t('{0} errors', errors);
  const ofWarnings = warnings === 0 ? t('no warnings') : warnings === 1 ? t('1 warning') : t('{0} warnings', warnings);
  return t('{0}, {1}.', ofErrors, ofWarnings);
}
