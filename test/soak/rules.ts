import type { Rule } from '../support/model/rules.ts';

/** What the scripted model does with texts that carry no script of their own. */
export const soakRules: readonly Rule[] = [
  {
    // A text that was too long to type.
    name: 'reads a long message',
    match: /Read all of (?<path>\S+) now/,
    steps: ({ text }) => [
      { tool: 'read', args: { path: /Read all of (?<path>\S+) now/.exec(text)?.groups?.['path'] ?? '' } },
      { text: 'Read.' },
    ],
  },
  {
    name: 'reports when reminded',
    match: /Your turn ended, but (?<id>\S+) is still open/,
    steps: ({ text }) => {
      const id = /but (?<id>\S+) is still open/.exec(text)?.groups?.['id'] ?? '';
      return [{ tool: 'bash', args: { command: `gt done --id ${id} -m reminded` } }, { text: 'Done.' }];
    },
  },
  { name: 'leaves mail for later', match: /You have mail from [^\n]*no hurry/, steps: [{ text: 'Later.' }] },
  {
    name: 'reads mail',
    match: /You have mail from/,
    steps: [{ tool: 'bash', args: { command: 'gt mail inbox' } }, { text: 'I have read it.' }],
  },
];
