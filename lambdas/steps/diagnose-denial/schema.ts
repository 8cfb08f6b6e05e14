import { z } from 'zod';
import { denialAction, denialEnvelope } from '../../domain/events/denial.ts';
import { migrationId } from '../../domain/migration/model.ts';
import { defineStep, targetEnvironment } from '../../runtime/step.ts';

/**
 * By CloudTrail's event of an UpdateAddon that was denied as a cross-account pass role: starts a plan of the migration
 * that fixes it, or that migration.
 */
export const diagnoseDenialSchema = defineStep('diagnose-denial', {
  title: 'Diagnose a denied UpdateAddon',
  /** Events of ACCOUNT are taken, and of the other accounts in the settings file. */
  environment: targetEnvironment.extend({
    STATE_MACHINE_ARN: z.string().min(1),
    DENIAL_ACTION: denialAction,
    /** Hours for which the next denial of the same add-on leads to nothing. */
    QUIET_HOURS: z.string().regex(/^\d+$/),
  }),
  input: denialEnvelope,
  output: z.discriminatedUnion('did', [
    /** A migration was started for it, by this event or an earlier one whose reply was lost. */
    z.object({ did: z.literal('started'), migrationId }),
    /** An earlier event of the same add-on has started one. */
    z.object({ did: z.literal('known'), migrationId }),
    z.object({ did: z.enum(['ignored', 'refused']), why: z.string() }),
  ]),
});
