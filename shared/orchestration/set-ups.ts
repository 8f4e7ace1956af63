/** What a rig's settings say about how its worktrees begin and end: files that are copied, commands that run, a port of their own. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { consentItem } from '../config/consent.ts';
import { worktreeCommands } from '../config/worktree-settings.ts';
import type { WorktreeCommand, WorktreeSettings } from '../config/worktree-settings.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import { addNote, readNote } from '../platform/git/admin-folder.ts';
import { copyIgnored, includedPatterns } from '../platform/git/copy-ignored.ts';
import { readable } from '../platform/git/file-names.ts';
import { gitPath } from '../platform/git/git-path.ts';
import { missingLfsContent } from '../platform/git/lfs.ts';
import { rememberSetUp } from '../platform/git/set-up-files.ts';
import { surveyFiles } from '../platform/git/survey-files.ts';
import type { SurveyOptions } from '../platform/git/survey-worktree.ts';
import type { Logger } from '../platform/logger.ts';
import { killAll, startedWith } from '../platform/process-table.ts';
import { runCommand } from '../platform/run-command.ts';
import type { CommandResult } from '../platform/run-command.ts';
import type { Store } from '../store/store.ts';
import type { RigConsents } from './rig-consents.ts';
import type { Rigs } from './rigs.ts';
import type { Stages } from './stages.ts';

/** A worktree that begins or ends. */
export interface WorktreeOrder {
  session: string;
  rig: string;
  /** Top of the main checkout. */
  repository: string;
  path: string;
  /** Nothing is copied and no command runs, by the wish of whoever slings. */
  bare?: boolean;
}

export class SetUps {
  private readonly options: {
    store: Store;
    rigs: Pick<Rigs, 'get' | 'names'>;
    consents: Pick<RigConsents, 'requireCommands' | 'hasAgreed'>;
    paths: { runtime: string; worktrees: string };
    townWorktrees: () => WorktreeSettings | undefined;
    stages: Pick<Stages, 'enter'>;
    now: () => number;
    log: Logger;
  };

  constructor(options: SetUps['options']) {
    this.options = options;
  }

  /** Rejects with `consent-needed` where a command of the rig would run and the user has not agreed to it. */
  async requireConsent(rig: string): Promise<void> {
    const ofRig = this.commandsOf(rig).filter(({ isTowns }) => !isTowns);
    await this.options.consents.requireCommands(rig, ofRig.map(itemOf));
  }

  /**
   * Makes a worktree ready that nobody has worked in yet. Resolves with what went wrong that does not keep anybody from working in
   * it; rejects where the set-up failed, did not end in time, or was cancelled. By then nothing of it runs.
   */
  async prepare(order: WorktreeOrder, survey: SurveyOptions, signal: AbortSignal | undefined): Promise<string[]> {
    const { session, rig, repository, path } = order;
    const warnings: string[] = [];
    const pointers = await missingLfsContent(path, signal);
    if (pointers !== undefined) warnings.push(pointers);
    const admin = await gitPath(path, ['--git-dir'], { signal });
    if (order.bare) {
      await addNote(admin, 'bare');
      return warnings;
    }
    await this.requireConsent(rig);
    const setup = this.commandsOf(rig).find(({ kind }) => kind === 'setup');
    const { stages, rigs, townWorktrees, paths } = this.options;
    const patterns = [
      ...(await includedPatterns(repository)),
      ...(townWorktrees()?.include ?? []),
      ...(rigs.get(rig).settings.worktrees?.include ?? []),
    ];
    if (patterns.length > 0) stages.enter(session, 'copies files that git ignores');
    const never = [paths.runtime, paths.worktrees];
    const copied = await copyIgnored({ from: repository, to: path, patterns, never, signal });
    warnings.push(...copied.left.map((left) => `not copied: ${left}`));
    if (setup) {
      stages.enter(session, `runs the set-up of ${rig}`);
      await this.setUp(order, setup, signal);
    }
    if (copied.files > 0 || setup) warnings.push(...(await this.remember(admin, path, survey)));
    return warnings;
  }

  /** Whether something is to be run before this worktree goes. */
  async hasTeardown({ rig, path }: Pick<WorktreeOrder, 'rig' | 'path'>): Promise<boolean> {
    const teardown = this.commandsOf(rig).find(({ kind }) => kind === 'teardown');
    if (!teardown || !existsSync(path)) return false;
    try {
      // Nothing of it was set up.
      return (await readNote(await gitPath(path, ['--git-dir']), 'bare')) === undefined;
    } catch {
      // Git does not know it: it stays.
      return false;
    }
  }

  /** The command that runs before this worktree goes; undefined where none does, also because the user has not agreed to it. */
  async teardownOf(order: Pick<WorktreeOrder, 'rig' | 'path'>): Promise<string | undefined> {
    const teardown = this.commandsOf(order.rig).find(({ kind }) => kind === 'teardown');
    if (!teardown || !(teardown.isTowns || this.options.consents.hasAgreed(order.rig, itemOf(teardown))))
      return undefined;
    return (await this.hasTeardown(order)) ? teardown.command : undefined;
  }

