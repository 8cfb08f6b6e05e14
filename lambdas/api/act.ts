/** POST /migrations/{id}/approval, /rollback and /cancel. */
import { sha256 } from '../domain/plan/hash.ts';
import type { Rollback } from '../domain/model.ts';
import type { HandlerDependencies } from '../ports/index.ts';
import { decideApproval as decide, type Refusal } from '../runtime/approving.ts';
import { requestCancel } from '../runtime/cancelling.ts';
import { requestRollback, type RollbackRequested } from '../runtime/rolling-back.ts';
import { utcNow } from '../runtime/utc.ts';
import { againLater } from './later.ts';
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

/** What the answers to all actions on a migration have in common. */
async function ofAction<Action extends 'approval' | 'cancel' | 'rollback'>(
  action: Action,
  { id, first, prefix }: { id: string; first: boolean; prefix: string },
  { ledger }: Pick<HandlerDependencies, 'ledger'>,
) {
  const record = await foundMigration(ledger, id);
  const { migrationId, status } = record;
  return {
    body: { action, migrationId, status, first, links: linksOf(prefix, record) },
    headers: { location: migrationPath(prefix, id) },
  };
}

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
  const { approval, first } = decided;
  dependencies.telemetry.log.info('api: an approval was decided', {
    migrationId: id,
    caller,
    state: approval.state,
    planHash: approval.planHash,
  });
  const common = await ofAction('approval', { id, first, prefix }, dependencies);
  return { body: { ...common.body, approval }, headers: { ...common.headers, ...againLater(common.body) } };
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
  const { first, cancellation, begun, willEnd } = answer.cancelled;
  const { body, headers } = await ofAction('cancel', { id, first, prefix }, dependencies);
  return { body: { ...body, cancellation, begun, willEnd }, headers };
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
    correlation,
    prefix,
  } = call;
  const { ledger, executions, telemetry } = dependencies;
  const record = await foundMigration(ledger, id);
  const { name, before } = await nameOf(call, dependencies);
  const executionArn = await executions.recoverArn(name);
  const self = migrationPath(prefix, id);
  const reply = async (rollback: Rollback, first: boolean): Promise<Reply<'rollBack'>> => {
    const { body, headers } = await ofAction('rollback', { id, first, prefix }, dependencies);
    return { body: { ...body, rollback }, headers };
  };
  // It was carried out, and another one has come after it since.
  const { rollback: last } = record;
  if (before && last && last.id !== name && (await executions.describe(executionArn))) return reply(last, false);

  const asked = { requestedBy: caller, reason, acceptCredentialGap };
  const answer = await requestRollback(
    record,
    { migrationId: id, id: name, executionArn, correlation, ...asked },
    dependencies,
  );
  if ('refused' in answer) throw notRolledBack(answer, self);
  const { rollback, replayed } = answer;
  // What breaks off here is started when it is sent again, or by find-stranded.
  if (rollback.state === 'requested') await executions.startRollback(id, name, asked);
  telemetry.log.info('api: a rollback was accepted', { migrationId: id, caller, replayed });
  return reply(rollback, !replayed);
}
