/**
 * Where process facts come from: `/proc` on Linux, `ps` on macOS and other Unixes, CIM on Windows. Nothing else in the
 * core knows the difference.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One row of the operating system's process table. A process that has ended but was not waited for is not in it. */
export interface ProcessRow {
  pid: number;
  parent: number;
  /** Process group; 0 where the system has none. */
  group: number;
  /** Opaque; equal only for the same process, also across reboots. */
  startTime: string;
}

export interface ProcessSource {
  one(pid: number): Promise<ProcessRow | undefined>;
  all(): Promise<ProcessRow[]>;
  /** Processes whose environment at their start had `name=value`; nothing where the system does not tell. */
  withEnvironment(name: string, value: string): Promise<ProcessRow[]>;
  /** What one has of a name in that environment, a word without spaces; undefined where it has none, or the system does not tell. */
  variable(pid: number, name: string): Promise<string | undefined>;
  /** The folder that one is in; undefined where the system does not tell. */
  folder(pid: number): Promise<string | undefined>;
}

export function processSource(platform: NodeJS.Platform = process.platform): ProcessSource {
  if (platform === 'linux') return linux;
  return platform === 'win32' ? windows : unix;
}

const linux: ProcessSource = {
  one: readStat,
  async all() {
    const rows = await Promise.all((await linuxPids()).map(readStat));
    return rows.filter((row) => row !== undefined);
  },
  async withEnvironment(name, value) {
    const wanted = `${name}=${value}`;
    const rows = await Promise.all(
      (await linuxPids()).map(async (pid) => {
        const environment = await readProc(pid, 'environ');
        return environment?.split('\0').includes(wanted) ? readStat(pid) : undefined;
      }),
    );
    return rows.filter((row) => row !== undefined);
  },
  async variable(pid, name) {
    const entry = (await readProc(pid, 'environ'))?.split('\0').find((each) => each.startsWith(`${name}=`));
    return entry?.slice(name.length + 1);
  },
  // It may have ended meanwhile.
  folder: (pid) => readlink(`/proc/${pid}/cwd`).catch(() => undefined),
};

async function linuxPids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

async function readStat(pid: number): Promise<ProcessRow | undefined> {
  const [text, boot] = await Promise.all([readProc(pid, 'stat'), bootId()]);
  return text === undefined ? undefined : parseLinuxStat(text, boot);
}

/** Pure. `/proc/<pid>/stat`: the name is in brackets and may contain anything, brackets and spaces too. */
export function parseLinuxStat(text: string, boot: string): ProcessRow | undefined {
  const pid = Number.parseInt(text, 10);
  const [state, parent, group, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = rest[16];
  if (ticks === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, parent: Number(parent), group: Number(group), startTime: `${ticks}@${boot}` };
}

async function readProc(pid: number, file: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It ended meanwhile, or it is another user's: for us it is not there.
    return undefined;
  }
}

let boot: Promise<string> | undefined;

/** Start times count from boot, so they repeat after one. */
function bootId(): Promise<string> {
  boot ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.slice(0, 8),
    // Some containers hide it; then a reboot is told apart by the ticks alone.
    () => '',
  );
  return boot;
}

const unix: ProcessSource = {
  async one(pid) {
    return (await ps(['-p', String(pid)]))[0];
  },
  all: () => ps(['-ax']),
  async withEnvironment(name, value) {
    const { stdout } = await run('ps', ['-axEww', '-o', 'pid=,command='], psOptions);
    const wanted = ` ${name}=${value}`;
    const lines = stdout.split('\n').filter((line) => `${line} `.includes(`${wanted} `));
    const pids = new Set(lines.map((line) => Number.parseInt(line, 10)));
    return (await ps(['-ax'])).filter((row) => pids.has(row.pid));
  },
  async variable(pid, name) {
    const { stdout } = await run('ps', ['-Eww', '-p', String(pid), '-o', 'command='], psOptions).catch(() => ({
      stdout: '',
    }));
    return wordAfter(stdout, name);
  },
  async folder(pid) {
    const { stdout } = await run('lsof', ['-a', '-p', String(pid), '-d', 'cwd', '-Fn'], psOptions).catch(() => ({
      stdout: '',
    }));
    return /^n(.+)$/m.exec(stdout)?.[1];
  },
};

/** Pure. The value of a variable in what `ps -E` prints: the command, then its environment. The last one is the environment's. */
export function wordAfter(line: string, name: string): string | undefined {
  const start = `${name}=`;
  return line
    .trim()
    .split(/\s+/)
    .findLast((word) => word.startsWith(start))
    ?.slice(start.length);
}

const psOptions = { env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 64 * 1024 * 1024 };

async function ps(selection: string[]): Promise<ProcessRow[]> {
  try {
    const { stdout } = await run('ps', [...selection, '-o', 'pid=,ppid=,pgid=,stat=,lstart='], psOptions);
    return parsePs(stdout);
  } catch {
    // `ps -p` of a process that is gone exits 1 without output.
    return [];
  }
}

/** Pure. Lines of `ps -o pid=,ppid=,pgid=,stat=,lstart=`. */
export function parsePs(stdout: string): ProcessRow[] {
  return stdout.split('\n').flatMap((line) => {
    const [pid, parent, group, state, ...start] = line.trim().split(/\s+/);
    if (start.length === 0 || state?.startsWith('Z')) return [];
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), startTime: start.join(' ') }];
  });
}

const windows: ProcessSource = {
  async one(pid) {
    return (await cim(`-Filter "ProcessId=${pid}"`))[0];
  },
  all: () => cim(''),
  // Windows shows another process's environment only to a debugger.
  withEnvironment: () => Promise.resolve([]),
  variable: () => Promise.resolve(undefined),
  folder: () => Promise.resolve(undefined),
};

async function cim(filter: string): Promise<ProcessRow[]> {
  const start = "@{n='S';e={$_.CreationDate.ToUniversalTime().Ticks}}";
  const query = `Get-CimInstance Win32_Process ${filter} | Select-Object ProcessId,ParentProcessId,${start} | ConvertTo-Csv`;
  const { stdout } = await run('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', query], {
    windowsHide: true,
    maxBuffer: 64 * 1024 * 1024,
  });
  return parseCim(stdout);
}

/** Pure. CSV of ProcessId, ParentProcessId, start ticks, each in quotes. */
export function parseCim(stdout: string): ProcessRow[] {
  return stdout.split(/\r?\n/).flatMap((line) => {
    const [, pid, parent, ticks] = /^"(\d+)","(\d+)","(\d+)"/.exec(line) ?? [];
    return ticks === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), group: 0, startTime: ticks }];
  });
}
