import { readFile } from 'node:fs/promises';
import { foreignOwner, notPrivate } from '../../shared/platform/ownership.ts';
import type { Link } from './link.ts';
import { isObject } from '../../shared/platform/objects.ts';

/** Hooks wait for the host at most this long; then the last known answer counts. */
const hostMs = 2_000;

/** What is known of Opencode's sessions: who a sub-agent works for, identity, role context. */
export class Sessions {
  private readonly link: Link;
  private readonly roots = new Set<string>();
  private readonly parents = new Map<string, string>();
  private readonly contextFiles = new Map<string, string>();
  private readonly identityFiles = new Map<string, string>();
  /** The run that a session of ours belongs to. */
  private readonly runs = new Map<string, string>();
  private readonly environments = new Map<string, Record<string, string>>();
  private readonly contexts = new Map<string, string>();
  private readonly staleContexts = new Set<string>();

  constructor(link: Link) {
    this.link = link;
  }

  /** From `session.created` and `session.updated`. */
  note(info: unknown): void {
    if (!isObject(info) || typeof info['id'] !== 'string') return;
    if (typeof info['parentID'] === 'string') this.parents.set(info['id'], info['parentID']);
    else this.roots.add(info['id']);
    const metadata = isObject(info['metadata']) ? info['metadata']['gastown'] : undefined;
    if (!isObject(metadata)) return;
    if (typeof metadata['contextFile'] === 'string') this.contextFiles.set(info['id'], metadata['contextFile']);
    if (typeof metadata['identityFile'] === 'string') this.identityFiles.set(info['id'], metadata['identityFile']);
    if (typeof metadata['run'] === 'string') this.belongTo(info['id'], metadata['run']);
  }

  /** A session that goes on in another run has another identity, with another token, and another role context. */
  private belongTo(session: string, run: string): void {
    if (this.runs.get(session) === run) return;
    this.runs.set(session, run);
    this.environments.delete(session);
    this.contexts.delete(session);
  }

  forget(session: string): void {
    for (const map of [
      this.parents,
      this.contextFiles,
      this.identityFiles,
      this.runs,
      this.environments,
      this.contexts,
    ])
      map.delete(session);
    this.staleContexts.delete(session);
    this.roots.delete(session);
  }

  /** Whether the session is known to be nobody's sub-agent. */
  isRoot(session: string): boolean {
    return this.roots.has(session);
  }

  /** Identity for the session's shell; a sub-agent has its parent's. Empty for sessions that are not ours. */
  async environment(session: string): Promise<Record<string, string>> {
    const root = this.rootOf(session);
    const known = this.environments.get(root);
    if (known) return known;
    try {
      const { env } = await this.link.request('inside.environment', { session: root }, hostMs);
      // A host that has just come may not know the session yet.
      if (Object.keys(env).length === 0) return (await this.identityFromFile(root)) ?? {};
      // An answer may be late, about the run before.
      if (this.isOf(root, env['GT_RUN'])) this.environments.set(root, env);
      return env;
    } catch {
      return (await this.identityFromFile(root)) ?? {};
    }
  }

  /** The role context; undefined for sessions that are not ours. The same text every time, until the next compaction. */
  async context(session: string): Promise<string | undefined> {
    const root = this.rootOf(session);
    const known = this.contexts.get(root);
    if (known !== undefined && !this.staleContexts.has(root)) return known;
    try {
      const { text } = await this.link.request('inside.context', { session: root }, hostMs);
      if (text === null) return undefined;
      this.contexts.set(root, text);
      this.staleContexts.delete(root);
      return text;
    } catch {
      return known ?? this.contextFromFile(root);
    }
  }

  /** A fresh context is due. */
  compacted(session: string): void {
    this.staleContexts.add(this.rootOf(session));
  }

  /** Whether the session is one of ours, or works for one, as far as is known here. */
  isOurs(session: string): boolean {
    const root = this.rootOf(session);
    return this.contextFiles.has(root) || this.environments.has(root) || this.contexts.has(root);
  }

  private isOf(session: string, run: string | undefined): boolean {
    const known = this.runs.get(session);
    return known === undefined || known === run;
  }

  private rootOf(session: string): string {
    let root = session;
    for (let parent = this.parents.get(root); parent !== undefined; parent = this.parents.get(root)) root = parent;
    return root;
  }

  /**
   * The host leaves the identity of a run in a private file, for when it is away. It counts for that run only: what says
   * where the file is may be older than the run, or the session's own doing. Without one the shell works all the same.
   */
  private async identityFromFile(root: string): Promise<Record<string, string> | undefined> {
    const file = this.identityFiles.get(root);
    const run = this.runs.get(root);
    if (file === undefined || run === undefined) return undefined;
    try {
      if ((await foreignOwner([file])) !== undefined || (await notPrivate(file)) !== undefined) return undefined;
      const env: unknown = JSON.parse(await readFile(file, 'utf8'));
      return isEnvironment(env) && env['GT_RUN'] === run ? env : undefined;
    } catch {
      // It went with its run, or was never written.
      return undefined;
    }
  }

  /** The host keeps the newest context in a file, for when it is away. */
  private async contextFromFile(root: string): Promise<string | undefined> {
    const file = this.contextFiles.get(root);
    if (file === undefined) return undefined;
    try {
      return await readFile(file, 'utf8');
    } catch {
      // Not written yet: the session goes on without.
      return undefined;
    }
  }
}

const isEnvironment = (value: unknown): value is Record<string, string> =>
  isObject(value) && Object.values(value).every((each) => typeof each === 'string');
