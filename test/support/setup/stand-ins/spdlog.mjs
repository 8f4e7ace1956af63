// Stand-in for the native module @vscode/spdlog, which has no prebuilt binary: the same calls in plain JavaScript.
// VS Code reads output channels from these files, so every message is written at once. Files are not rotated.

import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';

const LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical'];

export const version = 11_000;

let defaultLevel = 2;

/** Level of loggers made from now on: 0 (trace) to 5 (critical), 6 is off. */
export function setLevel(level) {
  defaultLevel = level;
}

/** Everything is flushed at once here. */
export function setFlushOn() {}

export class Logger {
  #file;
  #level = defaultLevel;
  #plain = false;

  constructor(_type, _name, file) {
    mkdirSync(path.dirname(file), { recursive: true });
    this.#file = file;
  }

  trace(message) {
    this.#write(0, message);
  }

  debug(message) {
    this.#write(1, message);
  }

  info(message) {
    this.#write(2, message);
  }

  warn(message) {
    this.#write(3, message);
  }

  error(message) {
    this.#write(4, message);
  }

  critical(message) {
    this.#write(5, message);
  }

  getLevel() {
    return this.#level;
  }

  setLevel(level) {
    this.#level = level;
  }

  /** VS Code sets one pattern only: `%Y-%m-%d %H:%M:%S.%e [%l] %v`. */
  setPattern() {
    this.#plain = false;
  }

  clearFormatters() {
    this.#plain = true;
  }

  flush() {}

  drop() {}

  #write(level, message) {
    if (level < this.#level) return;
    const time = new Date().toISOString().replace('T', ' ').replace('Z', '');
    appendFileSync(this.#file, this.#plain ? message : `${time} [${LEVELS[level]}] ${message}\n`);
  }
}

export async function createRotatingLogger(name, file) {
  return new Logger('rotating', name, file);
}

export async function createAsyncRotatingLogger(name, file) {
  return new Logger('rotating_async', name, file);
}
