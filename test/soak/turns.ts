import { scripted } from '../support/scripted.ts';
import type { Random } from './random.ts';

/** Texts that must arrive as text, whatever a terminal or a shell would make of them. */
const awkward = [
  '/clear',
  '!rm -rf nothing',
  'a line\nand another\n\n\tand a tab',
  'Grüße, 世界 🚂 e\u0301',
  '"quotes" \'single\' `ticks` $HOME $(date) \\ back',
  '\u001b[200~paste\u001b[201~',
  '@file #tag &amp; <tag>',
];

/** More than what is typed into a terminal: it goes by file there. */
const longCharacters = 35_000;

/** What a session's model does with a nudge: says something, runs a small command, takes its time. */
export function smallTurn(random: Random, words: string): string {
  const text = { text: `Heard: ${words}.`, chunks: random.between(1, 4), delay: random.between(0, 30) };
  switch (random.weighted({ plain: 25, awkward: 10, long: 2, says: 25, works: 20, slow: 18 })) {
    case 'plain':
      return words;
    case 'awkward':
      return `${words} ${random.pick(awkward) ?? ''}`;
    case 'long':
      return `${words} ${'long '.repeat(longCharacters / 5)}`;
    case 'says':
      return scripted(words, text);
    case 'works':
      return scripted(
        words,
        { tool: 'bash', args: { command: `sleep 0.${random.between(1, 9)}; echo ${words.replace(/\W+/g, '-')}` } },
        text,
      );
    case 'slow':
      return scripted(words, { wait: random.between(300, 2000) }, text);
  }
}

/** The session's model runs `gt` in its shell; `command` has no `gt` in front. */
export const gtTurn = (words: string, command: string): string =>
  scripted(words, { tool: 'bash', args: { command: `gt ${command}` } }, { text: 'Sent.' });

/** What the session's model does with a unit of work: most report it, some forget to and do so when reminded. */
export function unitTurn(random: Random, id: string): string {
  const words = `Unit ${id} of the soak.`;
  const report = (more: string): object => ({ tool: 'bash', args: { command: `gt done --id ${id} ${more}` } });
  const wait = { wait: random.between(100, 2500) };
  switch (random.weighted({ quick: 40, slow: 30, forgets: 20, gives: 10 })) {
    case 'quick':
      return scripted(words, report('-m finished'), { text: 'Done.' });
    case 'slow':
      return scripted(words, { tool: 'bash', args: { command: 'sleep 1' } }, wait, report('-m finished'), {
        text: 'Done.',
      });
    case 'forgets':
      return scripted(words, wait, { text: 'That should be it.' });
    case 'gives':
      return scripted(words, wait, report('--status escalated -m beyond-me'), { text: 'I cannot.' });
  }
}
