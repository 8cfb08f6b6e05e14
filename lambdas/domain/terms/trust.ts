/**
 * Zod schemas of what the service records about the trust policies that it changes. They are part of the records in
 * `domain/record/migration.ts`.
 */
import { z } from 'zod';
import { schemaNames, time } from '../text/schemas.ts';

/** `validate` only checks the trust policy; `repair` also adds a statement if the evaluation shows that one is missing. */
export const trustMode = z.enum(['validate', 'repair']);

/** A change of one role's trust policy that a plan proposes. */
export const trustRepair = z
  .object({
    roleArn: z.string().describe('ARN of the role.'),
    before: z.string().describe('Trust policy before the change: JSON text.'),
    after: z.string().describe('Trust policy after the change: JSON text without white space.'),
    statement: z.record(z.string(), z.unknown()).describe('The statement that is added.'),
  })
  .register(schemaNames, { name: 'TrustRepair' });
export type TrustRepair = z.infer<typeof trustRepair>;

/** One change as stored in the ledger, where it is recorded before it is written to IAM. */
export const trustChange = trustRepair
  .extend({
    notedAt: time.describe('When the change was recorded, before it was written.'),
    writtenAt: time.optional().describe('When the change was read back as written. Absent while that is not known.'),
    undoneAt: time.optional().describe('When the change was undone, or found undone.'),
  })
  .register(schemaNames, { name: 'TrustChange' });
export type TrustChange = z.infer<typeof trustChange>;

/**
 * What `retire` removed from one role's trust policy. `removed` holds the original statements; `kept` is what remains of
 * a statement that also allows other principals.
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
    reason: z.string().optional().describe('Reason, as the requester gave it.'),
  })
  .register(schemaNames, { name: 'TrustRetirement' });
export type TrustRetirement = z.infer<typeof trustRetirement>;
