/**
 * Waits for the change window without a lock. The state machine polls, so that a cancel is noticed during the wait.
 * Idempotency: reads, and keeps the waiting slot that it has.
 * Failure: the migration ends `blocked`; nothing was changed. Throws TooManyWaiting if all waiting slots are in use.
 */
import { allOpenUntil, nextCommonOpening, windowsText } from '../../domain/waiting/change-windows.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { windowLimit, windowsOf } from '../../domain/waiting/waiting.ts';
import { WAITS_TEXT } from '../../domain/waiting/waiting-for.ts';
import { noteWait, sameWait } from '../../use-cases/waiting/note-wait.ts';
import { recordedMigration } from '../../use-cases/migration/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { utcOf } from '../../runtime/utc.ts';
import { assertMayWait } from '../../use-cases/waiting/waiting-slots.ts';
import { awaitWindowSchema } from './schema.ts';

const HOUR_MS = 3_600_000;

const run: StepRun<typeof awaitWindowSchema> = async ({ migrationId, startedAt, pollsHourly }, dependencies) => {
  const { ledger, clock, settings } = dependencies;
  const record = await recordedMigration(ledger, migrationId);
  const windows = windowsOf(record.request, settings);
  if (windows.length === 0) return {};
  const now = clock.now();
  const until = allOpenUntil(windows, now);
  if (until !== undefined) return { openUntil: utcOf(until) };

  const opens = nextCommonOpening(windows, now);
  const limit = windowLimit(windows, record, Date.parse(startedAt));
  if (opens === undefined || opens > limit) {
    const next = opens === undefined ? 'within 400 days' : `before ${utcOf(opens)}`;
    throw new MigrationError(
      'WindowOutOfReach',
      `${windowsText(windows)} does not open ${next}, and migration ${migrationId} waits until ${utcOf(limit)} at most. Nothing was changed. Start the migration later, or allow a longer wait.`,
    );
  }
  await assertMayWait(record, dependencies);
  const wait = { what: 'window', state: 'AwaitWindow' } as const;
  const text = `The migration waits for ${WAITS_TEXT.window}: ${windowsText(windows)} opens at ${utcOf(opens)}.`;
  const noted = sameWait(record, wait);
  if (noted?.text !== text)
    await noteWait(
      ledger,
      { migrationId, before: record.waitingFor, notifies: false },
      { ...wait, since: noted?.since ?? utcOf(Date.parse(startedAt)), until: utcOf(opens), text, notedAt: utcOf(now) },
    );
  const isFarOff = pollsHourly && opens - now > HOUR_MS;
  throw new MigrationError(
    isFarOff ? 'WindowFarOff' : 'WindowClosed',
    `${windowsText(windows)} opens at ${utcOf(opens)}.`,
  );
};

export const awaitWindowStep = step(awaitWindowSchema, run);
