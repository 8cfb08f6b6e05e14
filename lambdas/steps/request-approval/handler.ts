/**
 * Requests an approval of the plan, and stores the token under which the execution waits for it.
 * Idempotency: a repeated request for the same plan keeps the open request, under the new attempt's token; the earlier
 * token no longer counts. A decision that was made under that one never reached the execution, so it is requested again.
 * Failure: the migration ends `blocked`; nothing was changed. Throws ApprovalExpired if the migration has waited too long
 * already, and TooManyWaiting if all waiting slots are in use.
 */
import { approvalNeeded } from '../../domain/events/outbox-events.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { approvalExpiry, deadlineOf, MOST_DAYS_BEFORE_BEGIN } from '../../domain/waiting/waiting.ts';
import { assertPlanIsOwn } from '../../use-cases/migration/plan-allowed.ts';
import { planOf, recordedMigration } from '../../use-cases/migration/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { utcNow, utcOf } from '../../runtime/utc.ts';
import { assertMayWait } from '../../use-cases/waiting/waiting-slots.ts';
import { requestApprovalSchema } from './schema.ts';

const run: StepRun<typeof requestApprovalSchema> = async (input, dependencies) => {
  const { ledger, clock } = dependencies;
  const { migrationId, planHash, taskToken } = input;
  const record = await recordedMigration(ledger, migrationId);
  assertPlanIsOwn(record, planOf(record), input);
  const now = clock.now();
  if (now >= deadlineOf(record)) {
    throw new MigrationError(
      'ApprovalExpired',
      `Migration ${migrationId} has waited for ${MOST_DAYS_BEFORE_BEGIN} days since ${record.startedAt}, so no further approval is requested. Nothing was changed. Start the migration again.`,
    );
  }
  await assertMayWait(record, dependencies);
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
      state: 'pending',
      requestedAt: utcOf(now),
      expiresAt: utcOf(approvalExpiry(record.request, record, now)),
    },
    { taskToken, at: now },
  );
  await ledger.addOutboxEvent(migrationId, approvalNeeded(round));
  return { round, expiresAt };
};

export const requestApprovalStep = step(requestApprovalSchema, run);
