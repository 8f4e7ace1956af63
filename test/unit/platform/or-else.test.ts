import { expect, test } from 'vitest';
import * as zod from 'zod';
import * as z from 'zod/mini';
import { orElse } from '../../../shared/platform/or-else.ts';

const ours = z.looseObject({
  a: orElse(z.string(), 'x'),
  b: orElse(z.optional(z.number()), undefined),
  c: orElse(z.array(z.object({ l: z.string() })), []),
});
const theirs = zod.looseObject({
  a: zod.string().catch('x'),
  b: zod.number().optional().catch(undefined),
  c: zod.array(zod.object({ l: zod.string() })).catch([]),
});

test.each([
  {},
  { a: 1, b: 'q', c: [{ l: 1 }] },
  { a: 's', b: 2, c: [{ l: 'k' }] },
  { a: undefined, b: undefined },
  { a: null, c: {}, d: 4 },
])('makes of %j what Zod makes of it', (input) => expect(ours.parse(input)).toEqual(theirs.parse(input)));
