import { writeFile } from 'node:fs/promises';

/** What `--report FILE` writes. */
export interface Report {
  editor: string;
  opencode: string;
  claude: string;
  steps: { name: string; ms: number }[];
  agents: { backend: string; role: string; name: string; rig: string; state: string }[];
  work: { id: string; session: string; state: string; branch: string; commits: number }[];
  messages: { from: string; to: string; type: string; state: string }[];
  screenshots: string[];
  /** Processes of the run that had to be killed at its end. */
  orphans: number;
}

export async function writeReport(file: string, report: Report): Promise<void> {
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}
