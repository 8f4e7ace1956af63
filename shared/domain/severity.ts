/** How much the user is needed, from "when there is time" to "now" (Gas Town's words). */
export const severities = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];
