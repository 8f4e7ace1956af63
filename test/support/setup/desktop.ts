import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { downloadAndUnzipVSCode, resolveCliArgsFromVSCodeExecutablePath } from '@vscode/test-electron';
import { cacheFolder } from './cache.ts';
import { findProgram } from './find-program.ts';
import { step } from './progress.ts';
import type { Say } from './progress.ts';
import { SetupError } from './setup-error.ts';

/** A desktop VS Code. */
export interface DesktopEditor {
  /** The Electron program itself. */
  readonly electron: string;
  /** Command line (program and first arguments) that installs extensions. */
  readonly cli: readonly string[];
}

const VERSION = '1.139.1';

/** A download server that does not answer within this time (ms) is out of reach. */
const REACH_LIMIT = 15_000;

/** How to do without it, for those who asked `npm start` for it. */
const LEAVE_OUT = 'Leave --desktop out.';

/**
 * The desktop VS Code on PATH, else a downloaded one. Throws SetupError where there is no display, or none to be had, which
 * ends with how to do without it.
 */
export async function desktopEditor(say: Say, without = LEAVE_OUT): Promise<DesktopEditor> {
  if (!hasDisplay())
    throw new SetupError(`A desktop VS Code needs a display, and there is none (DISPLAY is not set). ${without}`);
  if (findProgram('code') !== undefined) return installedDesktop(without);
  try {
    const electron = await step(say, `VS Code ${VERSION} for the desktop`, () =>
      downloadAndUnzipVSCode({
        version: VERSION,
        cachePath: path.join(cacheFolder(), 'desktop'),
        timeout: REACH_LIMIT,
      }),
    );
    return { electron, cli: resolveCliArgsFromVSCodeExecutablePath(electron) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SetupError(
      `There is no desktop VS Code on PATH (command "code"), and its download is out of reach: ${reason}. ${without}`,
    );
  }
}

/** The one on PATH. Throws SetupError where there is none. */
export function installedDesktop(without = LEAVE_OUT): DesktopEditor {
  const code = findProgram('code');
  if (code === undefined) {
    throw new SetupError(
      `There is no desktop VS Code on PATH (command "code"). Install it from https://code.visualstudio.com. ${without}`,
    );
  }
  // `code` is a script in bin/ below the program (Linux, Windows) or inside the application bundle (macOS).
  const bin = path.dirname(realpathSync(code));
  const candidates = ['../code', '../Code.exe', '../../../MacOS/Electron'].map((relative) =>
    path.resolve(bin, relative),
  );
  const electron = candidates.find((candidate) => existsSync(candidate));
  if (electron === undefined) {
    throw new SetupError(`${code} is not part of a desktop VS Code installation that is known here. ${without}`);
  }
  return { electron, cli: [code] };
}

function hasDisplay(): boolean {
  return process.platform !== 'linux' || Boolean(process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY']);
}
