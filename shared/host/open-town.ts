import { removeHostFile, writeHostFile } from '../channel/host-file.ts';
import { showNotification } from '../channel/protocol.ts';
import { ChannelServer } from '../channel/server.ts';
import { spoolFolder } from '../channel/spool.ts';
import { isWorkedIn, settleAbandoned } from '../orchestration/cleanup.ts';
import { settleHandoffs } from '../orchestration/handoff.ts';
import { unblockQueued } from '../orchestration/unblock.ts';
import { noteLeftWorktrees } from '../orchestration/left-worktrees.ts';
import { makeHostParts } from './host-parts.ts';
import type { HostParts } from './host-parts.ts';
import { channelPhase } from './host-end.ts';
import type { HostLock } from './host-lock.ts';
import type { TownHostOptions } from './host-options.ts';
import { writeLaunchers } from './launchers.ts';
import { launcherOf } from './means.ts';
import type { PhaseResult, Phases } from './phases.ts';
import { strayRuns, strayWorktrees } from './store-problems.ts';

type Phase = readonly [name: string, start: () => PhaseResult | Promise<PhaseResult>];

/** Opens the town, phase by phase, and adopts what an earlier host left running. */
export async function openTown(options: TownHostOptions, lock: HostLock, phases: Phases): Promise<HostParts> {
  const parts = await makeHostParts(options, lock, phases);
  for (const [name, start] of phasesOf(parts, options, lock)) await phases.begin(name, start);
  const { town, copies, feed, damage } = parts;
  damage.found &&= `${damage.found}${await strayRuns(town)}${await strayWorktrees(town)}`;
  void copies.make();
  // Not waited for: git may hang for one rig, and the town is there without the numbers.
  void town.views.renewAllCommits(() => feed.changed());
  feed.publish();
  void noteLeftWorktrees(town);
  options.log.info(`[orchestration] hosting ${options.root}`);
  return parts;
}

/** From the parts to a town that is there for others. Their order carries a meaning, and so does its reverse. */
function phasesOf(parts: HostParts, { log, node, files }: TownHostOptions, lock: HostLock): readonly Phase[] {
  const { town, reconciler, callings, mergeQueue, pullRequests, forecast, archive, means, feed, spool, notices } =
    parts;
  const { adoption, calls, end, token } = parts;
  const { paths } = town;
  return [
    ['rigs', () => town.rigs.load()],
    ['launchers', () => writeLaunchers(paths, node, files.gt)],
    ['adoption', () => adoption.begin()],
    // Before anybody can ask for new work: a unit that is just being slung has no session yet either.
    ['handoffs', () => settleHandoffs(town)],
    ['worktrees', () => town.worktrees.settle((path) => isWorkedIn(town, path))],
    ['units without a session', () => settleAbandoned(town)],
    ['notices', () => notices.catchUp()],
    [
      channelPhase,
      async () => {
        const channel = await ChannelServer.listen(paths.socket, calls, log);
        const following = feed.onDidChange((snapshot) => channel.tellChange(snapshot));
        const showing = parts.onDidAskToShow((what) => channel.notify(showNotification, what));
        end.beforeHangingUp(() => channel.flush());
        means.add(paths.socket, () => channel.listenAnew());
        return {
          dispose: async () => {
            following.dispose();
            showing.dispose();
            await channel.close();
          },
        };
      },
    ],
    [
      'host file',
      async () => {
        const write = (): Promise<void> => writeHostFile(paths.hostFile, paths.socket, token);
        await write();
        means.add(spoolFolder(paths.root), () => spool.open());
        means.add(paths.hostFile, write);
        means.add(launcherOf(paths.bin), () => writeLaunchers(paths, node, files.gt));
        // Where the lock was lost to somebody else, the file is theirs.
        return { dispose: () => (lock.isInPlace() ? removeHostFile(paths.hostFile) : undefined) };
      },
    ],
    ['spool', () => spool.openIfPossible().then(() => spool)],
    [
      'means',
      () => {
        means.watch();
        return means;
      },
    ],
    [
      'reconciler',
      () => {
        // What has made them wait may be forgotten with the host before: the next attempt tells it anew.
        unblockQueued(town, 'the town was opened');
        reconciler.start();
        callings.catchUp();
        return reconciler;
      },
    ],
    [
      'merge queue',
      () => {
        mergeQueue.start();
        return mergeQueue;
      },
    ],
    [
      'pull requests',
      () => {
        pullRequests.start();
        return pullRequests;
      },
    ],
    [
      'forecast',
      () => {
        forecast.start();
        return forecast;
      },
    ],
    [
      'archive',
      () => {
        archive.start();
        return archive;
      },
    ],
  ];
}
