/** Operations on migrations through the service's API only: its routes are the only permission needed. */
import { randomUUID } from 'node:crypto';
import { acceptField } from '../../lambdas/domain/acceptance/accept.ts';
import {
  accepted,
  approvalAnswer,
  cancelAnswer,
  listAnswer,
  type MigrationAnswer,
  rollbackAnswer,
} from '../../lambdas/api/answers.ts';
import { pendingApproval } from '../../lambdas/domain/approval/approval.ts';
import type { MigrationRequest } from '../../lambdas/domain/request/request.ts';
import type { MigrationFilter } from '../../lambdas/ports/index.ts';
import { notWaiting, undecidedAbout } from '../service/decide.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { Watcher } from '../service/follow.ts';
import { assertNotRefused } from '../service/rollback.ts';
import type { End } from '../service/run.ts';
import type { Listed, Service } from '../service/service.ts';
import type { Running, Shown } from '../service/show.ts';
import { apiSweeps, type ApiSweepsOptions } from './sweep.ts';
import { type Ask, timesOf } from './exchange.ts';
import { unreadable } from './problems.ts';
import { retireByApi } from './retire.ts';
import { getMigration, reportFrom, watch } from './watch.ts';

/** Migrations per page: the maximum of the API. */
const PAGE = 100;
/** Each page reads a thousand records: guards against an endless list. */
const MOST_PAGES = 1000;

export interface ApiServiceOptions extends ApiSweepsOptions {
  /** True if AWS is simulated. */
  simulated: boolean;
}

/** Returns path and body of the request. The API itself knows the requester; a plan waits for nothing. */
const bodyOf = ({ requestedBy: _requestedBy, dryRun, ...asked }: MigrationRequest): { path: string; body: object } => {
  if (!dryRun) return { path: '/migrations', body: asked };
  const { approval: _approval, approvalHours: _hours, changeWindow: _window, ...planned } = asked;
  return { path: '/plans', body: planned };
};

export const withoutOutcome = (
  name: string,
  what: string,
  { migrationId, executionStatus, executionArn }: MigrationAnswer,
): CliError =>
  new CliError(
    name,
    `${what} of migration ${migrationId} has no outcome: execution ${executionStatus ?? 'of unknown status'}`,
    `It has not been taken over for some minutes. Check it before you do anything else: pod-identity show ${migrationId} --deployed${executionArn === undefined ? '' : `\nExecution: ${executionArn}`}`,
    EXIT_CODES.unexpected,
  );

const runningFrom = (
  { status, outcome: _outcome, step: _step, links: _links, verification: _verification, ...answer }: MigrationAnswer,
  simulated: boolean,
): Running => {
  const {
    migrationId,
    target,
    addon,
    serviceAccount,
    strategy,
    startedAt,
    executionArn,
    executionStatus,
    plan,
    handOff,
    requester,
    correlation,
    applied,
    cancellation,
    recovery,
    rollback,
    retirement,
    waitingFor,
    approvals,
    steps,
  } = answer;
  return {
    migrationId,
    status: status === 'rolling-back' ? status : 'running',
    target,
    ...(addon === undefined ? {} : { addon }),
    ...(serviceAccount ? { serviceAccount } : {}),
    strategy,
    startedAt,
    ...(executionArn === undefined ? {} : { executionArn }),
    ...(executionStatus === undefined ? {} : { executionStatus }),
    ...(plan ? { plan } : {}),
    ...(handOff ? { handOff } : {}),
    ...(requester ? { requester } : {}),
    ...(correlation ? { correlation } : {}),
    ...(applied ? { applied } : {}),
    ...(cancellation ? { cancellation } : {}),
    ...(recovery ? { recovery } : {}),
    ...(rollback ? { rollback } : {}),
    ...(retirement ? { retirement } : {}),
    ...(waitingFor ? { waitingFor } : {}),
    ...(approvals.length > 0 ? { approvals } : {}),
    steps,
    simulated,
  };
};

