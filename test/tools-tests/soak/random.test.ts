import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../soak/random.ts';
import { gtTurn, smallTurn, unitTurn } from '../../soak/turns.ts';
import { directiveIn } from '../../support/model/directive.ts';

const many = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.next());
const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('Random', () => {
  test('the same seed gives the same stream, another seed another one', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        expect(many(new Random(seed), 20)).toEqual(many(new Random(seed), 20));
      }),
    );
    expect(many(new Random(1), 20)).not.toEqual(many(new Random(2), 20));
  });

  test('numbers are spread evenly', () => {
    const numbers = many(new Random(7), 10_000);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const there = numbers.filter((number) => Math.floor(number * 10) === tenth).length;
      expect(there).toBeGreaterThan(900);
      expect(there).toBeLessThan(1100);
    }
  });

  test('choices stay within what there is to choose from', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: -5, max: 5 }), fc.nat(20), (seed, from, more) => {
        const random = new Random(seed);
        const number = random.between(from, from + more);
        expect(Number.isInteger(number) && number >= from && number <= from + more).toBe(true);
        expect(random.weighted({ never: 0, always: 3, neither: 0 })).toBe('always');
        expect(['a', 'b']).toContain(random.pick(['a', 'b']));
        expect(random.pick([])).toBeUndefined();
        expect(random.shuffled([3, 1, 2]).sort()).toEqual([1, 2, 3]);
        expect(random.gap(100)).toBeLessThanOrEqual(500);
      }),
    );
  });

  test('weights are kept', () => {
    const random = new Random(3);
    const picks = Array.from({ length: 4000 }, () => random.weighted({ rare: 1, often: 3 }));
    const rare = picks.filter((pick) => pick === 'rare').length;
    expect(rare).toBeGreaterThan(900);
    expect(rare).toBeLessThan(1100);
  });

  test('a stream that was split off does not depend on how often the first is asked afterwards', () => {
    const [one, two] = [new Random(5), new Random(5)];
    const [first, second] = [one.split(), two.split()];
    many(one, 3);
    expect(many(first, 10)).toEqual(many(second, 10));
    expect(many(first, 10)).not.toEqual(many(one, 10));
  });
});

test('what the model is to do can be read by it', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = new Random(seed);
      expect(() => directiveIn(smallTurn(random, 'soak 1'))).not.toThrow();
      expect(directiveIn(unitTurn(random, 'unit-1'))).not.toEqual([]);
    }),
  );
  expect(directiveIn(gtTurn('soak 1', "nudge a 'b'"))).toEqual([
    { tool: 'bash', args: { command: "gt nudge a 'b'" } },
    { text: 'Sent.' },
  ]);
});
