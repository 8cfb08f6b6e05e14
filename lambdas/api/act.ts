/** POST /migrations/{id}/approval, /rollback and /cancel. */
import { sha256 } from '../domain/plan/hash.ts';
import type { Rollback } from '../domain/model.ts';
import type { HandlerDependencies } from '../ports/index.ts';
import { decideApproval as decide, type Refusal } from '../runtime/approving.ts';
import { requestCancel } from '../runtime/cancelling.ts';
import { requestRollback, type RollbackRequested } from '../runtime/rolling-back.ts';
import { utcNow } from '../runtime/utc.ts';
import { linksOf, migrationPath } from './links.ts';
import type { Call, Reply } from './operations.ts';
import { ApiProblem, type ProblemKind } from './problems.ts';
import { claimByKey } from './requesting.ts';
import { foundMigration } from './show.ts';

const REFUSED: Record<Refusal, ProblemKind> = {
  unknown: 'unknown-migration',
  barred: 'not-allowed-to-approve',
  'not-waiting': 'no-approval',
  'other-plan': 'no-approval',
  expired: 'no-approval',
  decided: 'no-approval',
};
/** Which field of the request is the wrong one, where it is one. */
const REFUSED_FIELDS: Partial<Record<Refusal, string>> = { unknown: 'path.id', 'other-plan': 'body.planHash' };

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

export async function decideApproval(
  { parameters: { id }, body, caller, prefix }: Call<'decideApproval'>,
  dependencies: HandlerDependencies,
): Promise<Reply<'decideApproval'>> {
  const decided = await decide(id, body, caller, dependencies);
  if ('refused' in decided) {
    const { [decided.refused]: field } = REFUSED_FIELDS;
    throw new ApiProblem(
      REFUSED[decided.refused],
      sentence(decided.why),
      field === undefined ? {} : { errors: [{ field, message: decided.why }] },
    );
  }
  const { approval } = decided;
  dependencies.telemetry.log.info('api: an approval was decided', {
    migrationId: id,
    caller,
    state: approval.state,
    planHash: approval.planHash,
  });
  return { body: { migrationId: id, approval, links: linksOf(prefix, await foundMigration(dependencies.ledger, id)) } };
}

export async function cancel(
  { parameters: { id }, body: { reason }, caller, prefix }: Call<'cancel'>,
  dependencies: HandlerDependencies,
): Promise<Reply<'cancel'>> {
  const record = await foundMigration(dependencies.ledger, id);
  const answer = await requestCancel(record, { migrationId: id, requestedBy: caller, reason }, dependencies);
  if ('refused' in answer) {
    const why =
      answer.refused === 'over'
        ? `it ended ${record.outcome ?? 'without an outcome'}`
        : 'it is being put back already, and the way back is never stopped';
    throw new ApiProblem('no-cancel', `Migration ${id} can't be stopped: ${why}.`);
  }
  dependencies.telemetry.log.info('api: a migration was asked to stop', { migrationId: id, caller });
  return { body: { ...answer.cancelled, links: linksOf(prefix, record) } };
}

/** One name for each time that it is asked for: the same key is the same time. `before`: it was asked for before. */
async function nameOf(
  { parameters: { id }, body: { reason, acceptCredentialGap }, caller, idempotencyKey }: Call<'rollBack'>,
  dependencies: HandlerDependencies,
): Promise<{ name: string; before: boolean }> {
  const { ids, clock } = dependencies;
  const asked = { rollBack: id, reason, ...(acceptCredentialGap === true ? { acceptCredentialGap } : {}) };
  const mine = {
    migrationId: ids.ulid(),
    fingerprint: sha256(asked),
    at: utcNow(clock),
    input: JSON.stringify(asked),
  };
  const claim = idempotencyKey === undefined ? mine : await claimByKey(idempotencyKey, caller, mine, dependencies);
  return { name: `${id}-${claim.migrationId}`, before: claim.migrationId !== mine.migrationId };
}

/** Of a refusal, why, with the link of what is under way. */
function notRolledBack({ refused, why }: Extract<RollbackRequested, { refused: string }>, self: string): ApiProblem {
  return refused === 'rolling-back'
    ? new ApiProblem('rolling-back', `${why}. Only one rollback runs at a time: follow that one.`, { links: { self } })
    : new ApiProblem('no-rollback', `${why}.`);
}

export async function rollBack(call: Call<'rollBack'>, dependencies: HandlerDependencies): Promise<Reply<'rollBack'>> {
  const {
    parameters: { id },
    body: { reason, acceptCredentialGap },
    caller,
    prefix,
  } = call;
  const { ledger, executions, telemetry } = dependencies;
  const record = await foundMigration(ledger, id);
  const { name, before } = await nameOf(call, dependencies);
  const executionArn = await executions.recoverArn(name);
  const self = migrationPath(prefix, id);
  const reply = async (rollback: Rollback, replayed: boolean): Promise<Reply<'rollBack'>> => {
    const now = await foundMigration(ledger, id);
    return {
      body: { migrationId: id, status: now.status, replayed, rollback, links: linksOf(prefix, now) },
      headers: { location: self },
    };
  };
  // It was carried out, and another one has come after it since.
  const { rollback: last } = record;
  if (before && last && last.id !== name && (await executions.describe(executionArn))) return reply(last, true);

  const asked = { requestedBy: caller, reason, acceptCredentialGap };
  const answer = await requestRollback(record, { migrationId: id, id: name, executionArn, ...asked }, dependencies);
  if ('refused' in answer) throw notRolledBack(answer, self);
  const { rollback, replayed } = answer;
  // What breaks off here is started when it is sent again, or by find-stranded.
  if (rollback.state === 'requested') await executions.startRollback(id, name, asked);
  telemetry.log.info('api: a rollback was accepted', { migrationId: id, caller, replayed });
  return reply(rollback, replayed);
}
