export interface ConsentItem {
  /** Where in the repository it stands, e.g. `agents.x` of its settings, or a file's path. */
  subject: string;
  /** All that is agreed to, as it is shown. */
  content: string;
  /** Of the content, in hexadecimal digits. */
  hash: string;
}

/** Pure. Why a rig waits for the user's word. */
export const consentCause = (rig: string): string =>
  `The repository of the rig ${rig} brings programs, arguments, commands or an environment that you have not agreed to, so nothing is started with them.`;
