/** A host that removes a worktree, for tests that kill it over that: `node dying-removal.ts <database> <repository> <path> <branch> <where>`. */
import { randomIds } from '../../shared/platform/ids.ts';
import { silentLogger } from '../../shared/platform/logger.ts';
import { Store } from '../../shared/store/store.ts';
import { Worktrees } from '../../shared/orchestration/worktrees.ts';
import { plainWorktrees } from './core.ts';

const [database = '', repository = '', path = '', branch = '', where = ''] = process.argv.slice(2);
const store = new Store(database);
const worktrees = new Worktrees({
  store,
  now: Date.now,
  ids: randomIds,
  log: silentLogger,
  onChange: () => {
    if (store.worktrees.all()[0]?.state === where) process.kill(process.pid, 'SIGKILL');
  },
  rebuildableIn: () => [],
  ownFilesIn: async () => [],
  ...plainWorktrees,
});
await worktrees.over({ repository, path, branch }, { session: 'alpha-toast', rig: 'alpha' });
