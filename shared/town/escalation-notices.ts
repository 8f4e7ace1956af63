import type { StoredEscalation } from '../store/escalations.ts';
import { messageOf } from '../errors.ts';
import { Queue } from '../process/queue.ts';
import { sessionIdOf } from '../roles/names.ts';
import { hasEnded } from '../sessions/session-info.ts';
import { EscalationCommand } from '../work/escalation-command.ts';
import type { TownParts } from './parts.ts';

/**
 * Every new escalation goes to the person's own command, where the settings name one, and as mail to a mayor who is there.
 * What a crash of the host came between is done by the next one: the mail once, the command perhaps a second time.
 */
export class EscalationNotices {
  private readonly town: TownParts;
  private readonly command: EscalationCommand;
  /** Many may be raised at once; the user's machine is not for their commands alone. */
  private readonly queue = new Queue(2);

  constructor(town: TownParts, environment: Readonly<Record<string, string | undefined>>) {
    this.town = town;
    this.command = new EscalationCommand({
      command: () => town.settings.value.escalation?.command,
      cwd: town.paths.root,
      environment,
      log: town.log,
      onChange: town.changed,
    });
    town.escalations.onDidChange((escalation) => {
      if (escalation.closedAt !== undefined) return;
      town.log.warn(
        `[orchestration] escalation ${escalation.id} (${escalation.severity}) by ${escalation.by}: ${escalation.message}`,
      );
      this.tell(escalation);
    });
  }

  /** What is wrong with the command, for people. */
  get problem(): string | undefined {
    return this.command.problem;
  }

  /** Tells of what an earlier host did not come to tell. */
  catchUp(): void {
    for (const escalation of this.town.store.escalations.untold()) this.tell(escalation);
  }

  private tell(escalation: StoredEscalation): void {
    const { store } = this.town;
    if (escalation.mailedAt === undefined) {
      store.backlog.keep(() => {
        this.tellMayor(escalation);
        store.escalations.setMailed(escalation.id, this.town.manager.now());
      });
    }
    if (escalation.commandEndedAt === undefined) {
      this.queue
        .run(() => this.runCommand(escalation))
        .catch((error: unknown) => {
          this.town.log.error(`escalation.command for ${escalation.id}: ${messageOf(error)}`);
        });
    }
  }

  private async runCommand(escalation: StoredEscalation): Promise<void> {
    const { store, manager } = this.town;
    // A host that has let go leaves what waits, and what it cannot say was run, to the next one.
    if (!store.isOpen) return;
    // Nobody needs to be told any more of what was closed while it waited.
    if (store.escalations.get(escalation.id)?.closedAt === undefined) await this.command.run(escalation);
    const at = manager.now();
    if (store.isOpen) store.backlog.keep(() => store.escalations.setCommandEnded(escalation.id, at));
  }

  private tellMayor({ id, severity, message, by, workId, sessionId }: StoredEscalation): void {
    const { registry, outbox } = this.town;
    const mayor = registry.find(sessionIdOf('mayor', '', ''));
    if (!mayor || hasEnded(mayor) || by === mayor.id || sessionId === mayor.id) return;
    const about = [workId && `Work: ${workId}`, sessionId && `Session: ${sessionId}`].filter(Boolean);
    const body = [message, '', ...about, `When it is dealt with: gt escalate close ${id} -m "<what was done>"`].join(
      '\n',
    );
    outbox.accept({ from: by, to: mayor.id, kind: 'mail', subject: `Escalation (${severity}): ${id}`, body });
  }
}
