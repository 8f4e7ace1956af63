/** Names of files as git has them are bytes, one to a character (latin1), as in `GitOptions.bytes`: they are not always UTF-8. */

/** A name as people read it. */
export const readable = (name: string): string => Buffer.from(name, 'latin1').toString();

/** The whole path of such a name below a folder. */
export const pathOf = (root: string, name: string): Buffer =>
  Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name, 'latin1')]);
