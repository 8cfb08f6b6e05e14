/**
 * Asks for somebody's approval of the plan, and keeps the token under which the execution waits for it.
 * Idempotency: asked again about the same plan, the same request stands, under the new attempt's token: the one before
 * counts no more. What was decided under that one was never heard, so it is asked for anew.
 * Failure: ends `blocked`; nothing was changed. ApprovalExpired where the migration has waited too long before,
 * TooManyWaiting where as many wait already as may.
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
      `Migration ${migrationId} has waited for ${MOST_DAYS_BEFORE_BEGIN} days since ${record.startedAt}: no further approval is asked for. Nothing was changed. Start it again.`,
    );
  }
  await assertMayWait(record, dependencies);
  const last = record.approvals.at(-1);
  const again = last?.state === 'pending' && last.planHash === planHash ? last : undefined;
  // Nobody can approve a plan that is no longer the one to be carried out.
  if (last?.state === 'pending' && !again)
    await ledger.decideApproval(migrationId, {
      round: last.round,
      planHash: last.planHash,
      state: 'withdrawn',
      decidedAt: utcNow(clock),
    });
  const { round, expiresAt } = await ledger.putApproval(
    migrationId,
    again ?? {
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