  /** Never rejects: a worktree that goes is not held up. What went wrong is in the log and the timeline. */
  async tearDown(order: WorktreeOrder): Promise<void> {
    const { rig, session, path } = order;
    const teardown = this.commandsOf(rig).find(({ kind }) => kind === 'teardown');
    if (!teardown) return;
    if (!teardown.isTowns && !this.options.consents.hasAgreed(rig, itemOf(teardown))) {
      this.record(session, 'worktree.teardown-failed', {
        path,
        reason: 'the user has not agreed to it, so it did not run',
      });
      return;
    }
    try {
      const result = await this.run(order, teardown);
      if (result.state === 'passed') this.record(session, 'worktree.torn-down', { path });
      else this.record(session, 'worktree.teardown-failed', { path, reason: reasonText(result, teardown) });
    } catch (error) {
      this.record(session, 'worktree.teardown-failed', { path, reason: messageOf(error) });
    }
  }

  /** A host that has died leaves its commands running. */
  async endLeft(path: string): Promise<void> {
    await killAll(await startedWith('GT_WORKTREE', path));
  }

  private async setUp(order: WorktreeOrder, setup: WorktreeCommand, signal: AbortSignal | undefined): Promise<void> {
    const { rig, session, path } = order;
    const result = await this.run(order, setup, signal);
    if (result.state === 'passed') {
      this.record(session, 'worktree.set-up', { path, took: result.took });
      return;
    }
    // Half of it may be there: a database, a container.
    if (await this.hasTeardown(order)) await this.tearDown(order);
    if (result.state === 'cancelled') throw new GasTownError('cancelled', `The set-up of ${rig} was cancelled.`);
    throw new GasTownError(
      'isolation-failed',
      `the set-up of the rig ${rig} (${setup.subject}) ${reasonText(result, setup)}\nAll that it printed: ${this.logOf(order, setup)}\nMend it, or sling without it: gt sling --no-setup`,
    );
  }

  private run(order: WorktreeOrder, command: WorktreeCommand, signal?: AbortSignal): Promise<CommandResult> {
    const { rig, repository, path } = order;
    return runCommand({
      command: command.command,
      cwd: join(path, this.options.rigs.get(rig).subfolder),
      env: {
        GT_PORT: String(this.options.store.ports.take(path)),
        GT_RIG: rig,
        GT_WORKTREE: path,
        GT_CHECKOUT: repository,
      },
      boundMs: command.boundMs,
      log: this.logOf(order, command),
      signal,
    });
  }

  private logOf({ rig, path }: WorktreeOrder, { kind }: WorktreeCommand): string {
    return join(this.options.paths.runtime, 'logs', rig, `${basename(path)}.${kind}.log`);
  }

  /** What is there now and git ignores is nobody's work. Files of git's own that a set-up changes would look like somebody's. */
  private async remember(admin: string, path: string, survey: SurveyOptions): Promise<string[]> {
    const { ignored, uncommitted } = await surveyFiles(path, survey);
    const warnings = [];
    if (!(await rememberSetUp(admin, path, ignored)))
      warnings.push(
        `the set-up leaves ${ignored.length} files that git ignores, so the worktree will stay for them; name in worktrees.rebuildable what may go`,
      );
    if (uncommitted.length > 0)
      warnings.push(
        `the set-up leaves changes that are not committed: ${uncommitted.slice(0, 5).map(readable).join(', ')}${uncommitted.length > 5 ? ', …' : ''}`,
      );
    return warnings;
  }

  private commandsOf(rig: string): WorktreeCommand[] {
    const { rigs, townWorktrees } = this.options;
    return rigs.names().includes(rig) ? worktreeCommands(rigs.get(rig).settings, townWorktrees()) : [];
  }

  private record(session: string, type: string, detail: Record<string, unknown>): void {
    const { store, log, now } = this.options;
    const words = `[orchestration] ${session}: ${type} ${JSON.stringify(detail)}`;
    if (type === 'worktree.teardown-failed') log.warn(words);
    else log.info(words);
    const at = now();
    if (store.isOpen) store.backlog.keep(() => store.addEvent({ at, sessionId: session, type, detail }));
  }
}

const itemOf = ({ subject, command }: WorktreeCommand) => consentItem(subject, command);

function reasonText({ state, code, tail }: CommandResult, { boundMs }: WorktreeCommand): string {
  const what =
    state === 'timed-out'
      ? `did not end within ${boundMs / 1000} s, so it was ended`
      : `failed${code === undefined ? '' : ` with exit code ${code}`}`;
  return tail === '' ? `${what}; it printed nothing.` : `${what}. Its last lines:\n${tail}`;
}
