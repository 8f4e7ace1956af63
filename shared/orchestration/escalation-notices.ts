import type { EscalationKind } from '../domain/escalation-key.ts';
import type { StoredEscalation } from '../store/escalations.ts';
import type { Disposable } from '../platform/emitter.ts';
import { messageOf } from '../platform/errors.ts';
import { Queue } from '../platform/queue.ts';
import { sessionIdOf } from '../domain/names.ts';
import { hasEnded } from '../domain/session-state.ts';
import { EscalationCommand } from '../work/escalation-command.ts';
import type { Town } from './town.ts';

/** What is escalated of a unit because of the state that it has come to. */
const ofUnits: readonly EscalationKind[] = ['stalled', 'failed', 'escalated', 'merge'];

/**
 * Every new escalation goes to the user's own command, where the settings name one, and as mail to a mayor who is there.
 * What a crash of the host came between is done by the next one: the mail once, the command perhaps a second time.
 */
export class EscalationNotices implements Disposable {
  private readonly town: Town;
  private readonly subscription: Disposable;
  private readonly command: EscalationCommand;
  /** Many may be raised at once; the user's machine is not for their commands alone. */
  private readonly queue = new Queue(2);

  /** `onChange`: what is wrong with the command has changed. */
  constructor(town: Town, environment: Readonly<Record<string, string | undefined>>, onChange: () => void) {
    this.town = town;
    this.command = new EscalationCommand({
      command: () => town.settings.value.escalation?.command,
      cwd: town.paths.root,
      environment,
      log: town.log,
      onChange,
    });
    this.subscription = town.escalations.onDidChange((escalation) => {
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

  dispose(): void {
    this.subscription.dispose();
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

  private tellMayor({ id, severity, message, by, workId, sessionId, key }: StoredEscalation): void {
    const { registry, outbox, work } = this.town;
    const mayor = registry.find(sessionIdOf('mayor', '', ''));
    if (!mayor || hasEnded(mayor) || by === mayor.id || sessionId === mayor.id) return;
    // Whoever slung a unit is told where it has come (`tell-slingers.ts`).
    if (ofUnits.includes(key.kind) && workId !== undefined && work.find(workId)?.slungBy === mayor.id) return;
    const about = [workId && `Work: ${workId}`, sessionId && `Session: ${sessionId}`].filter(Boolean);
    const body = [message, '', ...about, `When it is dealt with: gt escalate close ${id} -m "<what was done>"`].join(
      '\n',
    );
    outbox.accept({ from: by, to: mayor.id, kind: 'mail', subject: `Escalation (${severity}): ${id}`, body });
  }
}
