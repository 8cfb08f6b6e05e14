/** Handles a sweep's migrations in flight: how they are requested, and how they end. */
import { classOf } from '../../domain/failures/errors.ts';
import type { Failure, Outcome } from '../../domain/terms/outcome.ts';
import type { Migration } from '../../domain/record/migration.ts';
import type { MigrationRequest } from '../../domain/request/request.ts';
import type { Verified } from '../../domain/terms/levels.ts';
import { isRunning } from '../../domain/rollback/recovery.ts';
import { requestOf as planRequestOf } from '../../domain/sweep/items.ts';
import type { Sweep, SweepItem } from '../../domain/sweep/model.ts';
import { isSelected } from '../../domain/sweep/selection.ts';
import { endOf } from '../../domain/sweep/waves.ts';
import { subjectOf, subjectText } from '../../domain/terms/subject.ts';
import type { ExecutionState, HandlerDependencies } from '../../ports/index.ts';
import { failureOf } from '../../runtime/failures.ts';
import { busyRefusal, busyWith } from '../migration/subject-busy.ts';

/** The most characters of a reason: see `reason` in `names.ts`. */
const LONGEST_REASON = 1024;

/** Returns the request for a migration of the sweep. A sweep that plans requests dry runs. */
export function requestOf(
  { sweepId, request }: Pick<Sweep, 'sweepId' | 'request'>,
  { account, region, cluster, addon }: Pick<SweepItem, 'account' | 'region' | 'cluster' | 'addon'>,
): MigrationRequest {
  const { mode, requestedBy, reason } = request;
  const why = `sweep ${sweepId}${reason === undefined ? '' : `: ${reason}`}`;
  return {
    ...planRequestOf(request, { account, region, cluster }, addon, mode === 'plan'),
    requestedBy,
    reason: why.slice(0, LONGEST_REASON),
  };
}

const MINUTE = 60_000;
/**
 * Step Functions may not know an execution yet that was just started (API Reference, DescribeExecution: eventually
 * consistent), and a Lambda of an execution that was just stopped may still write the record.
 */
const SETTLED_AFTER = 2 * MINUTE;
/** A migration that could not be started by then, because of an error that does not pass, is given up. */
const GIVEN_UP_AFTER = 15 * MINUTE;
/** Recover begins within 5 minutes of a stop, and may take 9 hours; each of its executions notes itself in the record. */
const RECOVERED_AFTER = 60 * MINUTE;
/**
 * Every how many polls the executions of long-running migrations are checked: every 5 minutes, since DescribeExecution is
 * limited to about 15 calls a second in an account.
 */
const DETAILED_POLL_EVERY = 15;

/** `outcome` is undefined for a migration that ended without one. For `heldBy` and `refused`, see `sweepItem`. */
export interface End {
  outcome: Outcome | undefined;
  verified?: Verified;
  failure?: Failure;
  heldBy?: string;
  refused?: true;
  endedAt?: string;
}
/** A migration in flight. `held`: it was never started, and must not be started now. */
export interface Flight {
  item: SweepItem;
  record: Migration | undefined;
  end?: End;
  held?: boolean;
}

type Ports = Pick<HandlerDependencies, 'executions' | 'clock' | 'ledger'>;

const withoutOutcome = (message: string): End => ({ outcome: undefined, failure: { name: 'NoOutcome', message } });

const ageOf = ({ begunAt }: SweepItem, { clock }: Ports): number =>
  begunAt === undefined ? 0 : clock.now() - Date.parse(begunAt);

/** Returns the milliseconds since an execution stopped; an execution that Step Functions no longer knows stopped long ago. */
const sinceStop = (execution: ExecutionState | undefined, { clock }: Ports): number =>
  clock.now() - (execution?.stoppedAt === undefined ? 0 : Date.parse(execution.stoppedAt));

/** Returns the status of an execution that no longer runs, for a message. */
const leftAs = (execution: ExecutionState | undefined): string =>
  execution ? `ended ${execution.status}` : 'is no longer known to Step Functions';

/** Starts the migration again, which has an effect only once. Returns the end if it can't be started by any number of tries. */
async function startAgain(item: SweepItem, sweep: Sweep, ports: Ports): Promise<End | undefined> {
  try {
    await ports.executions.startMigration(item.migrationId, requestOf(sweep, item));
    return undefined;
  } catch (error) {
    const { name, message } = failureOf(error);
    if (ageOf(item, ports) < GIVEN_UP_AFTER || classOf(name) === 'retryable') throw error;
    return { outcome: undefined, failure: { name, message: `The migration could not be started. ${message}` } };
  }
}

