import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { git } from '../merge/support.ts';
import { tell } from './failing-stories.ts';

const toast = 'alpha-toast';

describe('each write about a merge fails once, and afterwards all is as it would have been [holds 1]', () => {
  test('reviewed, sent back, answered, approved, and landed', async () => {
    const failed = await tell(
      async ({ town, ask, rest, until }) => {
        const place = join(town.paths.worktrees, 'alpha', 'toast');
        const commit = (text: string): string => {
          writeFileSync(join(place, 'door.txt'), text);
          git(place, 'add', '-A');
          git(place, 'commit', '-qm', 'Write door.txt');
          return git(place, 'rev-parse', 'HEAD');
        };
        const comment = { id: 'door', path: 'door.txt', side: 'new', line: 2 } as const;
        await ask('sling', { work: 'door', rig: 'alpha', name: 'toast', message: 'Make a door' });
        await rest();
        commit('one\ntwo\n');
        await ask('work.done', { message: 'It is made', id: 'door' }, toast);
        await ask('review.comment', { ...comment, body: 'Why two?' });
        await ask('review.reply', { thread: 'C-1', body: 'One is enough' });
        await ask('merge.return', { id: 'door', message: 'Nearly there' });
        await rest();
        await ask('review.reply', { thread: 'C-1', body: 'For two hinges' }, toast);
        const head = commit('new\none\ntwo\n');
        await ask('work.done', { message: 'It is better', id: 'door' }, toast);
        await until(() => town.merges.get('door').head === head);
        await ask('merge.show', { id: 'door' });
        await ask('review.resolve', { thread: 'C-1', resolved: true });
        await ask('merge.reviewed', { id: 'door', head });
        await ask('merge.approve', { id: 'door', merge: true });
        // The queue tries again by itself in half a minute, and says why it waits; the user need not wait for that.
        await until(
          () => town.merges.get('door').state === 'merged' || town.merges.get('door').detail.why !== undefined,
        );
        await town.mergeQueue.settled();
        if (town.merges.get('door').state !== 'merged') {
          expect(town.merges.get('door')).toMatchObject({
            state: 'queued',
            detail: { why: expect.stringContaining('cannot be written') as string },
          });
          await ask('merge.queue', { id: 'door' });
        }
        await until(() => town.merges.get('door').state === 'merged');
      },
      { stalled: 'leave' },
      /\b(merges|merge_history|review_threads|review_comments)\b/,
    );
    expect(failed.size).toBeGreaterThan(6);
  });
});
