/** Follows executions of the service to their end, and a migration from one execution to the next. */
import {
  type DescribeExecutionCommandOutput,
  GetExecutionHistoryCommand,
  type HistoryEvent,
} from '@aws-sdk/client-sfn';
import type { Migration, MigrationReport } from '../../lambdas/domain/record/migration.ts';
import { requestedRollback } from '../../lambdas/domain/record/rollback.ts';
import { readReport } from '../../lambdas/use-cases/migration/report.ts';
import type { Backend } from '../backend.ts';
import { StepReader, type StepProgress } from '../history.ts';
import type { Progress } from '../progress.ts';
import { isWait, keyOf, type Waiting, waitingOf } from '../waiting.ts';

/**
 * Receives progress. `waits` is called once for each thing that the migration waits for, and may make the decision that
 * it waits for.
 */
export type Watcher = Pick<Progress, 'update' | 'say'> & {
  waits?: ((waiting: Waiting) => void | Promise<void>) | undefined;
};

const FIRST_POLL_MS = 1000;
/** Longest pause between polls while the same step continues: a step that waits for EKS takes minutes. */
const SLOWEST_POLL_MS = 10_000;
/** The same for a step that waits for a person or a window, which may take days. */
const SLOWEST_WAIT_MS = 30_000;
/** The same in virtual time, in which nobody waits and each poll costs computing time. */
const SLOWEST_VIRTUAL_WAIT_MS = 5 * 60_000;
/** More events than happen between most polls. */
const PAGE = 25;

/**
 * How long a stopped execution may go without being taken over: the schedule that finds such executions runs every 5
 * minutes, and its last Lambda may run for another minute; the rest is for Recover to begin.
 */
const PATIENCE_MS = 10 * 60_000;
const RECOVERY_POLL_MS = 15_000;
/** Maximum number of executions of Recover that are followed, one after the other. */
const MAX_RECOVERIES = 5;

export type Follow = (executionArn: string) => Promise<StepProgress[]>;

/** Returns a function that follows one execution to its end and reports the steps of all executions so far. */
export const follower = (backend: Backend, watcher: Watcher): Follow => {
  const before: StepProgress[] = [];
  const tell = waitReporter(backend, watcher);
  return async (executionArn) => {
    const offset = before.at(-1)?.id ?? 0;
    const steps = await followOne(backend, executionArn, async (now) => {
      // A wait is reported as text until it ends: later text would otherwise appear after its line.
      watcher.update([
        ...before,
        ...now.filter((step) => !isWait(step)).map((step) => ({ ...step, id: step.id + offset })),
      ]);
      await tell(executionArn, now.find(isWait));
    });
    before.push(...steps.map((step) => ({ ...step, id: step.id + offset })));
    return steps;
  };
};

/** Returns a function that reports each wait once. */
const waitReporter = (backend: Backend, { waits }: Watcher) => {
  const told = new Set<string>();
  return async (executionArn: string, step: StepProgress | undefined): Promise<void> => {
    if (!step || !waits) return;
    // Only executions of MigrateAddon wait, and their name is the migration's id.
    const record = await backend.ledger.getMigration(executionArn.split(':').at(-1) ?? '');
    const waiting = record && waitingOf(step, record, backend.clock.now());
    const key = waiting && keyOf(waiting, step.id);
    if (!waiting || key === undefined || told.has(key)) return;
    told.add(key);
    await waits(waiting);
  };
};

const followOne = async (
  backend: Backend,
  executionArn: string,
  onSteps: (steps: readonly StepProgress[]) => Promise<void>,
): Promise<StepProgress[]> => {
  const reader = new StepReader();
  const { steps } = reader;
  const slowestWait = backend.clock.kind === 'virtual' ? SLOWEST_VIRTUAL_WAIT_MS : SLOWEST_WAIT_MS;
  let pause = FIRST_POLL_MS;
  let known = 0;
  for (;;) {
    reader.read(await newEvents(backend, executionArn, reader.newest));
    await onSteps(steps);
    if (reader.hasEnded) return steps;
    pause =
      steps.length > known ? FIRST_POLL_MS : Math.min(steps.some(isWait) ? slowestWait : SLOWEST_POLL_MS, pause * 2);
    known = steps.length;
    await backend.clock.sleep(pause);
  }
};

/** Returns the events after the newest known one. Reading back from the newest mostly takes one call. */
const newEvents = async (backend: Backend, executionArn: string, known: number): Promise<HistoryEvent[]> => {
  const news: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await backend.stepFunctions.send(
      new GetExecutionHistoryCommand({
        executionArn,
        reverseOrder: true,
        maxResults: PAGE,
        includeExecutionData: false,
        nextToken,
      }),
    );
    const fresh = (page.events ?? []).filter((event) => (event.id ?? 0) > known);
    news.push(...fresh);
    nextToken = fresh.length === page.events?.length ? page.nextToken : undefined;
  } while (nextToken);
  return news;
};

/**
 * Returns the record of a migration whose execution has ended, once it has an outcome. Without one, waits until Recover
 * takes over the migration, and follows it. Returns a record without an outcome, or none, if nothing more will happen.
 */
export const untilOutcome = async (
  backend: Backend,
  migrationId: string,
  ended: string,
  follow: Follow,
  watcher: Watcher,
): Promise<Migration | undefined> => {
  const followed = new Set([ended]);
  let waited = 0;
  for (;;) {
    const record = await backend.ledger.getMigration(migrationId);
    if (!record || record.status === 'ended') return record;
    const next = requestedRollback(record)?.executionArn ?? record.executionArn;
    if (next !== undefined && !followed.has(next)) {
      if (followed.size > MAX_RECOVERIES) return record;
      followed.add(next);
      await follow(next);
      waited = 0;
      continue;
    }
    if (waited === 0)
      watcher.say(
        'The execution stopped before its end was recorded. Waiting for the service to roll back or finish the migration.',
      );
    if (waited >= PATIENCE_MS) return record;
    await backend.clock.sleep(RECOVERY_POLL_MS);
    waited += RECOVERY_POLL_MS;
  }
};

/** Returns the report of an ended migration, with the disruption of its pods if that is known. */
export const reportOf = async (backend: Backend, record: Migration): Promise<MigrationReport | undefined> => {
  const disruption = backend.disruption?.(record);
  return readReport(backend.ledger, record.migrationId, {
    simulated: backend.simulated,
    ...(disruption ? { disruption } : {}),
  });
};

/** Returns in one line how an execution ended. */
export const endingOf = ({
  status,
  error,
  cause,
}: Pick<DescribeExecutionCommandOutput, 'status' | 'error' | 'cause'>): string =>
  [`execution ${status ?? 'of unknown status'}`, error, cause && causeMessage(cause)].filter(Boolean).join(': ');

/** Returns the message in a cause: causes of Lambda are JSON with an errorMessage, others are plain text. */
const causeMessage = (cause: string): string => {
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed) return String(parsed.errorMessage);
  } catch {
    // Plain text.
  }
  return cause;
};
