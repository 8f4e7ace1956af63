import { realpathSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { repositoryPrograms } from '../backends/opencode/repository-programs.ts';
import type { ResolvedAgent } from '../config/agents.ts';
import { agentItem, agentsOfRig, agentSubject, hashOfAll, itemsOfSettings } from '../config/consent.ts';
import type { ConsentItem } from '../config/consent.ts';
import { GasTownError, messageOf } from '../errors.ts';
import type { Logger } from '../process/logger.ts';
import type { Store } from '../store/store.ts';
import type { Rigs } from './rigs.ts';
import type { RigReview, RigReviewItem } from './snapshot.ts';

/** What a start is about. */
export interface ProgramUse {
  /** Empty for roles of the town. */
  rig: string;
  agent: ResolvedAgent;
  /** Whether what the agent program itself runs of the repository is looked at, too. */
  repository: boolean;
}

interface Brought {
  ofSettings: readonly ConsentItem[];
  /** What Opencode would run by itself. */
  ofOpencode: readonly ConsentItem[];
}

const itemsIn = ({ ofSettings, ofOpencode }: Brought): ConsentItem[] => [...ofSettings, ...ofOpencode];

/**
 * What the repositories of rigs bring and counts only by the user's word: programs, arguments and environments in their
 * settings, and what Opencode would run of them. A rig that is the town's own folder brings nothing: it is opened with the
 * user's trust in it.
 */
export class RigConsents {
  private readonly options: {
    store: Pick<Store, 'consents' | 'transaction' | 'isOpen'>;
    rigs: Rigs;
    townRoot: string;
    now: () => number;
    log: Logger;
  };

  /** Rigs with something that Opencode would run, and the user has not agreed to. */
  private readonly unread = new Set<string>();

  constructor(options: RigConsents['options']) {
    this.options = options;
  }

  async review(name: string): Promise<RigReview> {
    const { path } = this.options.rigs.get(name);
    const brought = await this.lookAt(name);
    this.show(name, brought);
    const items = itemsIn(brought);
    return { rig: name, path, hash: hashOfAll(items), items: items.map((item) => this.view(name, item)) };
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

  /** Rejects with `consent-needed`, saying what to do, unless the user has agreed to all that would run. */
  async require({ rig, agent, repository }: ProgramUse): Promise<void> {
    if (rig === '' || this.isTowns(rig)) return;
    const { store } = this.options;
    const hash = agent.consent ?? this.hashOfEarlier(rig, agent);
    const own = hash !== undefined && !store.consents.has(rig, { subject: agentSubject(agent.name), hash });
    const others =
      repository && agent.backend === 'opencode' ? await repositoryPrograms(this.options.rigs.get(rig).path) : [];
    const [other, ...more] = others.filter((item) => !store.consents.has(rig, item)).map(({ subject }) => subject);
    if (!own && other === undefined) return;
    await this.refresh(rig);
    const what = own
      ? `The settings of the rig ${rig} say which program, arguments or environment the agent "${agent.name}" has`
      : `Opencode would run what the rig ${rig} has in ${other}${more.length === 0 ? '' : ` and ${more.length} more`}`;
    throw new GasTownError(
      'consent-needed',
      `${what}, and the user has not agreed to that, so nothing was started. ` +
        `They look at it and agree by "Gas Town: Review Rig Settings…" or gt rig trust ${rig}; or name another agent.`,
    );
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
    return own && (agent.backend !== 'opencode' || !this.unread.has(rig));
  }

  private show(name: string, { ofSettings, ofOpencode }: Brought): void {
    const { store, rigs } = this.options;
    const hasOpen = (items: readonly ConsentItem[]): boolean => items.some((item) => !store.consents.has(name, item));
    if (hasOpen(ofOpencode)) this.unread.add(name);
    else this.unread.delete(name);
    const items = itemsIn({ ofSettings, ofOpencode });
    rigs.setToReview(name, hasOpen(items) ? hashOfAll(items) : undefined);
  }

  private async lookAt(name: string): Promise<Brought> {
    const { path, settings } = this.options.rigs.get(name);
    if (this.isTowns(name)) return { ofSettings: [], ofOpencode: [] };
    return { ofSettings: itemsOfSettings(settings), ofOpencode: await repositoryPrograms(path) };
  }

  private isTowns(name: string): boolean {
    return this.options.rigs.get(name).path === realpathSync(this.options.townRoot);
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
    const defined = agentsOfRig(this.options.rigs.get(rig).settings).get(name);
    if (!defined) return undefined;
    const same =
      (defined.command === undefined || defined.command === command) &&
      isDeepStrictEqual(defined.args ?? [], args) &&
      Object.entries(defined.env ?? {}).every(([key, value]) => env[key] === value);
    return same ? agentItem(name, defined)?.hash : undefined;
  }
}
