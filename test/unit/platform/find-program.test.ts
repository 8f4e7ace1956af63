import { describe, expect, it } from 'vitest';
import { programCandidates } from '../../../shared/platform/find-program.ts';

describe('programCandidates', () => {
  it('looks along PATH on Unix, skipping empty entries', () => {
    expect(programCandidates('gt', { PATH: '/a::/b' }, '/cwd', 'linux')).toEqual(['/a/gt', '/b/gt']);
  });

  it('takes a path as it is', () => {
    expect(programCandidates('/opt/gt', { PATH: '/a' }, '/cwd', 'linux')).toEqual(['/opt/gt']);
    expect(programCandidates('./gt', { PATH: '/a' }, '/cwd', 'linux')).toEqual(['/cwd/gt']);
  });

  it('adds the endings of PATHEXT on Windows, whatever the case of the variables', () => {
    expect(programCandidates('gt', { Path: 'C:\\a', PathExt: '.EXE;.CMD' }, 'C:\\', 'win32')).toEqual([
      'C:\\a\\gt.exe',
      'C:\\a\\gt.cmd',
    ]);
    expect(programCandidates('gt.exe', { Path: 'C:\\a' }, 'C:\\', 'win32')).toEqual(['C:\\a\\gt.exe']);
  });

  it('finds nothing without a PATH', () => {
    expect(programCandidates('gt', {}, '/cwd', 'linux')).toEqual([]);
  });
});
