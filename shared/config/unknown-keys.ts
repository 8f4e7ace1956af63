import * as z from 'zod/mini';
import { isObject } from '../platform/objects.ts';

/** A key that the schema does not know, and those that it knows at that place. */
export interface UnknownKey {
  path: (string | number)[];
  known: string[];
}

/** Walks a value beside its schema and finds the keys that only `z.looseObject` let pass. */
export function unknownKeys(schema: unknown, value: unknown, path: (string | number)[] = []): UnknownKey[] {
  if (schema instanceof z.ZodMiniOptional || schema instanceof z.ZodMiniNullable)
    return unknownKeys(schema.def.innerType, value, path);
  if (!isObject(value)) return [];
  if (schema instanceof z.ZodMiniRecord) {
    return Object.entries(value).flatMap(([key, item]) => unknownKeys(schema.def.valueType, item, [...path, key]));
  }
  if (!(schema instanceof z.ZodMiniObject)) return [];
  const shape: Record<string, unknown> = schema.shape;
  const known = Object.keys(shape);
  return Object.entries(value).flatMap(([key, item]) =>
    Object.hasOwn(shape, key) ? unknownKeys(shape[key], item, [...path, key]) : [{ path: [...path, key], known }],
  );
}