/** Returns the end of an item whose add-on another migration works on; undefined if there is no such migration, and for a plan. */
export async function refusalOf(
  item: SweepItem,
  sweep: Sweep,
  ports: Pick<Ports, 'executions' | 'ledger'>,
): Promise<End | undefined> {
  const request = requestOf(sweep, item);
  const holder = await busyWith(request, item.migrationId, ports);
  if (!holder) return undefined;
  const failure: Failure = { name: 'SubjectBusy', message: busyRefusal(request, holder) };
  return { outcome: 'blocked', failure, heldBy: holder.migrationId, refused: true };
}

/** Follows a migration that has no record yet. */
async function ofUnrecorded(flight: Flight, sweep: Sweep, mayStart: boolean, ports: Ports): Promise<Flight> {
  const { item } = flight;
  // Another migration may have begun since; but this one may have been started before that.
  const refusal = mayStart ? await refusalOf(item, sweep, ports) : undefined;
  const end = mayStart && !refusal ? await startAgain(item, sweep, ports) : undefined;
  if (end) return { ...flight, end };
  if (ageOf(item, ports) < SETTLED_AFTER) return flight;
  const execution = await ports.executions.describeMigration(item.migrationId);
  if (!execution) return refusal ? { ...flight, end: refusal } : { ...flight, held: !mayStart };
  if (isRunning(execution) || sinceStop(execution, ports) < SETTLED_AFTER) return flight;
  return {
    ...flight,
    end: withoutOutcome(
      `Its execution ${leftAs(execution)} before it had written a record. It changed nothing. Inspect the execution ${item.migrationId} of MigrateAddon.`,
    ),
  };
}

/** Follows a migration that has run for long: its execution may have stopped without being taken over. */
async function ofLong(flight: Flight, record: Migration, ports: Ports): Promise<Flight> {
  const { item } = flight;
  if (record.executionArn === undefined || ageOf(item, ports) < RECOVERED_AFTER) return flight;
  const execution = await ports.executions.describe(record.executionArn);
  if (isRunning(execution) || sinceStop(execution, ports) < RECOVERED_AFTER) return flight;
  return {
    ...flight,
    end: withoutOutcome(
      `Its execution ${record.executionArn} ${leftAs(execution)}, and no Recover has ended the migration since. Check the alarms of the service, then roll the migration back: pod-identity rollback ${item.migrationId} --deployed`,
    ),
  };
}

/** Returns why an item may not be begun, or why the migration with its id is not the sweep's; undefined if neither applies. */
function strangeIn(item: SweepItem, record: Migration | undefined, { sweepId, request }: Sweep): string | undefined {
  if (!isSelected(request.selection, item))
    return `The item is not in the selection of sweep ${sweepId}, and nothing was started for it. Find out who put it into the ledger.`;
  if (!record) return undefined;
  const { account, region, cluster, addon } = item;
  const { target, dryRun } = record.request;
  const isOfItem =
    record.request.addon === addon &&
    target.account === account &&
    target.region === region &&
    target.cluster === cluster &&
    dryRun === (request.mode === 'plan');
  if (isOfItem) return undefined;
  return `Migration ${item.migrationId} is not the one that the sweep requests: another migration was started under its id (${subjectText(subjectOf(record.request))} of cluster ${target.cluster}${dryRun ? ', a dry run' : ''}). Migrate the add-on on its own, or by another sweep.`;
}

/** Returns whether the sweep may start the item. */
export const mayBegin = (item: SweepItem, sweep: Sweep): boolean => strangeIn(item, undefined, sweep) === undefined;

/** Returns the item with the state that its record shows. */
export async function flightOf(
  item: SweepItem,
  sweep: Sweep,
  { ledger }: Pick<HandlerDependencies, 'ledger'>,
): Promise<Flight> {
  const record = await ledger.getMigration(item.migrationId);
  const strange = strangeIn(item, record, sweep);
  const end = strange === undefined ? endOf(record) : withoutOutcome(strange);
  return { item, record, ...(end ? { end } : {}) };
}

/**
 * Follows a migration whose record shows no end: starts it again if there is no record, and detects if it will never have
 * an outcome. Throws if it can't be started for now.
 */
export function followFlight(
  flight: Flight,
  { sweep, tick, mayStart }: { sweep: Sweep; tick: number; mayStart: boolean },
  ports: Ports,
): Promise<Flight> {
  if (!flight.record) return ofUnrecorded(flight, sweep, mayStart, ports);
  return tick % DETAILED_POLL_EVERY === DETAILED_POLL_EVERY - 1
    ? ofLong(flight, flight.record, ports)
    : Promise.resolve(flight);
}
