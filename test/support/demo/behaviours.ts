import type { Rule } from '../model/rules.ts';

/**
 * What the scripted model does in the demo and in the workflow tests: the parts a real model would play, as rules over
 * what the agents are really told. Nothing else in the run is scripted.
 */
export const demoRules: readonly Rule[] = [
  {
    // A polecat that is given its work: edits a file, runs a command, commits on its branch, reports.
    name: 'polecat works',
    match: /Your work: (?<id>[A-Za-z0-9._-]+)/,
    steps: ({ text, system }) => {
      const id = /Your work: (?<id>[A-Za-z0-9._-]+)/.exec(text)?.groups?.['id'] ?? 'work';
      // The role context names the folder; Claude's Write wants absolute paths.
      const folder = /\bdir:(?<folder>\S+)/.exec(system)?.groups?.['folder'] ?? '.';
      return [
        { tool: 'write', args: { path: `${folder}/notes-${id}.md`, content: `# ${id}\n\nDone by a polecat.\n` } },
        {
          tool: 'bash',
          args: { command: `git add -A && git commit -q -m "${id}: add notes" && git log --oneline -1` },
        },
        { tool: 'bash', args: { command: `gt done -m "added notes-${id}.md"` } },
        { text: `${id} is finished.` },
      ];
    },
  },
  {
    // The mayor passes on what the person asks it to.
    name: 'mayor nudges',
    match: /ask (?<who>\S+) how it is going/i,
    steps: ({ text }) => {
      const who = /ask (?<who>\S+) how it is going/i.exec(text)?.groups?.['who'] ?? '';
      return [{ tool: 'bash', args: { command: `gt nudge ${who} "How is it going?"` } }, { text: `I asked ${who}.` }];
    },
  },
  {
    name: 'polecat answers a nudge by mail',
    match: /Nudge from hq-mayor/,
    steps: [
      { tool: 'bash', args: { command: 'gt mail send mayor/ -s "Status" -m "All good: committed and reported."' } },
      { text: 'I wrote back.' },
    ],
  },
  {
    name: 'mail is read',
    match: /You have mail from/,
    steps: [{ tool: 'bash', args: { command: 'gt mail inbox' } }, { text: 'I have read it.' }],
  },
];
