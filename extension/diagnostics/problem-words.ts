import type { Problem } from '../../shared/domain/problem.ts';
import { adviceInEditor } from '../../shared/domain/trouble.ts';

/** Pure. What is wrong, and what to do. That a file is to be corrected where it is marked goes without saying. */
export function problemWords({ kind = 'settings', message, subject = {} }: Problem): string {
  const advice = kind === 'settings' ? undefined : adviceInEditor({ kind, subject });
  return advice === undefined ? message : `${message} ${advice}`;
}
