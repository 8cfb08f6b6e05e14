/** Promises about approvals and change windows before a change, and about published events. */
import type { Outcome } from '../../lambdas/domain/terms/outcome.ts';
import { isOpen } from '../../lambdas/domain/terms/change-window.ts';
import { PAUSE_NOTED } from '../../lambdas/domain/waiting/noted-pause.ts';
import { keyOf } from './calls.ts';
import { allMigrations, changes, migrationOf } from './observe.ts';
import { EVENT_SOURCE } from '../../lambdas/domain/events/service-event.ts';
import { isObject } from '../../sandbox/json.ts';
import type { Execution } from '../../sandbox/states/execution.ts';
import type { RunResult } from './run.ts';
import { about, byAwsClock, type Promised } from './promised.ts';

export const approvedFirst: Promised = {
  name: 'approved-first',
  statement:
    'If a request requires approval, nothing is changed before an approver has approved, and then only by the plan that was approved; a forged approval does not count.',
  broken: (result) =>
    result.migrations.flatMap(({ migrationId, record, request }) => {
      if (request.approval !== 'required' || !record) return [];
      const first = changes(result).find((call) => migrationOf(result, call.execution) === migrationId);
      if (!first) return [];
      const { approval: mode = 'given' } = result.spec;
      if (mode !== 'given') return [`${about(first)} although its approval was ${mode}`];
      // Those of operations after its end follow.
      const last = record.approvals.filter(({ operation }) => operation === undefined).at(-1);
      if (last?.state !== 'approved')
        return [`${about(first)} although its last approval is ${last?.state ?? 'missing'}`];
      return [
        ...(last.planHash === record.plan?.hash ? [] : [`${about(first)} follows a plan other than the approved one`]),
        ...(byAwsClock(result, last.decidedAt) <= Date.parse(first.at)
          ? []
          : [`${about(first)} came before the approval`]),
      ];
    }),
};

export const withinWindow: Promised = {
  name: 'begun-within-window',
  statement: 'A migration with a change window takes its locks within it, and holds none while it waits.',
  broken: (result) =>
    result.migrations.flatMap(({ migrationId, request: { changeWindow: window } }) => {
      if (!window) return [];
      const { knobs, log } = result.sandbox.world;
      const { calls } = log;
      const skew = knobs.functionClockSkewSeconds * 1000;
      const outside = calls.filter(
        (call) =>
          call.step === 'begin' &&
          call.service === 'dynamodb' &&
          call.operation === 'PutItem' &&
          call.status < 300 &&
          migrationOf(result, call.execution) === migrationId &&
          // By the clock of the function that checked.
          !isOpen(window, Date.parse(call.at) + skew),
      );
      const waiting = calls.find(
        (call) => call.step === 'await-window' && migrationOf(result, call.execution) === migrationId,
      );
      return [
        ...outside.map((call) => `${about(call)} stored the snapshot outside the window`),
        ...(waiting ? [] : outside.map(() => `${migrationId} did not wait`)),
      ];
    }),
};

interface PublishedEvent {
  eventId: string;
  migrationId: string;
  type: string;
  /** When it was published, milliseconds since 1970. */
  at: number;
  text: string;
}
/** Returns the service's own events that reached the bus. */
const publishedEvents = ({ sandbox }: RunResult): PublishedEvent[] =>
  sandbox.world.events.flatMap(({ at, source, detail }) => {
    if (source !== EVENT_SOURCE || !isObject(detail)) return [];
    return [
      {
        eventId: String(detail['eventId']),
        migrationId: String(detail['migrationId']),
        type: String(detail['type']),
        at: Date.parse(at),
        text: JSON.stringify(detail),
      },
    ];
  });

/** The outcome of a migration by the error of its failed execution. */
const ENDS: Partial<Record<string, Outcome>> = {
  Blocked: 'blocked',
  RolledBack: 'rolled-back',
  NeedsHuman: 'needs-human',
};

interface End {
  outcome: string;
  /** Start of the execution that had this end; milliseconds since 1970. */
  since: number;
}

const outcomeOf = ({ status, error = '', output }: Execution): string | undefined => {
  if (status !== 'SUCCEEDED') return ENDS[error];
  const answer: unknown = JSON.parse(output ?? '{}');
  return isObject(answer) && typeof answer['outcome'] === 'string' ? answer['outcome'] : undefined;
};

/**
 * Returns all ends of a migration, in order: that of its own execution, and those of each execution that took it over
 * or rolled it back on demand. An end counts if the ledger has recorded it.
 */
