import { describe, expect, it } from 'vitest';
import { parseCim, parseLinuxStat, parsePs, wordAfter } from '../../../shared/platform/process-source.ts';
import { descendantsIn, familiesIn } from '../../../shared/platform/process-table.ts';

const row = (pid: number, parent: number, group = pid) => ({ pid, parent, group, startTime: `t${pid}` });

describe('process rows', () => {
  it('reads /proc/<pid>/stat, also where the name has brackets and spaces', () => {
    const text = '42 (a) b (c) S 7 40 40 0 -1 4194304 1 0 0 0 5 1 0 0 20 0 11 0 987654 1 1';
    expect(parseLinuxStat(text, 'boot')).toEqual({ pid: 42, parent: 7, group: 40, startTime: '987654@boot' });
  });

  it('takes a zombie for ended', () => {
    expect(parseLinuxStat('42 (a) Z 7 40 40 0 -1 4194304 1 0 0 0 5 1 0 0 20 0 11 0 987654 1 1', '')).toBeUndefined();
    expect(parsePs('42 7 40 Z Mon Nov 23 00:00:00 2026\n')).toEqual([]);
  });

  it('reads ps', () => {
    expect(parsePs('   42     7    40 Ss   Mon Nov 23 00:00:01 2026\n\n')).toEqual([
      { pid: 42, parent: 7, group: 40, startTime: 'Mon Nov 23 00:00:01 2026' },
    ]);
  });

  it('reads a variable in what ps -E prints', () => {
    const line = 'claude --settings GT_RUN=no.json GT_RUN_2=x GT_RUN=run_1 GT_TOWN_ROOT=/a town\n';
    expect([wordAfter(line, 'GT_RUN'), wordAfter(line, 'GT_ROLE')]).toEqual(['run_1', undefined]);
  });

  it('reads CIM', () => {
    const csv = '"ProcessId","ParentProcessId","S"\r\n"42","7","639000000000000000"\r\n';
    expect(parseCim(csv)).toEqual([{ pid: 42, parent: 7, group: 0, startTime: '639000000000000000' }]);
  });
});

describe('descendants', () => {
  it('are children of children, and members of the group whose parent is gone, with their children', () => {
    const rows = [row(1, 0), row(10, 1), row(11, 10), row(12, 11, 12), row(20, 1, 10), row(21, 20, 21), row(30, 1)];
    expect(
      descendantsIn(rows, 10)
        .map((found) => found.pid)
        .sort(),
    ).toEqual([11, 12, 20, 21]);
  });
});

describe('families', () => {
  it('have what hangs below their heads and what is in a group that one of them leads, but not who asks or is above it', () => {
    const heads = [row(10, 1), row(41, 40, 40)];
    const rows = [
      ...[row(1, 0), ...heads, row(11, 10, 10), row(12, 1, 10), row(13, 12, 13)],
      // Another one leads the group that a head is in.
      ...[row(40, 1), row(42, 40, 40)],
      ...[row(20, 1, 10), row(21, 20, 10)],
    ];
    const pids = familiesIn(rows, heads, 21).map(({ pid }) => pid);
    expect(pids.sort((a, b) => a - b)).toEqual([10, 11, 12, 13, 41]);
  });
});
