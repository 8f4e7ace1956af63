import * as z from 'zod/mini';
import { isPattern } from '../domain/allow-pattern.ts';
import { roles } from '../domain/orchestrator.ts';

const pattern = z
  .string()
  .check(z.refine(isPattern, { error: 'must be a pattern such as "Bash(git status*)" or "edit(docs/*)"' }));

const patterns = z.array(pattern).check(z.meta({ examples: [['Bash(git status*)', 'bash(git status*)', 'Read(*)']] }));

const ofRole = (role: string) => z.optional(patterns.check(z.describe(`What a ${role} may do without asking.`)));

/** Unanswered for so long, a wait is escalated; in minutes. */
export const defaultEscalateAfter = 30;

/** `attention` of the town's settings: ours, not Gas Town's. */
export const attention = z
  .looseObject({
    escalate_after_minutes: z.optional(
      z
        .number()
        .check(
          z.minimum(0),
          z.describe(
            `After so many minutes without an answer, a wait for you is escalated, once. ${defaultEscalateAfter} when absent, 0 for never.`,
          ),
        ),
    ),
    allow: z.optional(
      z
        .looseObject(Object.fromEntries(roles.map((role) => [role, ofRole(role)])))
        .check(
          z.describe(
            'Permissions that are given without asking you, by role: `Tool(argument)`, where `*` stands for any characters. ' +
              'Every command of a shell line needs a pattern that fits.',
          ),
        ),
    ),
  })
  .check(z.describe('Sessions that wait for you: what may be answered without you, and when a wait is escalated.'));