const endsOf = (result: RunResult, migrationId: string): End[] => {
  const { executions, world } = result.sandbox;
  const recorded = new Set(
    world.log.calls
      .filter((call) => call.step === 'finish' && call.status < 300 && keyOf(call)?.sk === 'RECORD' && call.mutating)
      .map(({ execution }) => execution),
  );
  return executions
    .stateMachines()
    .flatMap(({ arn }) => executions.list(arn))
    .filter(({ arn }) => recorded.has(arn) && migrationOf(result, arn) === migrationId)
    .toSorted((one, other) => one.startedAt - other.startedAt)
    .flatMap((execution) => {
      const outcome = outcomeOf(execution);
      return outcome === undefined ? [] : [{ outcome, since: execution.startedAt }];
    });
};

/** Returns whether an execution of the migration has paused: its step has noted that, or the step `pause` has. */
const hasPaused = (result: RunResult, migrationId: string): boolean => {
  const { executions, world } = result.sandbox;
  const isOwn = (execution: string | undefined): boolean => migrationOf(result, execution) === migrationId;
  return (
    world.log.calls.some(({ step, execution }) => step === 'pause' && isOwn(execution)) ||
    executions
      .stateMachines()
      .flatMap(({ arn }) => executions.list(arn))
      .filter(({ arn }) => isOwn(arn))
      .some(({ history }) => history.events.some((event) => event['taskFailedEventDetails']?.['error'] === PAUSE_NOTED))
  );
};

/**
 * Returns whether an event belongs to a wait that happened: a `waiting` event to a pause of the migration's executions,
 * a `resumed` event to a wait that was published before.
 */
function isOfAWait(result: RunResult, migrationId: string, eventId: string, ids: ReadonlySet<string>): boolean {
  const [, type, wait = ''] = /#(waiting|resumed)\.(.*)$/.exec(eventId) ?? [];
  if (type === 'resumed') return ids.has(`${migrationId}#waiting.${wait}`);
  return type === 'waiting' && hasPaused(result, migrationId);
}

export const outcomesArePublished: Promised = {
  name: 'outcomes-are-published',
  statement:
    'Each end reaches the bus at least once, with one id; no event reports what did not happen or contains a task token.',
  broken: async (result) => {
    const events = publishedEvents(result);
    const problems: string[] = [];
    for (const { migrationId } of allMigrations(result)) {
      // The current record: restore commands may have rolled back a migration that needed a person.
      const record = await result.ledger.getMigration(migrationId);
      const own = events.filter((event) => event.migrationId === migrationId);
      const ids = new Set(own.map(({ eventId }) => eventId));
      if (record?.status === 'ended' && !ids.has(`${migrationId}#${record.outcome ?? ''}`))
        problems.push(`${migrationId} ended ${record.outcome ?? ''} without an event`);
      const before = record?.rollback?.after;
      const ends = endsOf(result, migrationId);
      // The record has the last two ends, and each step has one line however often it ran.
      const noted = (await result.ledger.listSteps(migrationId)).flatMap(({ name, result: answer = '' }) =>
        name.startsWith('finish') ? (/"outcome":"([\w-]+)"/.exec(answer)?.[1] ?? []) : [],
      );
      // An execution whose end could not be recorded fails with needs-human, whichever outcome the record has.
      const recorded = new Set<string | undefined>([record?.outcome, before, ...noted]);
      // An end is published after the start of its execution. Earlier events do not count: it may be the second end of
      // its kind.
      problems.push(
        ...ends
          .filter(({ outcome }) => recorded.has(outcome))
          .filter(({ outcome, since }) => !own.some(({ type, at }) => type === outcome && at >= since))
          .map(({ outcome }) => `${migrationId} ended ${outcome} without an event`),
      );
      const happened = new Set<string | undefined>([
        ...recorded,
        ...ends.map(({ outcome }) => outcome),
        'started',
        'approval-needed',
      ]);
      problems.push(
        ...own
          .filter(({ type, eventId }) => !happened.has(type) && !isOfAWait(result, migrationId, eventId, ids))
          .map(({ eventId }) => `${eventId} was published although it did not happen`),
      );
      problems.push(
        ...own
          .filter(({ eventId, type }) => !eventId.startsWith(`${migrationId}#${type}`))
          .map(({ eventId, type }) => `${eventId} is the id of an event of type ${type}`),
      );
      if (own.some(({ type }) => type === 'started') && !record?.plan)
        problems.push(`${migrationId} was published as started although it has no plan`);
      for (const { round } of record?.approvals ?? []) {
        const token = await result.ledger.approvalToken(migrationId, round);
        if (token !== undefined && own.some(({ text }) => text.includes(token)))
          problems.push(`an event of ${migrationId} contains its task token`);
      }
    }
    problems.push(...(await result.ledger.listUnsent()).map((id) => `an event of ${id} was never published`));
    return problems;
  },
};
