export const patternForm = /^([A-Za-z_][\w.-]*)\((.*)\)$/s;

/** Whether the text is a pattern at all. */
export const isPattern = (text: string): boolean => patternForm.test(text);