const endFrom = (answer: MigrationAnswer, simulated: boolean, watcher: Watcher): End => {
  const {
    migrationId,
    verification: { left },
  } = answer;
  if (left) watcher.say(`${left.before + left.pods} pods are not shown, because the API returns only some of them.`);
  const report = reportFrom(answer, simulated);
  return report
    ? { migrationId, report }
    : { migrationId, failure: withoutOutcome('ExecutionFailed', 'the run', answer) };
};

const list = async (ask: Ask, { dryRun, ...filter }: MigrationFilter, limit: number): Promise<Listed> => {
  const migrations: Listed['migrations'] = [];
  let next: string | undefined;
  let pages = 0;
  do {
    pages += 1;
    if (pages > MOST_PAGES) throw unreadable('GET /migrations', `it has more than ${MOST_PAGES} pages`);
    const { value } = await ask({
      method: 'GET',
      path: '/migrations',
      query: {
        ...filter,
        ...timesOf(filter),
        dryRun: dryRun === undefined ? 'any' : String(dryRun),
        limit: String(Math.min(PAGE, limit - migrations.length)),
        next,
      },
      answer: listAnswer,
    });
    migrations.push(...value.migrations.map(({ links: _links, ...summary }) => summary));
    next = value.next;
  } while (next !== undefined && migrations.length < limit);
  return { migrations: migrations.slice(0, limit), more: next !== undefined };
};

const migrate = async (
  { ask, clock, simulated }: ApiServiceOptions,
  request: MigrationRequest,
  watcher: Watcher,
  onStart?: (migrationId: string) => void,
): Promise<End> => {
  // One key for this command, so that a request repeated after a lost answer starts no second migration.
  const { value } = await ask({
    method: 'POST',
    ...bodyOf(request),
    idempotencyKey: randomUUID(),
    answer: accepted,
  });
  onStart?.(value.migrationId);
  return endFrom(
    await watch(value.migrationId, ({ status }) => status === 'ended', {
      ask,
      clock,
      watcher,
      changeWindow: request.changeWindow,
    }),
    simulated,
    watcher,
  );
};

export const apiService = (options: ApiServiceOptions): Service => {
  const { ask, clock, simulated } = options;
  return {
    migrate: (request, watcher, onStart) => migrate(options, request, watcher, onStart),
    async rollBack({ migrationId, reason, accept }, watcher, onStart) {
      const before = (await getMigration(ask, migrationId)).value;
      await ask({
        method: 'POST',
        path: `/migrations/${migrationId}/rollback`,
        body: {
          ...(reason === undefined ? {} : { reason }),
          ...acceptField({ accept }),
        },
        idempotencyKey: randomUUID(),
        answer: rollbackAnswer,
      });
      onStart?.();
      const answer = await watch(migrationId, ({ status }) => status === 'ended', { ask, clock, watcher, before });
      assertNotRefused(answer);
      return endFrom(answer, simulated, watcher);
    },
    retire: (request, watcher, onStart) => retireByApi(options, request, watcher, onStart),
    async cancel({ migrationId, reason }) {
      const { value } = await ask({
        method: 'POST',
        path: `/migrations/${migrationId}/cancel`,
        body: reason === undefined ? {} : { reason },
        answer: cancelAnswer,
      });
      const { cancellation, first, begun, willEnd } = value;
      return { migrationId, cancellation, first, begun, ...(willEnd === undefined ? {} : { willEnd }) };
    },
    async lookUp(migrationId): Promise<Shown> {
      const { value } = await getMigration(ask, migrationId);
      const report = reportFrom(value, simulated);
      return report ? { ended: report } : { running: runningFrom(value, simulated) };
    },
    async undecided(migrationId) {
      const { approvals, plan, requester, requestedBy, reason, retirement } = (await getMigration(ask, migrationId))
        .value;
      const approval = pendingApproval(approvals);
      if (!approval) throw notWaiting(migrationId);
      return undecidedAbout(migrationId, approval, { plan, requester, requestedBy, reason }, retirement);
    },
    async decide(migrationId, decision) {
      const { value } = await ask({
        method: 'POST',
        path: `/migrations/${migrationId}/approval`,
        body: decision,
        answer: approvalAnswer,
      });
      return { migrationId, approval: value.approval };
    },
    list: (filter, limit) => list(ask, filter, limit),
    sweeps: () => apiSweeps(options),
  };
};
