/** A text for a scripted model's session: words, and on the next line what the model does when it is told them. */
export function scripted(words: string, ...steps: object[]): string {
  return `${words}\n%%${JSON.stringify({ steps })}`;
}

/** The model runs a command in the session's shell, then ends its turn. */
export function runs(words: string, command: string): string {
  return scripted(words, { tool: 'bash', args: { command } }, { text: 'Done.' });
}
