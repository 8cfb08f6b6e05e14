import { z } from 'zod';
import { addonName, migrationId, migrationRequest, target } from '../../domain/model.ts';
import { defineStep } from '../../runtime/step.ts';

export const planSchema = defineStep('plan', {
  input: z.object({ migrationId, executionArn: z.string(), request: migrationRequest }),
  output: z.object({
    /** `planned`: it could go on, but a dry run was asked for. */
    verdict: z.enum(['migrate', 'already-migrated', 'planned', 'blocked']),
    target,
    addon: addonName,
    preserve: z.boolean(),
    /** Ids of the checks that block. */
    blockedBy: z.array(z.string()),
  }),
});
