import type { Command } from 'commander';
import type { RigReview, RigReviewItem, SessionView } from '../../../shared/channel/views.ts';
import { exitCode, Failure } from '../failure.ts';
import { addCommand } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';
import { lineDiff } from '../line-diff.ts';
import { visible } from '../table.ts';

export function addRigCommands(program: Command, gt: Gt): void {
  const parent = program.command('rig').description("what a rig's repository brings");

  addCommand(
    parent,
    'trust <rig>',
    'look at the programs, arguments, commands and environments that a rig brings, and agree to them (not for sessions)',
  )
    .option('--yes <hash>', 'agree to what has this hash, without a question')
    .action(async (rig: string, { yes, ...options }: CommonOptions & { yes?: string }) => {
      if (yes !== undefined) {
        const agreed = await gt.request('rig.trust', { rig, hash: yes });
        return gt.print(options, agreed, () => agreedText(rig));
      }
      const review = await gt.request('rig.review', { rig });
      if (options.json || isAgreed(review)) return gt.print(options, review, reviewText);
      gt.print(options, review, (found) => `${reviewText(found)}\n`);
      const answer = await gt.io.ask(`Agree to all of it for ${rig}? [y/N] `);
      if (answer === undefined) {
        throw new Failure(
          `There is no terminal to ask in. To agree to what is shown: gt rig trust ${rig} --yes ${review.hash}`,
          exitCode.usage,
        );
      }
      if (!/^y(es)?$/i.test(answer.trim())) throw new Failure('Nothing was agreed to.');
      await gt.request('rig.trust', { rig, hash: review.hash });
      gt.print(options, review, () => agreedText(rig));
    });

  addCommand(parent, 'untrust <rig>', 'take back what was agreed to of a rig (not for sessions)').action(
    async (rig: string, options: CommonOptions) => {
      const review = await gt.request('rig.untrust', { rig });
      const { sessions } = await gt.request('town.snapshot', {});
      const running = sessions.filter((session) => session.rig === rig && isAlive(session)).map(({ id }) => id);
      gt.print(options, { ...review, running }, () => withdrawnText(rig, running));
    },
  );
}

const isAlive = ({ state }: SessionView): boolean => state !== 'stopped' && state !== 'failed';

function withdrawnText(rig: string, running: readonly string[]): string {
  const text = `Withdrawn. Nothing of what ${rig} brings is started before you agree again, restarts included.`;
  if (running.length === 0) return text;
  return `${text}\nWhat runs goes on as it was started, until you stop it: ${running.map((id) => `gt stop ${id}`).join(', ')}`;
}

const isAgreed = ({ items }: RigReview): boolean => items.every(({ state }) => state === 'agreed');
const agreedText = (rig: string): string =>
  `Agreed. What ${rig} brings counts now; when it changes you are asked again.`;

const states: Record<RigReviewItem['state'], string> = {
  new: 'new',
  changed: 'changed since you agreed to it',
  agreed: 'agreed to',
};

function reviewText(review: RigReview): string {
  const { rig, path, items } = review;
  if (items.length === 0)
    return `The rig ${rig} (${path}) brings no programs, arguments, commands or environments of its own.`;
  const texts = items.map(({ subject, inWorktree, content, state, before }) => {
    const lines = before === undefined ? content.split('\n') : lineDiff(before, content);
    // Whoever agrees shall see every character.
    const place = inWorktree ? ' (as a branch of a worker has it)' : '';
    return [`${visible(subject)}${place}: ${states[state]}`, ...lines.map((line) => `  ${visible(line)}`)].join('\n');
  });
  const head = isAgreed(review)
    ? `You have agreed to all that the rig ${rig} (${path}) brings:`
    : `The rig ${rig} (${path}) brings this, and with your word it runs with your rights:`;
  const tail = 'Files of the repository that these run in turn are not looked at, nor what the agents are told there.';
  return [head, ...texts, tail].join('\n\n');
}
