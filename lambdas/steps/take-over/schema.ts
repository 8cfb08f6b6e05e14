import { z } from 'zod';
import { acceptOf } from '../../domain/acceptance/accept.ts';
import { migrationId, reason, requestedBy } from '../../domain/text/names.ts';
import { target, subjectName } from '../../domain/terms/subject.ts';
import { defineStep, LONGEST_LAMBDA_SECONDS, targetEnvironment, unknownFields } from '../../runtime/step.ts';

/**
 * The milliseconds for which a Lambda may still act after its execution has stopped. The clocks of Step Functions and
 * Lambda may differ by seconds.
 */
export const GRACE_MS = (LONGEST_LAMBDA_SECONDS + 15) * 1000;

/**
 * First step of Recover: takes over the locks of an execution that has stopped, or takes free locks for a rollback on
 * demand, and returns what the migration needs. Throws OwnerMayStillAct until that execution's Lambdas have certainly ended,
 * and RollbackRefused for a rollback that can't begin.
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
    accept: acceptOf('rollback').optional(),
    unknownFields,
  }),
  output: z.object({
    /**
     * `roll-back`: restore the former state. `finish`: the change was verified, only its end is not recorded. `release`:
     * nothing was begun, release the locks. `nothing`: the migration has ended, or another execution works on it.
     */
    action: z.enum(['roll-back', 'finish', 'release', 'nothing']),
    /** null if the ledger has no such migration. */
    target: target.nullable(),
    subject: subjectName.nullable(),
    /** 0 if no lock was taken. */
    fence: z.number().int().min(0),
    /** The index of the attempt that was under way. */
    attempt: z.number().int().min(0),
    /** Whether the migration has changed trust policies that are not restored yet. */
    repairsTrust: z.boolean(),
    /** Whether the migration has begun to remove the IRSA annotation from the service account. */
    removesAnnotation: z.boolean(),
    /** Why the migration is rolled back, in the form of Step Functions' errorOutput. */
    failure: z.object({ Error: z.string(), Cause: z.string() }),
  }),
  calls: { eks: 3, iam: 1 },
  patience: 'goes-on',
});
