/** What has the service start a migration, or a dry run of one, by itself. */
import { z } from 'zod';
import { plainText } from './names.ts';

/**
 * CloudTrail told of an UpdateAddon that was refused because the role was to be taken off the add-on by an empty
 * string.
 */
export const trigger = z.object({
  kind: z.literal('cross-account-pass-role'),
  /** CloudTrail's own id of the event. */
  eventId: plainText(128),
  at: z.string(),
  /** Who made the call, and with what, as CloudTrail says. */
  principal: plainText(512).optional(),
  userAgent: plainText(512).optional(),
});
export type Trigger = z.infer<typeof trigger>;
