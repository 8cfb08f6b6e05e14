import { z } from 'zod';
import { addonName, migrationId, migrationRequest, rung, target } from '../../domain/model.ts';
import { defineStep, passingEnvironment } from '../../runtime/step.ts';

/** Throws RecoveryPending while what a stopped execution left behind is being put back. */
export const planSchema = defineStep('plan', {
  environment: passingEnvironment,
  cancellable: true,
  input: z.object({ migrationId, executionArn: z.string(), request: migrationRequest }),
  output: z.object({
    /** `planned`: it could go on, but a dry run was asked for. */
    verdict: z.enum(['migrate', 'already-migrated', 'planned', 'blocked']),
    target,
    addon: addonName,
    /** The plan's ladder, for the state machine's choices; the steps read theirs from the ledger. */
    ladder: z.array(rung.pick({ strategy: true, preserve: true })),
    /** Ids of the checks that block. */
    blockedBy: z.array(z.string()),
  }),
});
