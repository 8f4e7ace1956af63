import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../platform/files.ts';
import { composePrime } from '../roles/prime.ts';
import { readRolePrompt } from '../roles/role-prompt.ts';
import type { StoredSession } from '../store/sessions.ts';
import type { Store } from '../store/store.ts';
import type { TownPaths } from '../config/town-paths.ts';

/**
 * The role context of a session: what `gt prime` prints, and what reaches the model at its start and after compaction.
 * A copy lies in the session's folder for the moments when no host is there.
 */
export class SessionContexts {
  private readonly paths: TownPaths;
  private readonly promptsDir: string;
  private readonly store: Store;

  constructor(options: { paths: TownPaths; promptsDir: string; store: Store }) {
    this.paths = options.paths;
    this.promptsDir = options.promptsDir;
    this.store = options.store;
  }

  file(sessionId: string): string {
    return join(this.paths.sessions, sessionId, 'context.md');
  }

  async prime(session: StoredSession): Promise<string> {
    const { id, runId, role, rig, agentName, workDir, branch } = session;
    return composePrime({
      townRoot: this.paths.root,
      session: {
        id,
        runId,
        role,
        rig,
        agentName,
        agent: session.agent.name,
        workDir,
        ...(branch === undefined ? {} : { branch }),
      },
      rolePrompt: await readRolePrompt(role, this.paths.root, this.promptsDir),
      work: this.store.work.ownedBy(id),
      unreadMail: this.store.messages.inbox(id, false).length,
    });
  }

  /** Renews the copy on disk and tells where it is. */
  async write(session: StoredSession): Promise<string> {
    const file = this.file(session.id);
    await mkdir(join(this.paths.sessions, session.id), { recursive: true, mode: 0o700 });
    await writeAtomically(file, await this.prime(session));
    return file;
  }
}
