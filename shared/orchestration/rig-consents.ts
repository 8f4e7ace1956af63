import { existsSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { RunSpec } from '../backends/driver.ts';
import type { Backends } from '../backends/backend.ts';
import type { ResolvedAgent } from '../domain/agent.ts';
import { agentItem, agentsOfRig, agentSubject, hashOfAll, itemsOfSettings } from '../config/consent.ts';
import type { BackendName } from '../domain/orchestrator.ts';
import type { ConsentItem } from '../domain/consent.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { Store } from '../store/store.ts';
import type { Rigs } from './rigs.ts';
import type { RigReview, RigReviewItem } from '../channel/views.ts';

/** What a start is about. */
export interface ProgramUse {
  /** Empty for roles of the town. */
  rig: string;
  agent: ResolvedAgent;
  /** Whether what the agent program itself runs of the repository is looked at, too. */
  repository: boolean;
  /** The session's own worktree, which has what its branch has, whatever the rig's folder shows: that is looked at, too. */
  worktree?: string;
}

interface Brought {
  ofSettings: readonly ConsentItem[];
  /** What agent programs would run by themselves. */
  ofPrograms: readonly { backend: BackendName; items: readonly ConsentItem[] }[];
  /** The same of worktrees, where the rig's folder does not have it so and the user has not agreed to it. */
  ofWorktrees: readonly ConsentItem[];
}

const itemsIn = ({ ofSettings, ofPrograms, ofWorktrees }: Brought): ConsentItem[] => [
  ...ofSettings,
  ...ofPrograms.flatMap(({ items }) => items),
  ...ofWorktrees,
];
const isAtOrBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(join(folder, sep));
const isSame = (a: ConsentItem, b: ConsentItem): boolean => a.subject === b.subject && a.hash === b.hash;

/**
 * What the repositories of rigs bring and counts only by the user's word: programs, arguments, commands and environments in their
 * settings, and what agent programs would run of them. A rig that is the town's own folder brings nothing: it is opened with the
 * user's trust in it.
 */
export class RigConsents {
  private readonly options: {
    store: Pick<Store, 'consents' | 'transaction' | 'isOpen'>;
    rigs: Rigs;
    backends: Backends;
    townRoot: string;
    now: () => number;
    log: Logger;
  };

  /** Of rigs with something that agent programs would run, and the user has not agreed to: the backends of those. */
  private readonly unread = new Map<string, readonly BackendName[]>();

  /**
   * Rig → worktree → what held up a start there: the user is shown that, too. In memory only, as the next start there looks
   * anew, and the worktree of a start that was refused goes at once.
   */
  private readonly refused = new Map<string, Map<string, readonly ConsentItem[]>>();

  constructor(options: RigConsents['options']) {
    this.options = options;
  }

  async review(name: string): Promise<RigReview> {
    const { folder } = this.options.rigs.get(name);
    const brought = await this.lookAt(name);
    this.show(name, brought);
    const items = itemsIn(brought);
    const inWorktree = (item: ConsentItem): { inWorktree?: true } =>
      brought.ofWorktrees.includes(item) ? { inWorktree: true } : {};
    return {
      rig: name,
      path: folder,
      hash: hashOfAll(items),
      items: items.map((item) => ({ ...this.view(name, item), ...inWorktree(item) })),
    };
  }

  /** Rejects with `work-conflict` where what is there is not what was looked at. */
  async agree(name: string, hash: string): Promise<RigReview> {
    const { store, now } = this.options;
    const items = itemsIn(await this.lookAt(name));
    if (hashOfAll(items) !== hash) {
      throw new GasTownError(
        'work-conflict',
        `What the rig ${name} brings has changed since it was shown, so nothing was agreed to. Look at it again: gt rig trust ${name}`,
      );
    }
    store.transaction(() => {
      for (const item of items) store.consents.add(name, item, now());
    });
    return this.review(name);
  }

  /** Nothing of what the rig brings counts any more, and nothing of what it once brought. What runs with it goes on until it is stopped. */
  async withdraw(name: string): Promise<RigReview> {
    const { store, rigs } = this.options;
    rigs.get(name);
    store.transaction(() => store.consents.forget(name));
    return this.review(name);
  }

  /**
   * Rejects as `require` does where a run that is about to begin must not. Who works in a worktree is given what its branch has, not what the rig's folder
   * shows: a plugin that was deleted there, and is in the last commit all the same, is back in every new worktree.
   */
  mayStart({ rig, agent, role, cwd }: Pick<RunSpec, 'rig' | 'agent' | 'role' | 'cwd'>): Promise<void> {
    // Worktrees of earlier versions may lie below the rig's folder; only polecats had them.
    const inCheckout = rig === '' || (role !== 'polecat' && isAtOrBelow(cwd, this.options.rigs.get(rig).folder));
    return this.require({ rig, agent, repository: inCheckout, ...(inCheckout ? {} : { worktree: cwd }) });
  }

  /** Rejects with `consent-needed`, saying what to do, unless the user has agreed to all that would run. */
  async require({ rig, agent, repository, worktree }: ProgramUse): Promise<void> {
    if (rig === '' || this.isTowns(rig)) return;
    const { store } = this.options;
    const hash = agent.consent ?? this.hashOfEarlier(rig, agent);
    const own = hash !== undefined && !store.consents.has(rig, { subject: agentSubject(agent.name), hash });
    const others = repository ? await this.programsIn(agent.backend, this.options.rigs.get(rig).folder) : [];
    const open = others.filter((item) => !store.consents.has(rig, item));
    const inWorktree = worktree === undefined ? [] : await this.openIn(rig, agent.backend, worktree);
    const [other, ...more] = [...open, ...inWorktree].map(({ subject }) => subject);
    if (!own && other === undefined) return;
    await this.refresh(rig);
    const what = own
      ? `The settings of the rig ${rig} say which program, arguments or environment the agent "${agent.name}" has`
      : `${this.descriptor(agent.backend)?.title} would run what ${open.length > 0 ? 'the rig' : 'the branch of this session in the rig'} ${rig} has in ${other}${more.length === 0 ? '' : ` and ${more.length} more`}`;
    throw new GasTownError(
      'consent-needed',
      `${what}, and the user has not agreed to that, so nothing was started. ` +
        `They look at it and agree by "Gas Town: Review Rig Settings…" or gt rig trust ${rig}; or name another agent.`,
    );
  }

  /** Rejects with `consent-needed` unless the user has agreed to all of these commands of the rig's settings. */
  async requireCommands(rig: string, items: readonly ConsentItem[]): Promise<void> {
    const open = items.filter((item) => !this.hasAgreed(rig, item));
    if (open.length === 0) return;
    await this.refresh(rig);
    throw new GasTownError(
      'consent-needed',
      `The settings of the rig ${rig} bring commands (${open.map(({ subject }) => subject).join(', ')}), and the user has not agreed to that, so nothing was started. ` +
        `They look at it and agree by "Gas Town: Review Rig Settings…" or gt rig trust ${rig}.`,
    );
  }

  /** Whether the user has agreed to it, or the rig is the town's own folder. */
  hasAgreed(rig: string, item: ConsentItem): boolean {
    return rig === '' || this.isTowns(rig) || this.options.store.consents.has(rig, item);
  }

  /** Looks what there is to review, and has the rig's row say so. Never rejects. */
  async refresh(name: string): Promise<void> {
    try {
      this.show(name, await this.lookAt(name));
    } catch (error) {
      // The host has let go meanwhile.
      if (!this.options.store.isOpen) return;
      this.options.log.warn(`what the rig ${name} brings could not be looked at: ${messageOf(error)}`);
    }
  }

  /** Whether a session may be moved to this agent, by what is known of the repository: `require` looks at it anew. */
  mayRun(rig: string, agent: ResolvedAgent): boolean {
    const { store } = this.options;
    const own =
      agent.consent === undefined ||
      store.consents.has(rig, { subject: agentSubject(agent.name), hash: agent.consent });
    return own && !this.unread.get(rig)?.includes(agent.backend);
  }

  private show(name: string, brought: Brought): void {
    const { store, rigs } = this.options;
    const hasOpen = (items: readonly ConsentItem[]): boolean => items.some((item) => !store.consents.has(name, item));
    this.unread.set(
      name,
      brought.ofPrograms.flatMap(({ backend, items: ofIt }) => (hasOpen(ofIt) ? [backend] : [])),
    );
    const items = itemsIn(brought);
    rigs.setToReview(name, hasOpen(items) ? hashOfAll(items) : undefined);
  }

  private async lookAt(name: string): Promise<Brought> {
    const { folder, settings } = this.options.rigs.get(name);
    if (this.isTowns(name)) return { ofSettings: [], ofPrograms: [], ofWorktrees: [] };
    const ofPrograms = await Promise.all(
      this.options.backends.map(async ({ name: backend }) => ({
        backend,
        items: await this.programsIn(backend, folder),
      })),
    );
    const ofWorktrees = this.refusedBesides(
      name,
      ofPrograms.flatMap(({ items }) => items),
    );
    return { ofSettings: itemsOfSettings(settings, this.options.backends), ofPrograms, ofWorktrees };
  }

  private descriptor(backend: BackendName): Backends[number] | undefined {
    return this.options.backends.find(({ name }) => name === backend);
  }

  /** What the program of this backend would run of the folder by itself. */
  private async programsIn(backend: BackendName, folder: string): Promise<readonly ConsentItem[]> {
    return (await this.descriptor(backend)?.repositoryPrograms?.(folder)) ?? [];
  }

  /** What the user has not agreed to of what the program of this backend would run in the worktree. */
  private async openIn(rig: string, backend: BackendName, worktree: string): Promise<readonly ConsentItem[]> {
    if (!this.descriptor(backend)?.repositoryPrograms) return [];
    const open = (await this.programsIn(backend, worktree)).filter(
      (item) => !this.options.store.consents.has(rig, item),
    );
    const refused = this.refused.get(rig) ?? new Map<string, readonly ConsentItem[]>();
    this.refused.set(rig, refused);
    refused.delete(worktree);
    if (open.length > 0) refused.set(worktree, open);
    // This worktree is newer than those that went with their refusal: what is in the repository now is better known by it.
    else for (const folder of refused.keys()) if (!existsSync(folder)) refused.delete(folder);
    return open;
  }

  private refusedBesides(rig: string, known: readonly ConsentItem[]): ConsentItem[] {
    const besides: ConsentItem[] = [];
    for (const item of [...(this.refused.get(rig)?.values() ?? [])].flat()) {
      const isShown = [...known, ...besides].some((each) => isSame(each, item));
      if (!isShown && !this.options.store.consents.has(rig, item)) besides.push(item);
    }
    return besides;
  }

  /** By the rig's own folder: another one of a repository whose top is the town's root is asked about. */
  private isTowns(name: string): boolean {
    return this.options.rigs.get(name).folder === realpathSync(this.options.townRoot);
  }

  private view(name: string, item: ConsentItem): RigReviewItem {
    const { subject, content } = item;
    const { consents } = this.options.store;
    if (consents.has(name, item)) return { subject, content, state: 'agreed' };
    const before = consents.latest(name, subject);
    return before === undefined ? { subject, content, state: 'new' } : { subject, content, state: 'changed', before };
  }

  /**
   * A session of an earlier version does not say whose word its agent was. Where the rig's settings define just this
   * agent, it was theirs.
   */
  private hashOfEarlier(rig: string, { name, command, args, env }: ResolvedAgent): string | undefined {
    const defined = agentsOfRig(this.options.rigs.get(rig).settings, this.options.backends).get(name);
    if (!defined) return undefined;
    const same =
      (defined.command === undefined || defined.command === command) &&
      isDeepStrictEqual(defined.args ?? [], args) &&
      Object.entries(defined.env ?? {}).every(([key, value]) => env[key] === value);
    return same ? agentItem(name, defined, this.options.backends)?.hash : undefined;
  }
}
