/** What may go with a worktree because a tool makes it again: only of what git ignores, and only what is known. */

/**
 * Names, at any depth; `*` stands for anything within a name. Outputs that only may be a tool's (`build`, `dist`, `out`)
 * are not in it: the setting `worktrees.rebuildable` names them where they are.
 */
const known: readonly string[] = [
  ...[
    'node_modules',
    '.pnpm-store',
    '.parcel-cache',
    '.turbo',
    '.next',
    '.nuxt',
    '.svelte-kit',
    '.angular',
    '.vite',
    '.swc',
    '.nyc_output',
  ],
  ...['*.tsbuildinfo', '.eslintcache', '.stylelintcache', '.sass-cache'],
  ...['__pycache__', '*.pyc', '.pytest_cache', '.mypy_cache', '.ruff_cache', '.tox', '.nox'],
  ...['.gradle', '.dart_tool', '.zig-cache', 'zig-cache', 'elm-stuff', '.DS_Store', 'Thumbs.db'],
];

/** In a folder that a tool has made for itself alone: a Python environment; a cache by bford.info/cachedir (Cargo, pytest, …). */
export const cacheMarks: readonly { file: string; begins: string }[] = [
  { file: 'pyvenv.cfg', begins: '' },
  { file: 'CACHEDIR.TAG', begins: 'Signature: 8a477f597d28d172789f06886806bc55' },
];

/** Whether a path (from the worktree's top, with `/`) is known to be made again. An entry with a `/` inside is a path, others are names. */
export type IsRebuildable = (path: string) => boolean;

export function rebuildable(extended: readonly string[] = []): IsRebuildable {
  const entries = [...known, ...extended]
    .map((entry) => entry.replace(/^\/+|\/+$/g, ''))
    .filter((entry) => entry !== '');
  const names = entries.filter((entry) => !entry.includes('/')).map(matcher);
  const paths = entries.filter((entry) => entry.includes('/')).map(matcher);
  return (path) => {
    const parts = path.split('/').filter((part) => part !== '');
    const above = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
    return (
      parts.some((part) => names.some((name) => name.test(part))) ||
      above.some((each) => paths.some((name) => name.test(each)))
    );
  };
}

function matcher(entry: string): RegExp {
  const literal = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${entry.split('*').map(literal).join('[^/]*')}$`);
}
