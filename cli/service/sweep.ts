/** Sweeps by direct calls of the service's parts: its ledger, its bucket and Step Functions. */
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import type { ListPosition, SweepFilter } from '../../lambdas/domain/overview/listing.ts';
import { inventoryPrefix, isLocationKey, locationsKey } from '../../lambdas/domain/sweep/keys.ts';
import { standingOf } from '../../lambdas/domain/sweep/standing.ts';
import { commandSweep, showSweep } from '../../lambdas/use-cases/sweep/commanding.ts';
import { keysUnder } from '../../lambdas/use-cases/sweep/listing.ts';
import { type Backend, executionsOf, type Sweeping } from '../backend.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { endingOf } from './follow.ts';
import { statusOf } from './known.ts';
import { requireSweeps } from '../service-environment.ts';
import { notNow, sweepService, type SweepService, unknownSweep } from './sweep-service.ts';
import type { ListedSweeps, LocationsDone, SweepCalls } from './sweep-calls.ts';

const locations = z.array(z.unknown());

/** Returns how many locations of the inventory have been read. */
const locationsOf = async (
  { documentsIn, bucketName }: Sweeping,
  sweepId: string,
): Promise<LocationsDone | undefined> => {
  if (bucketName === undefined) return undefined;
  const documents = documentsIn(bucketName);
  const laidOut = await documents.get(locationsKey(sweepId));
  if (laidOut === undefined) return undefined;
  // A location's object is written when it has been read completely.
  const done = (await keysUnder(inventoryPrefix(sweepId), documents)).filter(isLocationKey).length;
  return { done, total: locations.parse(JSON.parse(laidOut)).length };
};

/** Lists page by page, until there are enough or no more. */
const list = async ({ sweeps }: Sweeping, filter: SweepFilter, limit: number): Promise<ListedSweeps> => {
  const found: ListedSweeps['sweeps'] = [];
  let after: ListPosition | undefined;
  do {
    const page = await sweeps.list(filter, limit - found.length, after);
    found.push(...page.sweeps);
    after = page.next;
  } while (after !== undefined && found.length < limit);
  return { sweeps: found, more: after !== undefined };
};

/** Returns the state of a sweep, from its record and its execution. Throws UnknownSweep. */
const showStanding = async (
  backend: Backend,
  parts: Parameters<typeof showSweep>[1],
  sweepId: string,
): ReturnType<SweepCalls['show']> => {
  const found = await showSweep(sweepId, parts);
  if (!found) throw unknownSweep(sweepId);
  const { sweep, tally } = found;
  const executionArn = sweep.status === 'ended' ? undefined : sweep.executionArn;
  return standingOf(sweep, tally, executionArn === undefined ? undefined : await statusOf(backend, executionArn));
};

const RECORD_POLL_MS = 1000;

/** Waits for the sweep's record. Throws ExecutionFailed if the execution ended before it wrote that. */
const untilRecorded = async (
  { stepFunctions, clock }: Backend,
  sweeps: Sweeping['sweeps'],
  sweepId: string,
  executionArn: string,
): Promise<void> => {
  for (;;) {
    const execution = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
    if (await sweeps.get(sweepId)) return;
    if (execution.status !== 'RUNNING')
      throw new CliError(
        'ExecutionFailed',
        `sweep ${sweepId} did not begin: ${endingOf(execution)}`,
        `Nothing was read, and nothing was changed. Execution: ${executionArn}`,
        EXIT_CODES.unexpected,
      );
    await clock.sleep(RECORD_POLL_MS);
  }
};

/**
 * Returns the sweeps by direct calls. `by`: the principal to record. Methods run in a thread of the backend's clock and
 * throw NotConfigured without a state machine of sweeps. Throws NotAvailable if the backend has no sweeps.
 */
export const directSweeps = (backend: Backend, by: string): SweepService => {
  const { sweeping, clock, ids } = backend;
  if (!sweeping)
    throw new CliError(
      'NotAvailable',
      'sweeps are not available here',
      'Use --sandbox FILE, --state FILE or --deployed',
    );
  const { sweeps, documentsIn, stateMachineArn } = sweeping;
  const parts = { sweeps, executions: executionsOf(backend), clock };
  const show: SweepCalls['show'] = (sweepId) => showStanding(backend, parts, sweepId);
  return sweepService(
    {
      show,
      async start(request, onStart) {
        const sweepId = ids.ulid();
        // The execution writes the record itself: with the service's time, and without a permission of the caller.
        const { executionArn = '' } = await backend.stepFunctions.send(
          new StartExecutionCommand({
            stateMachineArn: requireSweeps({ sweepStateMachineArn: stateMachineArn }),
            name: sweepId,
            input: JSON.stringify({ sweepId, request: { ...request, requestedBy: by } }),
          }),
        );
        onStart(sweepId);
        await untilRecorded(backend, sweeps, sweepId, executionArn);
      },
      locations: async (sweepId) => {
        try {
          return await locationsOf(sweeping, sweepId);
        } catch (error) {
          // A caller who may start a sweep need not have the permission to read its results.
          if (isMigrationError(error)) return undefined;
          throw error;
        }
      },
      list: (filter, limit) => list(sweeping, filter, limit),
      async command(sweepId, { command, reason }) {
        requireSweeps({ sweepStateMachineArn: stateMachineArn });
        try {
          await commandSweep(sweepId, command, { by, reason }, parts);
        } catch (error) {
          if (isMigrationError(error, 'NotFound')) throw unknownSweep(sweepId);
          if (isMigrationError(error, 'BadInput')) throw notNow(error.message);
          throw error;
        }
        return show(sweepId);
      },
      read: (bucket, key) => documentsIn(bucket).get(key),
    },
    clock,
  );
};
