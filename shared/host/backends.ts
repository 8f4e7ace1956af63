import type { Backends } from '../backends/backend.ts';
import { claude } from '../backends/claude/backend.ts';
import { opencode } from '../backends/opencode/backend.ts';
import { knowAgents } from '../platform/inherited-environment.ts';

/** The one list of backends. The first one is meant where nothing says which. */
export const backends: Backends = [claude, opencode];
// Now, as git is run before a town is put together.
knowAgents(backends.map(({ variables }) => variables));
