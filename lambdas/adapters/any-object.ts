/** Objects of any kind, as the API server has them: what is read of them is checked where it is read. */
import { z } from 'zod';
import { partOf } from '../domain/kubernetes/parts.ts';

/** The managers of fields are most of an object's text, and nobody who reads it this way needs them. */
const anObject = z
  .looseObject({})
  .transform(({ metadata, ...object }) =>
    typeof metadata === 'object' && metadata !== null && 'managedFields' in metadata
      ? { ...object, metadata: { ...metadata, managedFields: undefined } }
      : { ...object, metadata },
  );

/** Schemas by the fields of the spec that they keep, since a schema is compiled at its first use. */
const known = new Map<string, z.ZodType>();

/** Returns the schema of whole objects, or of those parts of them that are evaluated. A page is never kept as a whole. */
export function objectsWith(fields: readonly string[] | undefined): z.ZodType {
  if (fields === undefined) return anObject;
  const key = fields.join(' ');
  const schema = known.get(key) ?? z.looseObject({}).transform((object) => partOf(object, fields));
  known.set(key, schema);
  return schema;
}
