export interface ConsentItem {
  /** Where in the repository it stands, e.g. `agents.x` of its settings, or a file's path. */
  subject: string;
  /** All that is agreed to, as it is shown. */
  content: string;
  /** Of the content, in hexadecimal digits. */
  hash: string;
}
