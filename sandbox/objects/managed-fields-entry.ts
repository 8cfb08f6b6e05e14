/** The entries of `metadata.managedFields`. */
import { z } from 'zod';
import type { FieldSet } from './field-sets.ts';

const fieldSet: z.ZodType<FieldSet> = z.lazy(() => z.record(z.string(), fieldSet));
/** The entries that a client sends. The API server keeps its own if one of them is not valid. */
export const managedFieldsEntries = z.array(
  z.strictObject({
    manager: z.string(),
    operation: z.enum(['Apply', 'Update']),
    apiVersion: z.string().min(1),
    time: z.string().exactOptional(),
    fieldsType: z.literal('FieldsV1'),
    fieldsV1: fieldSet,
    subresource: z.string().exactOptional(),
  }),
);

/** `time`: undefined if the manager's writes never changed the object. */
export type ManagedFieldsEntry = z.output<typeof managedFieldsEntries>[number];

/** The entries of an object; `untracked` if a client has reset them: the next apply starts them again. */
export type Owners = readonly ManagedFieldsEntry[] | 'untracked';
