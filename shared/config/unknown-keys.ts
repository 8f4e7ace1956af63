import { z } from 'zod';

/** A key that the schema does not know, and those that it knows at that place. */
export interface UnknownKey {
  path: (string | number)[];
  known: string[];
}

/** Walks a value beside its schema and finds the keys that only `z.looseObject` let pass. */
export function unknownKeys(schema: unknown, value: unknown, path: (string | number)[] = []): UnknownKey[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)
    return unknownKeys(schema.unwrap(), value, path);
  if (!isObject(value)) return [];
  if (schema instanceof z.ZodRecord) {
    return Object.entries(value).flatMap(([key, item]) => unknownKeys(schema.valueType, item, [...path, key]));
  }
  if (!(schema instanceof z.ZodObject)) return [];
  const shape: Record<string, unknown> = schema.shape;
  const known = Object.keys(shape);
  return Object.entries(value).flatMap(([key, item]) =>
    Object.hasOwn(shape, key) ? unknownKeys(shape[key], item, [...path, key]) : [{ path: [...path, key], known }],
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
