import { z } from 'zod';
import { migrationId, reason, requestedBy, target } from '../../domain/migration/model.ts';
import { subjectName } from '../../domain/migration/subject.ts';
import { defineStep, LONGEST_LAMBDA_SECONDS, targetEnvironment, unknownFields } from '../../runtime/step.ts';

/**
 * How long after its execution has stopped a Lambda may still act, milliseconds. The clocks of Step Functions and
 * Lambda need not agree to the second.
 */
export const GRACE_MS = (LONGEST_LAMBDA_SECONDS + 15) * 1000;

/**
 * Recover's first step: takes the locks over from an execution that has stopped, or takes free ones for a rollback on
 * demand, and says what the migration needs. Throws OwnerMayStillAct until that execution's Lambdas are certainly over,
 * RollbackRefused for a rollback that can't be begun.
 */
export const takeOverSchema = defineStep('take-over', {
  title: 'Take over the migration',
  environment: targetEnvironment,
  input: z.object({
    migrationId,
    executionArn: z.string(),
    cause: z.enum(['stranded', 'requested']),
    requestedBy: requestedBy.optional(),
    reason: reason.optional(),
    /** Goes back even where pods may be without credentials before all of them are replaced. */
    acceptCredentialGap: z.boolean().optional(),
    unknownFields,
  }),
  output: z.object({
    /**
     * `roll-back`: put back what was. `finish`: the change was verified, only the end is not recorded. `release`:
     * nothing was begun, the locks go. `nothing`: the migration is over, or another execution works on it.
     */
    action: z.enum(['roll-back', 'finish', 'release', 'nothing']),
    /** null where the ledger has no such migration. */
    target: target.nullable(),
    subject: subjectName.nullable(),
    /** 0 where no lock was taken. */
    fence: z.number().int().min(0),
    /** Index of the way that was being tried. */
    attempt: z.number().int().min(0),
    /** Whether the migration has changed trust policies that are not as before again. */
    repairsTrust: z.boolean(),
    /** Whether it set about to take the IRSA annotation off the service account. */
    removesAnnotation: z.boolean(),
    /** Why the migration is put back, as Step Functions' errorOutput has it. */
    failure: z.object({ Error: z.string(), Cause: z.string() }),
  }),
  calls: { eks: 3, iam: 1 },
  patience: 'goes-on',
});
