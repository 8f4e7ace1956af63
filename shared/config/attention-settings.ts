import { z } from 'zod';
import { isPattern } from '../attention/allow-list.ts';
import { roles } from '../orchestrator.ts';

const pattern = z
  .string()
  .refine(isPattern, { error: 'must be a pattern such as "Bash(git status*)" or "edit(docs/*)"' });

const ofRole = z.array(pattern).meta({ examples: [['Bash(git status*)', 'bash(git status*)', 'Read(*)']] });

/** Unanswered for so long, a wait is escalated; in minutes. */
export const defaultEscalateAfter = 30;

/** `attention` of the town's settings: ours, not Gas Town's. */
export const attention = z
  .looseObject({
    escalate_after_minutes: z
      .number()
      .min(0)
      .describe(
        `After so many minutes without an answer, a wait for you is escalated, once. ${defaultEscalateAfter} when absent, 0 for never.`,
      )
      .optional(),
    allow: z
      .looseObject(
        Object.fromEntries(
          roles.map((role) => [role, ofRole.describe(`What a ${role} may do without asking.`).optional()]),
        ),
      )
      .describe(
        'Permissions that are given without asking you, by role: `Tool(argument)`, where `*` stands for any characters. ' +
          'Every command of a shell line needs a pattern that fits.',
      )
      .optional(),
  })
  .describe('Sessions that wait for you: what may be answered without you, and when a wait is escalated.');
