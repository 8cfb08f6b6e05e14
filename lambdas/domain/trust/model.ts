/**
 * What the service records about trust policies that it changes: zod schemas, part of the records in `domain/model.ts`.
 */
import { z } from 'zod';
import { isOneLine } from '../text.ts';

/** `repair`: adds a statement where the evaluation says that one is needed. */
export const trustMode = z.enum(['validate', 'repair']);
export type TrustMode = z.infer<typeof trustMode>;

/** A condition key's name, such as `aws:SourceIp`; IAM compares them in lower case. */
export const conditionKey = z
  .string()
  .max(512, { error: 'must have at most 512 characters', abort: true })
  .regex(/^[^\s*?:]+:[^*?]{1,255}$/, 'must be the name of a condition key such as aws:SourceIp')
  .refine(isOneLine, 'must be the name of a condition key, without control characters');

/** The change of one role's trust policy that a plan holds ready. */
export const trustRepair = z.object({
  roleArn: z.string(),
  /** The trust policy that it was made from, decoded JSON text. */
  before: z.string(),
  /** The whole policy as it will be written, JSON text without white space. */
  after: z.string(),
  /** The statement that is added. */
  statement: z.record(z.string(), z.unknown()),
});
export type TrustRepair = z.infer<typeof trustRepair>;

/** One change as the ledger keeps it: noted before it is written. */
export const trustChange = trustRepair.extend({
  notedAt: z.string(),
  /** When it was read back as written; absent while that is not known. */
  writtenAt: z.string().optional(),
  /** When it was undone, or found undone. */
  undoneAt: z.string().optional(),
});
export type TrustChange = z.infer<typeof trustChange>;

/**
 * What `retire` took out of one role's trust policy. `removed`: the statements as they were; `kept`: what is left of
 * those that also let others in.
 */
export const trustRetirement = z.object({
  roleArn: z.string(),
  before: z.string(),
  after: z.string(),
  removed: z.array(
    z.object({ statement: z.record(z.string(), z.unknown()), kept: z.record(z.string(), z.unknown()).optional() }),
  ),
  notedAt: z.string(),
  writtenAt: z.string().optional(),
  undoneAt: z.string().optional(),
  requestedBy: z.string().optional(),
  reason: z.string().optional(),
});
export type TrustRetirement = z.infer<typeof trustRetirement>;
