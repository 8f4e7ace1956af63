import { z } from 'zod';

/** `worktrees` in the town's and the rigs' settings. */
export const worktreeSettings = z.looseObject({
  rebuildable: z
    .array(
      z
        .string()
        .regex(/[^*/.\s]/, 'Names at least one character that is not * / or .')
        .max(200),
    )
    .max(200)
    .meta({ examples: [['dist', 'build', 'apps/web/out']] })
    .describe(
      "What git ignores and a tool makes again, so that it may go with a worktree: names at any depth, or paths from the repository's top; `*` stands for anything within a name.",
    )
    .optional(),
});
