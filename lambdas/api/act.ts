/** POST /migrations/{id}/approval, /rollback and /cancel. */
import { sha256 } from '../domain/plan/hash.ts';
import type { Migration } from '../domain/model.ts';
import { nothingToPutBack } from '../domain/recovery.ts';
import type { HandlerDependencies } from '../ports/index.ts';
import { decideApproval as decide, type Refusal } from '../runtime/approving.ts';
import { requestCancel } from '../runtime/cancelling.ts';
import { utcNow } from '../runtime/utc.ts';
import { acceptedAs, linksOf, migrationPath } from './links.ts';
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

/** Why it can't be put back now, or undefined. */
function notBack(record: Migration): string | undefined {
  if (record.status === 'ended') return nothingToPutBack(record);
  if (record.recovery)
    return `Migration ${record.migrationId} is being put back, or finished, already, since ${record.recovery.startedAt}`;
  return `Migration ${record.migrationId} is still running: cancel it instead, and what it has changed is put back`;
}

/** One name for each time that it is asked for: the same key is the same time. */
async function nameOf(
  { parameters: { id }, body: { reason, acceptCredentialGap }, caller, idempotencyKey }: Call<'rollBack'>,
  dependencies: HandlerDependencies,
): Promise<string> {
  const { ids, clock } = dependencies;
  // Without it the same as before there was such a field: keys of then still count.
  const asked = { rollBack: id, reason, ...(acceptCredentialGap === true ? { acceptCredentialGap } : {}) };
  const mine = {
    migrationId: ids.ulid(),
    fingerprint: sha256(asked),
    at: utcNow(clock),
    input: JSON.stringify(asked),
  };
  const claim = idempotencyKey === undefined ? mine : await claimByKey(idempotencyKey, caller, mine, dependencies);
  return `${id}-${claim.migrationId}`;
}

export async function rollBack(call: Call<'rollBack'>, dependencies: HandlerDependencies): Promise<Reply<'rollBack'>> {
  const {
    parameters: { id },
    body: { reason, acceptCredentialGap },
    caller,
    prefix,
  } = call;
  const record = await foundMigration(dependencies.ledger, id);
  const name = await nameOf(call, dependencies);
  // Asked for before under the same key, and begun: whatever has become of it since.
  if (record.recovery?.executionArn.endsWith(`:${name}`) !== true) {
    const why = notBack(record);
    if (why !== undefined) throw new ApiProblem('no-rollback', `${why}.`);
    await dependencies.executions.startRollback(id, name, { requestedBy: caller, reason, acceptCredentialGap });
    dependencies.telemetry.log.info('api: a rollback was asked for', { migrationId: id, caller });
  }
  return { body: acceptedAs(prefix, id), headers: { location: migrationPath(prefix, id) } };
}
