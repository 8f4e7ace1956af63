import { writeFile } from 'node:fs/promises';

/** What `--report FILE` writes. */
export interface Report {
  editor: string;
  opencode: string;
  claude: string;
  steps: { name: string; ms: number }[];
  agents: { backend: string; role: string; name: string; rig: string; state: string }[];
  work: { id: string; session: string; state: string; branch: string; commits: number }[];
  merges: { work: string; state: string; target: string; commits: number }[];
  /** What was forecast to conflict before anything was merged; `against` is another unit, or the target. */
  forecast: { work: string; against: string; files: string[] }[];
  messages: { from: string; to: string; type: string; state: string }[];
  screenshots: string[];
  /** Processes of the run that had to be killed at its end. */
  orphans: number;
}

export async function writeReport(file: string, report: Report): Promise<void> {
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}
