import { z } from 'zod';
import { rigSettings } from './rig-settings.ts';
import { townSettings } from './town-settings.ts';

/**
 * The JSON schemas that the editor checks settings with, by file name. One schema serves every `settings/config.json`:
 * it chooses by the file's `type`, and does not judge files of any other type.
 */
export function jsonSchemas(): Record<string, object> {
  return {
    'settings-config.schema.json': {
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: 'Gas Town settings',
      properties: {
        type: {
          description: 'What this file holds: the settings of a town or of a rig.',
          examples: ['town-settings', 'rig-settings'],
        },
      },
      allOf: [whenType('town-settings', townSettings), whenType('rig-settings', rigSettings)],
    },
  };
}

function whenType(type: string, schema: z.ZodType): object {
  const then = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' });
  // Only a schema's root says which draft it is written in.
  delete then.$schema;
  return { if: { required: ['type'], properties: { type: { const: type } } }, then };
}
