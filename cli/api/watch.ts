/** Follows a migration through the API. */
import { migrationAnswer, type MigrationAnswer } from '../../lambdas/api/answers.ts';
import { pendingApproval } from '../../lambdas/domain/approval/approval.ts';
import { classOf } from '../../lambdas/domain/failures/errors.ts';
import { type MigrationReport, migrationReport } from '../../lambdas/domain/record/migration.ts';
import type { MigrationRequest } from '../../lambdas/domain/request/request.ts';
import type { Clock } from '../../lambdas/ports/index.ts';
import type { Watcher } from '../service/follow.ts';
import type { StepProgress } from '../history.ts';
import { baseOf } from '../../lambdas/domain/migration/step-lines.ts';
import { isWait, keyOf, type Waiting, waitingOf } from '../waiting.ts';
import type { Ask } from './exchange.ts';

const FIRST_POLL_MS = 1000;
const SLOWEST_POLL_MS = 10_000;
/** The same while the migration waits for a person or a window. */
const SLOWEST_WAIT_MS = 30_000;
/** As in `follow.ts`: how long a stopped execution may go without being taken over. */
const PATIENCE_MS = 10 * 60_000;

const isPoll = (error: string): boolean => classOf(error) === 'waiting';

/**
 * Converts the lines of an answer to progress. A line is written when a try of its step has ended, so only the last step
 * may continue: it does while its result is "not yet", or while it waits for a decision.
 */
export const progressOf = (
  { steps, status, approvals }: Pick<MigrationAnswer, 'steps' | 'status' | 'approvals'>,
  ids: Map<string, number>,
): StepProgress[] =>
  steps.map(({ name, startedAt, endedAt, tries, error }, index) => {
    const step = baseOf(name);
    const isLast = index === steps.length - 1 && status !== 'ended';
    const goesOn =
      isLast &&
      (step === 'request-approval'
        ? pendingApproval(approvals) !== undefined
        : error !== undefined && isPoll(error.name));
    const id = ids.get(name) ?? ids.size + 1;
    ids.set(name, id);
    return {
      id,
      step: step as StepProgress['step'],
      name,
      startedAt: new Date(startedAt),
      ...(goesOn ? {} : { endedAt: new Date(endedAt) }),
      tries,
      ...(error ? { error: error.name } : {}),
    };
  });

export const getMigration = (ask: Ask, migrationId: string) =>
  ask({ method: 'GET', path: `/migrations/${migrationId}`, answer: migrationAnswer });

/** Returns the same document as by direct calls, but without the pods that the API's answer leaves out (`left`). */
export const reportFrom = (answer: MigrationAnswer, simulated: boolean): MigrationReport | undefined =>
  answer.status === 'ended' && answer.outcome && answer.endedAt !== undefined
    ? migrationReport.parse({ ...answer, simulated })
    : undefined;

const waitOf = (
  answer: MigrationAnswer,
  now: StepProgress[],
  changeWindow: MigrationRequest['changeWindow'],
  time: number,
): { key: string; waiting: Waiting } | undefined => {
  const step = now.find(isWait);
  if (!step) return undefined;
  const waiting = waitingOf(step, { ...answer, request: { changeWindow } }, time, answer.changeWindow);
  return waiting && { key: keyOf(waiting, step.id), waiting };
};

export interface WatchOptions {
  ask: Ask;
  clock: Pick<Clock, 'now' | 'sleep'>;
  watcher: Watcher;
  /** Change window of the request, if it has one. */
  changeWindow?: MigrationRequest['changeWindow'];
  /** The migration before the followed operation: its earlier lines are not shown again. */
  before?: MigrationAnswer;
}

const newLines = (answer: MigrationAnswer, before: MigrationAnswer | undefined): MigrationAnswer => {
  const known = new Map(before?.steps.map(({ name, endedAt }) => [name, endedAt]));
  return { ...answer, steps: answer.steps.filter(({ name, endedAt }) => known.get(name) !== endedAt) };
};

/**
 * Polls until `isOver`, or until its execution has been stopped for so long that it will not be taken over. Returns the
 * last answer.
 */
export const watch = async (
  migrationId: string,
  isOver: (answer: MigrationAnswer) => boolean,
  { ask, clock, watcher, changeWindow, before }: WatchOptions,
): Promise<MigrationAnswer> => {
  const ids = new Map<string, number>();
  const told = new Set<string>();
  let pause = FIRST_POLL_MS;
  let lines = '';
  let stoppedSince: number | undefined;
  for (;;) {
    const { value: answer, retryAfter } = await getMigration(ask, migrationId);
    const now = progressOf(newLines(answer, before), ids);
    watcher.update(now.filter((step) => !isWait(step)));
    if (isOver(answer)) return answer;

    const wait = waitOf(answer, now, changeWindow, clock.now());
    if (wait && !told.has(wait.key)) {
      told.add(wait.key);
      await watcher.waits?.(wait.waiting);
    }
    if (answer.status !== 'ended' && answer.executionStatus !== undefined && answer.executionStatus !== 'RUNNING') {
      if (stoppedSince === undefined)
        watcher.say(
          'The execution stopped before its end was recorded. Waiting for the service to roll back or finish the migration.',
        );
      stoppedSince ??= clock.now();
      if (clock.now() - stoppedSince >= PATIENCE_MS) return answer;
    } else stoppedSince = undefined;

    const seen = now.map(({ name }) => name).join(' ');
    pause = seen === lines ? Math.min(wait ? SLOWEST_WAIT_MS : SLOWEST_POLL_MS, pause * 2) : FIRST_POLL_MS;
    lines = seen;
    await clock.sleep(retryAfter === undefined ? pause : Math.max(retryAfter * 1000, FIRST_POLL_MS));
  }
};
