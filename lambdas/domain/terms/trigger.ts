/** What makes the service start a migration, or a dry run, automatically. */
import { z } from 'zod';
import { plainText } from '../text/names.ts';
import { schemaNames, time } from '../text/schemas.ts';

/**
 * CloudTrail reported an UpdateAddon that EKS refused because it was to remove the add-on's role with an empty string.
 */
export const trigger = z
  .object({
    kind: z.literal('cross-account-pass-role').describe('Which rule started it.'),
    eventId: plainText(128).describe('Id of the CloudTrail event.'),
    at: time.describe('When the call was made.'),
    principal: plainText(512).optional().describe('Principal that made the call, as CloudTrail reports it.'),
    userAgent: plainText(512).optional().describe('Program that made the call, as CloudTrail reports it.'),
  })
  .register(schemaNames, { name: 'Trigger' });
export type Trigger = z.infer<typeof trigger>;
