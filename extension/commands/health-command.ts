import * as vscode from 'vscode';
import { connectionOf, withProgress } from './command.ts';
import type { Command } from './command.ts';
import { healthReport } from './health-report.ts';

const t = vscode.l10n.t;

/** Asks every backend and every part of the town how it is, and shows a report with what to do. */
export const checkHealth: Command = async (_given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const [health, doctor] = await withProgress(t('Checking the health of {0}', snapshot.name), (signal) =>
    Promise.all([api.request('town.health', {}, signal), api.request('town.doctor', {}, signal)]),
  );
  const report = healthReport(snapshot.name, health, doctor, t);
  await deps.documents.show({ title: t('Health of {0}', snapshot.name) }, report);
  await deps.checkAgents();
};
