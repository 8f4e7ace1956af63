import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Pin } from './pins.ts';
import { step } from './progress.ts';
import type { Say } from './progress.ts';
import { mustRun } from './run-program.ts';
import { SetupError } from './setup-error.ts';

/** Which part of a package is unpacked, in paths inside it (without the leading `package/`). */
export interface Selection {
  readonly include: readonly string[];
  readonly exclude?: readonly string[];
}

/**
 * Fetches a package with the user's own npm (registry, proxy and login as they have them), checks it against the
 * pinned checksum and unpacks the selection into `folder`. Throws SetupError on a failing npm or a wrong checksum.
 */
export async function fetchPackage(pin: Pin, selection: Selection, folder: string, say: Say): Promise<void> {
  const spec = `${pin.name}@${pin.version}`;
  await step(say, `Fetching ${spec} (${pin.megabytes} MB)`, async () => {
    await mkdir(folder, { recursive: true });
    const temporary = await mkdtemp(path.join(folder, '.fetch-'));
    try {
      const tarball = await pack(spec, temporary);
      const found = await sha512(tarball);
      if (found !== pin.integrity) {
        throw new SetupError(`${spec} from the registry has the checksum ${found}, expected ${pin.integrity}.`);
      }
      await mustRun('tar', [
        '-xzf',
        tarball,
        '-C',
        folder,
        '--strip-components=1',
        '--no-same-owner',
        ...(selection.exclude ?? []).map((excluded) => `--exclude=package/${excluded}`),
        ...selection.include.map((included) => `package/${included}`),
      ]);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  });
}

async function pack(spec: string, folder: string): Promise<string> {
  try {
    await mustRun('npm', ['pack', '--silent', '--pack-destination', folder, spec], { cwd: folder });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SetupError(`${spec} could not be fetched. Is the npm registry reachable (\`npm ping\`)?\n${reason}`);
  }
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new SetupError(`npm pack ${spec} left no tarball in ${folder}.`);
  return path.join(folder, tarball);
}

async function sha512(file: string): Promise<string> {
  const hash = createHash('sha512');
  await pipeline(createReadStream(file), hash);
  return `sha512-${hash.digest('base64')}`;
}
