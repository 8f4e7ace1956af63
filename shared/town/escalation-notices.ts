import type { StoredEscalation } from '../store/escalations.ts';
import { sessionIdOf } from '../roles/names.ts';
import { hasEnded } from '../sessions/session-info.ts';
import { EscalationCommand } from '../work/escalation-command.ts';
import type { TownParts } from './parts.ts';

/** Every new escalation goes to the person's own command, where the settings name one, and as mail to a mayor who is there. */
export function noticeEscalations(town: TownParts, environment: Readonly<Record<string, string | undefined>>): EscalationCommand {
  const command = new EscalationCommand({
    command: () => town.settings.value.escalation?.command,
    cwd: town.paths.root,
    environment,
    log: town.log,
    onChange: town.changed,
  });
  town.escalations.onDidChange((escalation) => {
    if (escalation.closedAt !== undefined) return;
    town.log.warn(`[orchestration] escalation ${escalation.id} (${escalation.severity}) by ${escalation.by}: ${escalation.message}`);
    tellMayor(town, escalation);
    void command.run(escalation);
  });
  return command;
}

function tellMayor(town: TownParts, { id, severity, message, by, workId, sessionId }: StoredEscalation): void {
  const mayor = town.registry.find(sessionIdOf('mayor', '', ''));
  if (!mayor || hasEnded(mayor) || by === mayor.id || sessionId === mayor.id) return;
  const about = [workId && `Work: ${workId}`, sessionId && `Session: ${sessionId}`].filter(Boolean);
  const body = [message, '', ...about, `When it is dealt with: gt escalate close ${id} -m "<what was done>"`].join('\n');
  town.outbox.accept({ from: by, to: mayor.id, kind: 'mail', subject: `Escalation (${severity}): ${id}`, body });
}
