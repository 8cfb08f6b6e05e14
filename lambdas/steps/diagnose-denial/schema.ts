import { z } from 'zod';
import { denialEnvelope } from '../../domain/events/denial.ts';
import { migrationId } from '../../domain/text/names.ts';
import { denialEnvironment } from '../../runtime/step-settings.ts';
import { defineStep, targetEnvironment } from '../../runtime/step.ts';

/**
 * Starts a dry run of the migration that fixes a denied UpdateAddon, or that migration itself. It is triggered by
 * CloudTrail's event of an UpdateAddon that was denied as a cross-account pass role.
 */
export const diagnoseDenialSchema = defineStep('diagnose-denial', {
  title: 'Diagnose a denied UpdateAddon',
  /** Events are accepted from ACCOUNT and from the other accounts in the settings file. */
  environment: targetEnvironment.extend(denialEnvironment.shape).extend({ STATE_MACHINE_ARN: z.string().min(1) }),
  input: denialEnvelope,
  output: z.discriminatedUnion('did', [
    /** This event, or an earlier delivery of it whose reply was lost, has started a migration. */
    z.object({ did: z.literal('started'), migrationId }),
    /** An earlier event of the same add-on has started a migration. */
    z.object({ did: z.literal('known'), migrationId }),
    z.object({ did: z.enum(['ignored', 'refused']), why: z.string() }),
  ]),
});
