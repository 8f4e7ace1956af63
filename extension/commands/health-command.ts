import * as vscode from 'vscode';
import type { DoctorCheck, Results } from '../../shared/channel/protocol.ts';
import { connectionOf, withProgress } from './command.ts';
import type { Command } from './command.ts';

const t = vscode.l10n.t;

/** Asks every backend and every part of the town how it is, and shows a report with what to do. */
export const checkHealth: Command = async (_given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const [{ backends }, { checks }] = await withProgress(t('Checking the health of {0}', snapshot.name), (signal) =>
    Promise.all([api.request('town.health', {}, signal), api.request('town.doctor', {}, signal)]),
  );
  // The doctor looks at the backends, too: each is told once.
  const others = checks.filter((check) => !backends.some(({ name }) => check.name === `backend ${name}`));
  await deps.documents.show({ title: t('Health of {0}', snapshot.name) }, report(snapshot.name, backends, others));
  await deps.checkAgents();
};

const marks: Record<DoctorCheck['state'], string> = { ok: '✓', warning: '!', error: '✗' };

function report(town: string, backends: Results['town.health']['backends'], checks: readonly DoctorCheck[]): string {
  const bad = backends.filter((each) => !each.ok).length + checks.filter((each) => each.state === 'error').length;
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
    ...checks.flatMap(({ name, state, detail, advice }) => [
      `${marks[state]} ${name}: ${detail}`,
      ...(advice === undefined ? [] : [`    → ${advice}`]),
    ]),
    '',
  ].join('\n');
}
