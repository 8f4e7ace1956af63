import { describe, expect, it } from 'vitest';
import { backends } from '../../../shared/host/backends.ts';
import { jsonSchemas } from '../../../shared/config/json-schema.ts';

interface Branch {
  if: { properties: { type: { const: string } } };
  then: {
    required: string[];
    properties: Record<string, { description?: string; enum?: string[] }>;
    additionalProperties: unknown;
  };
}

const schema = jsonSchemas(backends)['settings-config.schema.json'] as { $schema: string; allOf: Branch[] };

describe('the JSON schema of settings/config.json', () => {
  it('chooses by type', () => {
    expect(schema.allOf.map((branch) => branch.if.properties.type.const)).toEqual(['town-settings', 'rig-settings']);
  });

  it('explains every key', () => {
    for (const { then } of schema.allOf) {
      const silent = Object.entries(then.properties).filter(([, property]) => !property.description);
      expect(silent.map(([key]) => key)).toEqual([]);
    }
  });

  it('lets unknown keys pass', () => {
    for (const { then } of schema.allOf) expect(then.additionalProperties).toEqual({});
  });

  it('says once in which draft it is written', () => {
    expect(JSON.stringify(schema).match(/\$schema/g)).toHaveLength(1);
  });
});
