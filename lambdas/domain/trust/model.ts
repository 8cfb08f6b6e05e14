/**
 * What the service records about trust policies that it changes: zod schemas, part of the records in `domain/migration/model.ts`.
 */
import { z } from 'zod';
import { isOneLine, PORTABLE_CONTROL } from '../text/text.ts';
import { schemaNames, time } from '../text/schemas.ts';

/** `repair`: adds a statement where the evaluation says that one is needed. */
export const trustMode = z.enum(['validate', 'repair']);
export type TrustMode = z.infer<typeof trustMode>;

/** A condition key's name, such as `aws:SourceIp`; IAM compares them in lower case. */
export const conditionKey = z
  .string()
  .max(512, { error: 'must have at most 512 characters', abort: true })
  .regex(/^[^\s*?:]+:[^*?]{1,255}$/, 'must be the name of a condition key such as aws:SourceIp')
  .refine(isOneLine, 'must be the name of a condition key, without control characters')
  // Both rules at once.
  .meta({ pattern: `^[^\\s*?:${PORTABLE_CONTROL}]+:[^*?${PORTABLE_CONTROL}]{1,255}$` });

/** The change of one role's trust policy that a plan holds ready. */
export const trustRepair = z
  .object({
    roleArn: z.string().describe('ARN of the role.'),
    before: z.string().describe('Trust policy before the change: JSON text.'),
    after: z.string().describe('Trust policy after the change: JSON text without white space.'),
    statement: z.record(z.string(), z.unknown()).describe('The statement that is added.'),
  })
  .register(schemaNames, { name: 'TrustRepair' });
export type TrustRepair = z.infer<typeof trustRepair>;

/** One change as the ledger keeps it: noted before it is written. */
export const trustChange = trustRepair
  .extend({
    notedAt: time.describe('When the change was recorded, before it was written.'),
    writtenAt: time.optional().describe('When the change was read back as written. Absent while that is not known.'),
    undoneAt: time.optional().describe('When the change was undone, or found undone.'),
  })
  .register(schemaNames, { name: 'TrustChange' });
export type TrustChange = z.infer<typeof trustChange>;

/**
 * What `retire` took out of one role's trust policy. `removed`: the statements as they were; `kept`: what is left of
 * those that also let others in.
 */
export const trustRetirement = z
  .object({
    roleArn: z.string().describe('ARN of the role.'),
    before: z.string().describe('Trust policy before the change: JSON text.'),
    after: z.string().describe('Trust policy after the change: JSON text.'),
    removed: z
      .array(
        z
          .object({
            statement: z.record(z.string(), z.unknown()).describe('The statement as it was.'),
            kept: z
              .record(z.string(), z.unknown())
              .optional()
              .describe('What is left of the statement, if it also allows other principals.'),
          })
          .register(schemaNames, { name: 'RemovedStatement' }),
      )
      .describe('The statements that were removed.'),
    notedAt: time.describe('When the change was recorded, before it was written.'),
    writtenAt: time.optional().describe('When the change was read back as written. Absent while that is not known.'),
    undoneAt: time.optional().describe('When the change was undone, or found undone.'),
    requestedBy: z.string().optional().describe('Who requested it, as the request states it.'),
    reason: z.string().optional().describe('Why, in the words of the requester.'),
  })
  .register(schemaNames, { name: 'TrustRetirement' });
export type TrustRetirement = z.infer<typeof trustRetirement>;
