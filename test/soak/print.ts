import type { SoakReport } from './figures.ts';

/** Pure. The figures for people, a line each. */
export function linesOf({ sessions, seconds, messages, work, orphans, latencyMs, faults }: SoakReport): string[] {
  const pairs = (figures: object): string =>
    Object.entries(figures)
      .map(([name, value]) => `${String(value)} ${words(name)}`)
      .join(', ');
  const width = Math.max(8, ...Object.keys(latencyMs).map((state) => state.length));
  const delays = Object.entries(latencyMs).map(
    ([state, { p50, p95, max }]) => `  ${state.padEnd(width)}  p50 ${ms(p50)}  p95 ${ms(p95)}  max ${ms(max)}`,
  );
  return [
    `soak of ${seconds} s with ${sessions} sessions`,
    `messages: ${pairs(messages)}`,
    `work:     ${pairs(work)}`,
    `faults:   ${pairs(faults)}`,
    `orphans:  ${orphans}`,
    'accepted to delivered, by the state of the target:',
    ...(delays.length === 0 ? ['  nothing was delivered'] : delays),
  ];
}

/** `markedRepeated` → `marked repeated`. */
const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
const ms = (value: number): string => `${String(value).padStart(6)} ms`;
