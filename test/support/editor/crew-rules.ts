import type { Rule } from '../model/rules.ts';

/**
 * What the scripted model does in editor tests beyond the demo: it runs the command, or asks the question, that it is told
 * to; it answers a nudge of another session by mail.
 */
export const crewRules: readonly Rule[] = [
  {
    name: 'runs a command',
    match: /Please run `[^`]+`/,
    steps: ({ text }) => {
      const command = /Please run `(?<command>[^`]+)`/.exec(text)?.groups?.['command'] ?? 'false';
      return [{ tool: 'bash', args: { command } }, { text: 'That was it.' }];
    },
  },
  {
    name: 'asks a question',
    match: /Please ask me "[^"]+"/,
    steps: ({ text }) => {
      const question = /Please ask me "(?<question>[^"]+)"/.exec(text)?.groups?.['question'] ?? '';
      return [{ tool: 'ask', args: { question, options: ['Red', 'Green'] } }, { text: 'Thank you.' }];
    },
  },
  {
    name: 'answers another session by mail',
    match: /Nudge from (?!the user)[\w-]+/,
    steps: ({ text }) => {
      const from = /Nudge from (?<from>[\w-]+)/.exec(text)?.groups?.['from'] ?? '';
      return [
        { tool: 'bash', args: { command: `gt mail send ${from} -s "Status" -m "All good."` } },
        { text: 'I wrote back.' },
      ];
    },
  },
];
