import type { Rule } from '../model/rules.ts';

/**
 * What the scripted model does in the demo and in the workflow tests: the parts a real model would play, as rules over
 * what the agents are really told. Nothing else in the run is scripted.
 */
export const demoRules: readonly Rule[] = [
  {
    // A polecat whose work is sent back with a comment on a line mends that line, and answers; when it has been seen so.
    name: 'polecat mends',
    match: /Your work was reviewed[\s\S]+\bC-\d+, \S+:\d+: /,
    steps: ({ text }) => {
      const [, id = ''] = /Your work: ([A-Za-z0-9._-]+)/.exec(text) ?? [];
      const [, thread = '', file = '', line = ''] = /\b(C-\d+), (\S+):(\d+): /.exec(text) ?? [];
      const name = '$(git branch --show-current | cut -d/ -f2)';
      return [
        { hold: 'mend' },
        { tool: 'bash', args: { command: `sed -i "${line}s/a polecat/${name}/" ${file}` } },
        { tool: 'bash', args: { command: `git commit -q -a -m "${id}: say who" && git log --oneline -1` } },
        { tool: 'bash', args: { command: `gt review reply ${thread} "It names me now."` } },
        { tool: 'bash', args: { command: `gt done -m "${file} says who has done it"` } },
        { text: `${id} is mended.` },
      ];
    },
  },
  {
    // Who gets a branch back because it conflicts, the refinery or its author, merges where that branch is checked
    // out; when it has been seen so.
    name: 'a conflict is resolved',
    match: /\bbranch \S+ .*was not merged: \S+ has moved since/,
    steps: ({ text }) => {
      const [, id = ''] = /Your work: ([A-Za-z0-9._-]+)/.exec(text) ?? [];
      const [, branch = '', target = '', files = ''] =
        /\bbranch (\S+) .*was not merged: (\S+) has moved since, and both change (.+)\.$/m.exec(text) ?? [];
      const there = `cd "$(git worktree list --porcelain | grep -B2 '^branch refs/heads/${branch}$' | sed -n 's/^worktree //p')"`;
      const marks = "-e '/^<<<<<<< /d' -e '/^=======$/d' -e '/^>>>>>>> /d'";
      return [
        { hold: 'resolve' },
        { tool: 'bash', args: { command: `${there} && git merge ${target}; git diff` } },
        {
          tool: 'bash',
          args: {
            command: `${there} && sed -i ${marks} ${files.replaceAll(',', '')} && git commit -q -a --no-edit && git log --oneline -1`,
          },
        },
        { tool: 'bash', args: { command: `gt done --id ${id} -m "both changes of ${files} hold"` } },
        { text: `${id} is resolved.` },
      ];
    },
  },
  {
    // A polecat that is given its work: edits a file, runs a command, commits on its branch, reports.
    name: 'polecat works',
    match: /Your work: (?<id>[A-Za-z0-9._-]+)/,
    steps: ({ text, system }) => {
      const id = /Your work: (?<id>[A-Za-z0-9._-]+)/.exec(text)?.groups?.['id'] ?? 'work';
      // The role context names the folder; Claude's Write wants absolute paths.
      const folder = /\bdir:(?<folder>\S+)/.exec(system)?.groups?.['folder'] ?? '.';
      const list = `sed -i 's/^None yet\\.$/- [${id}](notes-${id}.md)/' README.md`;
      return [
        ...(text.includes('List notes') ? [{ tool: 'bash', args: { command: list } }] : []),
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
    // The mayor passes on what the user asks it to.
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
