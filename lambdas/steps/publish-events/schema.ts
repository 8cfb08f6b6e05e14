import { z } from 'zod';
import { defineStep } from '../../runtime/step.ts';

/**
 * When an execution ends, and by schedule: puts the service's own events on the bus, which the ledger has noted and
 * which were not put yet.
 */
export const publishEventsSchema = defineStep('publish-events', {
  title: 'Publish events',
  input: z.strictObject({
    /**
     * Of an execution of MigrateAddon, or of Recover: it is, or begins with, a migration's id. Left out, or any other:
     * all migrations are looked at.
     */
    name: z.string().max(80).optional(),
  }),
  output: z.object({
    /** Events that were put. */
    sent: z.number().int(),
  }),
});
