import { delimiter } from 'node:path';

/**
 * What VS Code puts into its own processes, and what would make an agent believe that it is a child of something else.
 */
const foreign = [
  /^(VSCODE|ELECTRON|APPLICATION_INSIGHTS)_/,
  /^(NODE_OPTIONS|CLAUDECODE|CLAUDE_CODE_(CHILD_SESSION|SESSION_ID|ENTRYPOINT))$/,
];

/** The person's environment as the town's agents shall have it: without the editor's own, with more folders on PATH. */
export function hostEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  agentFolders: readonly string[],
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !foreign.some((pattern) => pattern.test(name))) kept[name] = value;
  }
  const pathName = Object.keys(kept).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  kept[pathName] = [...agentFolders, ...(kept[pathName] ? [kept[pathName]] : [])].join(delimiter);
  return kept;
}
