/** Following executions of the service to their end, and a migration from one execution to the next. */
import {
  type DescribeExecutionCommandOutput,
  GetExecutionHistoryCommand,
  type HistoryEvent,
} from '@aws-sdk/client-sfn';
import type { Migration, MigrationReport } from '../lambdas/domain/migration/model.ts';
import { requestedRollback } from '../lambdas/domain/rollback/rollback.ts';
import { readReport } from '../lambdas/use-cases/migration/report.ts';
import type { Backend } from './backend.ts';
import { hasEnded, stepsOf, type StepProgress } from './history.ts';
import type { Progress } from './progress.ts';
import { isWait, keyOf, type Waiting, waitingOf } from './waiting.ts';

/**
 * What is told to somebody who watches. `waits`: what the migration waits for, once each; who is told may decide about
 * it.
 */
export type Watcher = Pick<Progress, 'update' | 'say'> & {
  waits?: ((waiting: Waiting) => void | Promise<void>) | undefined;
};

const FIRST_POLL_MS = 1000;
/** Polls grow apart while the same step goes on, up to this: a step that waits for EKS takes minutes. */
const SLOWEST_POLL_MS = 10_000;
/** The same of a step that waits for a person or a window, which may be days. */
const SLOWEST_WAIT_MS = 30_000;
/** In virtual time nobody waits, and each look costs. */
const SLOWEST_VIRTUAL_WAIT_MS = 5 * 60_000;
const PAGE = 100;

/**
 * How long an execution that stopped may stay without anybody taking it over: the schedule that looks for such ones
 * comes every 5 minutes, and its last Lambda may run for another minute; the rest is for Recover to begin.
 */
const PATIENCE_MS = 10 * 60_000;
const RECOVERY_POLL_MS = 15_000;
/** Executions of Recover that are followed, one after the other, before one gives up. */
const MAX_RECOVERIES = 5;

export type Follow = (executionArn: string) => Promise<StepProgress[]>;

/** Answers the function that follows one execution to its end; the steps of all that it has followed make one list. */
export const follower = (backend: Backend, watcher: Watcher): Follow => {
  const before: StepProgress[] = [];
  const tell = waitReporter(backend, watcher);
  return async (executionArn) => {
    const offset = before.at(-1)?.id ?? 0;
    const steps = await followOne(backend, executionArn, async (now) => {
      // A wait is told in words until it is over: what is said then would stand behind its line.
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

/** Tells what is waited for, once each. */
const waitReporter = (backend: Backend, { waits }: Watcher) => {
  const told = new Set<string>();
  return async (executionArn: string, step: StepProgress | undefined): Promise<void> => {
    if (!step || !waits) return;
    // The execution of MigrateAddon, which alone waits, is called by the migration's id.
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
  const events: HistoryEvent[] = [];
  const slowestWait = backend.clock.kind === 'virtual' ? SLOWEST_VIRTUAL_WAIT_MS : SLOWEST_WAIT_MS;
  let pause = FIRST_POLL_MS;
  let known = 0;
  for (;;) {
    events.push(...(await newEvents(backend, executionArn, events.length)));
    const steps = stepsOf(events);
    await onSteps(steps);
    if (hasEnded(events)) return steps;
    pause =
      steps.length > known ? FIRST_POLL_MS : Math.min(steps.some(isWait) ? slowestWait : SLOWEST_POLL_MS, pause * 2);
    known = steps.length;
    await backend.clock.sleep(pause);
  }
};

/** Events are numbered from 1 without gaps: reading from the newest back to the last one known is mostly one call. */
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
 * After an execution of the migration has ended: the record, once it has an outcome. Where it has none, Recover takes
 * the migration over; that is waited for, and followed. Answers a record without an outcome, or none, where nothing
 * more is to come.
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
        'The execution has stopped before its end was recorded. Waiting for the service to put back, or to finish, what it left.',
      );
    if (waited >= PATIENCE_MS) return record;
    await backend.clock.sleep(RECOVERY_POLL_MS);
    waited += RECOVERY_POLL_MS;
  }
};

/** The report of a migration that is over, with what it did to the pods where that is known. */
export const reportOf = async (backend: Backend, record: Migration): Promise<MigrationReport | undefined> => {
  const disruption = backend.disruption?.(record);
  return readReport(backend.ledger, record.migrationId, {
    simulated: backend.simulated,
    ...(disruption ? { disruption } : {}),
  });
};

/** What an execution ended with, in one line. */
export const endingOf = ({
  status,
  error,
  cause,
}: Pick<DescribeExecutionCommandOutput, 'status' | 'error' | 'cause'>): string =>
  [`execution ${status ?? 'of unknown status'}`, error, cause && causeMessage(cause)].filter(Boolean).join(': ');

/** Lambda's causes are JSON with an errorMessage; others are plain text. */
const causeMessage = (cause: string): string => {
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed) return String(parsed.errorMessage);
  } catch {
    // Plain text.
  }
  return cause;
};
