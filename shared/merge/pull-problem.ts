/** Why a pull request could not be made or looked at, and what to do next. Pure. */
import type { PullProblem } from '../domain/pull-request.ts';
import type { GhRefused } from '../platform/github/gh.ts';

/** `next`: the command by which it is tried again, where the words are to say that. */
export function problemOfGh({ kind, message }: GhRefused, next?: string): PullProblem {
  const words = ofGh(kind, message);
  return { kind, words: next === undefined ? words : `${words} Then: ${next}` };
}

function ofGh(kind: GhRefused['kind'], words: string): string {
  switch (kind) {
    case 'no-gh':
      return "Pull requests are made by gh, GitHub's command line program, and there is none on PATH. Install it (https://cli.github.com) and sign in: gh auth login.";
    case 'signed-out':
      return 'gh is not signed in. In a terminal: gh auth login.';
    case 'no-remote':
      return 'The repository has no remote to make a pull request at. Add it: git remote add origin <url>.';
    case 'unknown-forge':
      return 'gh does not know the host of the remotes. If it is a GitHub Enterprise server: gh auth login --hostname <host>. Else set merge_queue.merge_strategy to "direct".';
    case 'unreachable':
      return `GitHub could not be asked: ${ended(words)} Look at the connection.`;
    case 'refused':
      return `gh could not do it: ${ended(words)}`;
  }
}

export function noRemote(target: string, next: string): PullProblem {
  return {
    kind: 'no-remote',
    words: `There is no remote to make a pull request for ${target} at. Add it: git remote add origin <url>. Then: ${next}`,
  };
}

export function remoteUnreachable(remote: string, words: string, next: string): PullProblem {
  return { kind: 'unreachable', words: `${remote} could not be asked: ${ended(words)} Then: ${next}` };
}

export function foreignCommits(remote: string, branch: string, tip: string, next: string): PullProblem {
  return {
    kind: 'foreign-commits',
    words: `${remote} has commits on ${branch} that are not from here (it is at ${tip.slice(0, 10)}), and they are not replaced. Merge them into the branch here (git fetch ${remote} ${branch}), or delete the branch there. Then: ${next}`,
  };
}

export function pushRefused(remote: string, branch: string, words: string, next: string): PullProblem {
  return { kind: 'push-refused', words: `${branch} could not be pushed to ${remote}: ${ended(words)} Then: ${next}` };
}

const ended = (words: string): string => {
  const line = words.replace(/\s+/g, ' ').trim().slice(0, 1_000);
  return /[.!?]$/.test(line) ? line : `${line}.`;
};
