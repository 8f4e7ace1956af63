import * as z from 'zod/mini';

/**
 * A schema that takes anything, and makes of what does not fit, or is not there, this value. Zod's own `catch` does the same,
 * and brings 10 KB into the bundle by a namespace that no bundler can take apart.
 */
export function orElse<S extends z.ZodMiniType>(schema: S, value: z.output<S>): z.ZodMiniType<z.output<S>, unknown> {
  const taken = z.union([
    schema,
    z.pipe(
      z.unknown(),
      z.transform(() => value),
    ),
  ]);
  return (value === undefined ? z.optional(taken) : z._default(taken, value as never)) as z.ZodMiniType<
    z.output<S>,
    unknown
  >;
}
