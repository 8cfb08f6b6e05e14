/**
 * Waits for the change window without a lock. The state machine polls, so that a cancel is noticed during the wait.
 * Idempotency: reads, and keeps the waiting slot that it has.
 * Failure: the migration ends `blocked`; nothing was changed. Throws TooManyWaiting if all waiting slots are in use.
 */
import { allOpenUntil, nextCommonOpening, windowsText } from '../../domain/waiting/change-windows.ts';
import type { OperationKind } from '../../domain/approval/approval.ts';
import { operationTitle } from '../../domain/waiting/operations.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { windowLimit, windowsOf } from '../../domain/waiting/waiting.ts';
import type { Migration } from '../../domain/record/migration.ts';
import { type WaitingFor, WAITS_TEXT } from '../../domain/waiting/waiting-for.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { noteOperationWait, operationOfExecution } from '../../use-cases/waiting/operation.ts';
import { recordedMigration } from '../../use-cases/record/recorded.ts';
import { noteWait, sameWait } from '../../runtime/note-wait.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { utcNow, utcOf } from '../../runtime/utc.ts';
import { assertMayWait, operationAsked } from '../../use-cases/waiting/waiting-slots.ts';
import { awaitWindowSchema } from './schema.ts';

const HOUR_MS = 3_600_000;

/** Notes the wait, if the record does not show it. */
async function note(
  record: Migration,
  kind: OperationKind | undefined,
  { ledger, clock }: Pick<HandlerDependencies, 'ledger' | 'clock'>,
  { text, ...times }: Pick<WaitingFor, 'text' | 'since' | 'until'>,
): Promise<void> {
  if (kind !== undefined) {
    const before = record[kind]?.waitingFor;
    if (before?.what === 'window' && before.text === text) return;
    return noteOperationWait(ledger, record, { what: 'window', ...times, text });
  }
  const wait = { what: 'window', state: 'AwaitWindow' } as const;
  const noted = sameWait(record, wait);
  if (noted?.text === text) return;
  const { migrationId, waitingFor: before } = record;
  const since = noted?.since ?? times.since;
  await noteWait(
    ledger,
    { migrationId, before, notifies: false },
    { ...wait, ...times, since, text, notedAt: utcNow(clock) },
  );
}

const run: StepRun<typeof awaitWindowSchema> = async (input, dependencies) => {
  const { ledger, clock, settings } = dependencies;
  const { migrationId, startedAt, pollsHourly } = input;
  const record = await recordedMigration(ledger, migrationId);
  const operation = operationOfExecution(record, input);
  const windows = windowsOf(operation ? {} : record.request, settings);
  if (windows.length === 0) return {};
  const now = clock.now();
  const until = allOpenUntil(windows, now);
  if (until !== undefined) return { openUntil: utcOf(until) };

  const what = input.operation === undefined ? `migration ${migrationId}` : `the ${operationTitle(record)}`;
  const opens = nextCommonOpening(windows, now);
  const limit = windowLimit(windows, operation ?? record, Date.parse(startedAt));
  if (opens === undefined || opens > limit) {
    const next = opens === undefined ? 'within 400 days' : `before ${utcOf(opens)}`;
    throw new MigrationError(
      'WindowOutOfReach',
      `${windowsText(windows)} does not open ${next}, and ${what} waits until ${utcOf(limit)} at most. Nothing was changed. Start it later, or allow a longer wait.`,
    );
  }
  await assertMayWait(operation ? operationAsked(record, operation) : record, dependencies);
  await note(record, input.operation, dependencies, {
    since: utcOf(Date.parse(startedAt)),
    until: utcOf(opens),
    text: `The ${input.operation === undefined ? 'migration' : operationTitle(record)} waits for ${WAITS_TEXT.window}: ${windowsText(windows)} opens at ${utcOf(opens)}.`,
  });
  const isFarOff = pollsHourly && opens - now > HOUR_MS;
  throw new MigrationError(
    isFarOff ? 'WindowFarOff' : 'WindowClosed',
    `${windowsText(windows)} opens at ${utcOf(opens)}.`,
  );
};

export const awaitWindowStep = step(awaitWindowSchema, run);
