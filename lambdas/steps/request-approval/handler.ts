/**
 * Requests an approval of the plan, or of what an operation changes, and stores the token under which the execution waits for it.
 * Idempotency: a repeated request for the same plan keeps the open request, under the new attempt's token; the earlier
 * token no longer counts. A decision that was made under that one never reached the execution, so it is requested again.
 * Failure: the migration ends `blocked`; nothing was changed. Throws ApprovalExpired if the migration has waited too long
 * already, and TooManyWaiting if all waiting slots are in use.
 */
import { OPERATION_APPROVAL_HOURS, operationTitle } from '../../domain/waiting/operations.ts';
import { approvalNeeded } from '../../domain/events/outbox-events.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { approvalExpiry, deadlineOf, MOST_DAYS_BEFORE_BEGIN } from '../../domain/waiting/waiting.ts';
import { assertPlanIsOwn } from '../../use-cases/migration/plan-allowed.ts';
import { planOf, recordedMigration } from '../../use-cases/record/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { utcNow, utcOf } from '../../runtime/utc.ts';
import { noteOperationWait, operationOfExecution } from '../../use-cases/waiting/operation.ts';
import { assertMayWait, operationAsked } from '../../use-cases/waiting/waiting-slots.ts';
import { requestApprovalSchema } from './schema.ts';

const run: StepRun<typeof requestApprovalSchema> = async (input, dependencies) => {
  const { ledger, clock } = dependencies;
  const { migrationId, planHash, taskToken } = input;
  const record = await recordedMigration(ledger, migrationId);
  const operation = operationOfExecution(record, input);
  if (!operation) assertPlanIsOwn(record, planOf(record), input);
  const since = operation ?? record;
  const now = clock.now();
  if (now >= deadlineOf(since)) {
    throw new MigrationError(
      'ApprovalExpired',
      `Migration ${migrationId} has waited for ${MOST_DAYS_BEFORE_BEGIN} days since ${since.startedAt}, so no further approval is requested. Nothing was changed. Start ${operation ? `the ${input.operation}` : 'the migration'} again.`,
    );
  }
  await assertMayWait(operation ? operationAsked(record, operation) : record, dependencies);
  const last = record.approvals.at(-1);
  const open = last?.state === 'pending' && last.planHash === planHash ? last : undefined;
  // A plan that will not be carried out can't be approved.
  if (last?.state === 'pending' && !open)
    await ledger.decideApproval(migrationId, {
      round: last.round,
      planHash: last.planHash,
      state: 'withdrawn',
      decidedAt: utcNow(clock),
    });
  const { round, expiresAt } = await ledger.putApproval(
    migrationId,
    open ?? {
      round: (last?.round ?? 0) + 1,
      planHash,
      ...(input.operation === undefined ? {} : { operation: input.operation }),
      state: 'pending',
      requestedAt: utcOf(now),
      expiresAt: utcOf(
        approvalExpiry(operation ? { approvalHours: OPERATION_APPROVAL_HOURS } : record.request, since, now),
      ),
    },
    { taskToken, at: now },
  );
  if (operation)
    await noteOperationWait(ledger, record, {
      what: 'approval',
      since: utcOf(now),
      until: expiresAt,
      text: `The ${operationTitle(record)} waits for an approval of what it changes.`,
    });
  await ledger.addOutboxEvent(migrationId, approvalNeeded(round));
  return { round, expiresAt };
};

export const requestApprovalStep = step(requestApprovalSchema, run);
