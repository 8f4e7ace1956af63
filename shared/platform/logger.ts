/** What the core logs to: the extension's log channel, a file, or nothing. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** What belongs to a message and is no part of its words, so that these can be searched for. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
