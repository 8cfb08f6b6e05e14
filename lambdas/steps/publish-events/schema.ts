import { z } from 'zod';
import { defineStep } from '../../runtime/step.ts';

/**
 * Publishes the service's own events that the ledger has noted and that are not published yet. Runs when an execution
 * ends, and on a schedule.
 */
export const publishEventsSchema = defineStep('publish-events', {
  title: 'Publish events',
  input: z.strictObject({
    /**
     * The name of an execution of MigrateAddon or of Recover, which is or begins with a migration's id. If it is absent or
     * anything else, the events of all migrations are published.
     */
    name: z.string().max(80).optional(),
  }),
  output: z.object({
    /** The number of events that were published. */
    sent: z.number().int(),
  }),
});
