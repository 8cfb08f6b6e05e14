/** Promises about what comes before a change with an approval or a window, and about what others are told. */
import type { Outcome } from '../../lambdas/domain/migration/model.ts';
import { isOpen } from '../../lambdas/domain/waiting/change-window.ts';
import { allMigrations, changes, keyOf, migrationOf } from './observe.ts';
import { EVENT_SOURCE } from '../../lambdas/domain/events/service-event.ts';
import { isObject } from '../../sandbox/json.ts';
import type { Execution } from '../../sandbox/states/execution.ts';
import type { RunResult } from './run.ts';
import { about, byAwsClock, type Promised } from './promised.ts';

export const approvedFirst: Promised = {
  name: 'approved-first',
  says: 'Where somebody has to approve, nothing is changed before somebody has, and nothing else than the plan that they approved; a forged approval is none.',
  broken: (result) =>
    result.migrations.flatMap(({ migrationId, record, request }) => {
      if (request.approval !== 'required' || !record) return [];
      const first = changes(result).find((call) => migrationOf(result, call.execution) === migrationId);
      if (!first) return [];
      const { approval: mode = 'given' } = result.spec;
      if (mode !== 'given') return [`${about(first)} although its approval was ${mode}`];
      const last = record.approvals.at(-1);
      if (last?.state !== 'approved')
        return [`${about(first)} although its last approval is ${last?.state ?? 'missing'}`];
      return [
        ...(last.planHash === record.plan?.hash
          ? []
          : [`${about(first)} by another plan than the one that was approved`]),
        ...(byAwsClock(result, last.decidedAt) <= Date.parse(first.at)
          ? []
          : [`${about(first)} came before the approval`]),
      ];
    }),
};

export const withinWindow: Promised = {
  name: 'begun-within-window',
  says: 'A migration with a change window takes its locks within it, and holds none while it waits.',
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
          // By the clock of the function that looked.
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

interface Told {
  eventId: string;
  migrationId: string;
  type: string;
  /** When it came, milliseconds since 1970. */
  at: number;
  text: string;
}
/** The service's own events, as they came to the bus. */
const told = ({ sandbox }: RunResult): Told[] =>
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

/** How an execution that fails says how its migration ended. */
const ENDS: Partial<Record<string, Outcome>> = {
  Blocked: 'blocked',
  RolledBack: 'rolled-back',
  NeedsHuman: 'needs-human',
};

interface End {
  outcome: string;
  /** Of the execution that it was the end of; milliseconds since 1970. */
  since: number;
}

const outcomeOf = ({ status, error = '', output }: Execution): string | undefined => {
  if (status !== 'SUCCEEDED') return ENDS[error];
  const answer: unknown = JSON.parse(output ?? '{}');
  return isObject(answer) && typeof answer['outcome'] === 'string' ? answer['outcome'] : undefined;
};

/**
 * All ends of a migration, in order: that of its own execution, and those of each that took it over or rolled it back
 * on demand. An end counts where the ledger has taken it.
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

/**
 * Whether an event tells of a wait that there was: one of the pauses of its executions, and one that was told before it
 * is told to be over.
 */
function isOfAWait(result: RunResult, migrationId: string, eventId: string, ids: ReadonlySet<string>): boolean {
  const [, type, wait = ''] = /#(waiting|resumed)\.(.*)$/.exec(eventId) ?? [];
  if (type === 'resumed') return ids.has(`${migrationId}#waiting.${wait}`);
  return (
    type === 'waiting' &&
    result.sandbox.world.log.calls.some(
      ({ step, execution }) => step === 'pause' && migrationOf(result, execution) === migrationId,
    )
  );
}

export const outcomesArePublished: Promised = {
  name: 'outcomes-are-told',
  says: 'Each end comes to the bus at least once, with one id; nothing is told that did not happen, and no task token.',
  broken: async (result) => {
    const events = told(result);
    const problems: string[] = [];
    for (const { migrationId } of allMigrations(result)) {
      // As it is now: the hand-off of one that needed a person has put it back.
      const record = await result.ledger.getMigration(migrationId);
      const own = events.filter((event) => event.migrationId === migrationId);
      const ids = new Set(own.map(({ eventId }) => eventId));
      if (record?.status === 'ended' && !ids.has(`${migrationId}#${record.outcome ?? ''}`))
        problems.push(`${migrationId} ended ${record.outcome ?? ''}, and nobody was told`);
      const before = record?.rollback?.after;
      const ends = endsOf(result, migrationId);
      // The record has the last two ends, and steps have one line however often they ran.
      const noted = (await result.ledger.listSteps(migrationId)).flatMap(({ name, result: answer = '' }) =>
        name.startsWith('finish') ? (/"outcome":"([\w-]+)"/.exec(answer)?.[1] ?? []) : [],
      );
      // An execution whose end could not be recorded says that a person is needed, whatever the record says.
      const recorded = new Set<string | undefined>([record?.outcome, before, ...noted]);
      // An end is told after what it is the end of began, whatever was told before: it may be the second of its kind.
      problems.push(
        ...ends
          .filter(({ outcome }) => recorded.has(outcome))
          .filter(({ outcome, since }) => !own.some(({ type, at }) => type === outcome && at >= since))
          .map(({ outcome }) => `${migrationId} ended ${outcome}, and nobody was told`),
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
          .map(({ eventId }) => `${eventId} was told, and did not happen`),
      );
      problems.push(
        ...own
          .filter(({ eventId, type }) => !eventId.startsWith(`${migrationId}#${type}`))
          .map(({ eventId, type }) => `${eventId} is the id of an event ${type}`),
      );
      if (own.some(({ type }) => type === 'started') && !record?.plan)
        problems.push(`${migrationId} was told to have started without a plan`);
      for (const { round } of record?.approvals ?? []) {
        const token = await result.ledger.approvalToken(migrationId, round);
        if (token !== undefined && own.some(({ text }) => text.includes(token)))
          problems.push(`an event of ${migrationId} has its task token`);
      }
    }
    problems.push(...(await result.ledger.listUnsent()).map((id) => `something of ${id} was never told`));
    return problems;
  },
};
