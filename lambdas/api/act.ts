/** POST /migrations/{id}/approval, /rollback, /retire and /cancel. */
import { acceptField } from '../domain/acceptance/accept.ts';
import type { Retirement } from '../domain/record/retirement.ts';
import type { Rollback } from '../domain/record/rollback.ts';
import type { HandlerDependencies } from '../ports/index.ts';
import { tooFewSoakDays } from '../use-cases/retirement/hold.ts';
import { askedOf, requestRetirement } from '../use-cases/retirement/request.ts';
import { decideApproval as decide, type Refusal } from '../use-cases/approval/decide.ts';
import { requestCancel } from '../use-cases/migration/cancel.ts';
import { requestRollback, type RollbackRequested } from '../use-cases/rollback/request.ts';
import { retryLater } from './later.ts';
import { linksOf, migrationPath } from './links.ts';
import type { Call, Reply } from './operations.ts';
import { ApiProblem, type ProblemKind } from './problems.ts';
import { nameByKey } from './idempotency.ts';
import { foundMigration } from './show.ts';

const REFUSED: Record<Refusal, ProblemKind> = {
  unknown: 'unknown-migration',
  barred: 'not-allowed-to-approve',
  'not-waiting': 'no-approval',
  'other-plan': 'no-approval',
  expired: 'no-approval',
  decided: 'no-approval',
};
/** The field of the request that is wrong, for refusals that concern a single field. */
const REFUSED_FIELDS: Partial<Record<Refusal, string>> = { unknown: 'path.id', 'other-plan': 'body.planHash' };

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** Returns what the answers to all actions on a migration have in common. */
async function ofAction<Action extends 'approval' | 'cancel' | 'rollback' | 'retire'>(
  action: Action,
  { id, first, prefix }: { id: string; first: boolean; prefix: string },
  { ledger, settings }: Pick<HandlerDependencies, 'ledger' | 'settings'>,
) {
  const record = await foundMigration(ledger, id);
  const { migrationId, status } = record;
  return {
    body: { action, migrationId, status, first, links: linksOf(prefix, record, settings) },
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
  return { body: { ...common.body, approval }, headers: { ...common.headers, ...retryLater(common.body) } };
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
        : 'it is already being rolled back, and a rollback cannot be cancelled';
    throw new ApiProblem('no-cancel', `Migration ${id} cannot be cancelled: ${why}.`);
  }
  dependencies.telemetry.log.info('api: a cancellation was requested', { migrationId: id, caller });
  const { first, cancellation, begun, willEnd } = answer.cancelled;
  const { body, headers } = await ofAction('cancel', { id, first, prefix }, dependencies);
  return { body: { ...body, cancellation, begun, willEnd }, headers };
}

/** Returns the problem for a refused rollback, with a link to the rollback in progress. */
function notRolledBack({ refused, why }: Extract<RollbackRequested, { refused: string }>, self: string): ApiProblem {
  return refused === 'rolling-back'
    ? new ApiProblem('rolling-back', `${why}. Only one rollback runs at a time. Follow the one in progress.`, {
        links: { self },
      })
    : new ApiProblem('no-rollback', `${why}.`);
}

export async function rollBack(call: Call<'rollBack'>, dependencies: HandlerDependencies): Promise<Reply<'rollBack'>> {
  const {
    parameters: { id },
    body: { reason, accept },
    caller,
    correlation,
    prefix,
  } = call;
  const { ledger, executions, telemetry } = dependencies;
  const record = await foundMigration(ledger, id);
  const wish = { rollBack: id, reason, ...acceptField({ accept }) };
  const { name, before } = await nameByKey(call, wish, dependencies);
  const executionArn = await executions.recoverArn(name);
  const self = migrationPath(prefix, id);
  const reply = async (rollback: Rollback, first: boolean): Promise<Reply<'rollBack'>> => {
    const { body, headers } = await ofAction('rollback', { id, first, prefix }, dependencies);
    return { body: { ...body, rollback }, headers };
  };
  // This request was carried out earlier, and a later one has replaced it in the record.
  const { rollback: last } = record;
  if (before && last && last.id !== name && (await executions.describe(executionArn))) return reply(last, false);

  const asked = { requestedBy: caller, reason, accept };
  const answer = await requestRollback(
    record,
    { migrationId: id, id: name, executionArn, correlation, ...asked },
    dependencies,
  );
  if ('refused' in answer) throw notRolledBack(answer, self);
  const { rollback, replayed } = answer;
  // If this call fails, the execution is started when the request is sent again, or by find-stranded.
  if (rollback.state === 'requested') await executions.startRollback(id, name, asked);
  telemetry.log.info('api: a rollback was accepted', { migrationId: id, caller, replayed });
  return reply(rollback, !replayed);
}

const NOT_ENABLED =
  'This deployment may not change the trust policy of any role: its setting repairableRoleArns is not set, so it has no state machine Retire. Nothing was changed. Set repairableRoleArns to ARN patterns of the roles whose trust policy it may change, deploy again, then repeat the request.';

export async function retire(call: Call<'retire'>, dependencies: HandlerDependencies): Promise<Reply<'retire'>> {
  const {
    parameters: { id },
    body,
    caller,
    correlation,
    prefix,
  } = call;
  const { ledger, executions, settings, telemetry } = dependencies;
  const record = await foundMigration(ledger, id);
  if (settings.retires !== true) throw new ApiProblem('not-enabled', NOT_ENABLED);
  const soak = tooFewSoakDays(body, settings);
  if (soak !== undefined)
    throw new ApiProblem('invalid-request', `The field soakDays ${soak}. Nothing was started.`, {
      errors: [{ field: 'body.soakDays', message: soak }],
    });
  const { name, before } = await nameByKey(call, { retire: id, ...body }, dependencies);
  const executionArn = await executions.retireArn(name);
  const reply = async (retirement: Retirement, first: boolean): Promise<Reply<'retire'>> => {
    const common = await ofAction('retire', { id, first, prefix }, dependencies);
    return { body: { ...common.body, retirement }, headers: common.headers };
  };
  // This request was carried out earlier, and a later one has replaced it in the record.
  const { retirement: last } = record;
  if (before && last && last.id !== name && (await executions.describe(executionArn))) return reply(last, false);

  const asked = askedOf({ ...body, requestedBy: caller });
  const answer = await requestRetirement(
    record,
    { id: name, executionArn, correlation, requester: { source: 'api', principal: caller }, ...asked },
    dependencies,
  );
  if ('refused' in answer)
    throw new ApiProblem(
      'retiring',
      `A retirement of migration ${id} has been in progress since ${answer.standing.startedAt}. Nothing was started. Only one retirement runs at a time. Follow the one in progress${answer.standing.waitingFor?.what === 'approval' ? ', or reject it' : ''}.`,
      { links: { self: migrationPath(prefix, id) } },
    );
  const { retirement, replayed } = answer;
  // If this call fails, the execution is started when the request is sent again, or by find-stranded.
  if (retirement.state === 'requested') await executions.startRetirement(id, name, asked);
  telemetry.log.info('api: a retirement was accepted', { migrationId: id, caller, replayed });
  return reply(retirement, !replayed);
}
