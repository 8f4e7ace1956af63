import type { AgentVariables } from '../../../shared/platform/inherited-environment.ts';

export const variables: AgentVariables = { marks: [], own: [/^THIRD_/], refused: [], alone: true };
