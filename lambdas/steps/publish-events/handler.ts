/**
 * Publishes the outbox events of migrations on the bus, and notes that they were published. On a schedule it handles all
 * migrations, and measures how long approvals have been pending. Idempotency: an event has one id however often it is
 * published; it is published at least once, since that is noted afterwards. Failure: an event that can't be published does
 * not keep the others waiting; the step fails at the end, and the next tick tries again. If the time runs out, the next
 * tick continues from there.
 */
import { type OutboxEvent, roundOf, waitOf } from '../../domain/events/outbox-events.ts';
import { APPROVALS_PENDING, OLDEST_APPROVAL } from '../../domain/events/metrics.ts';
import { migrationId } from '../../domain/text/names.ts';
import { serviceEventOf } from '../../domain/events/service-event.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { publishEventsSchema } from './schema.ts';

/** The milliseconds that one migration, a few calls, may take. With less time left, the next tick continues. */
const TIME_FOR_ONE = 10_000;

/** More than the number of approvals of any migration, and less than any timestamp. */
const MOST_APPROVALS = 1_000_000;

/** Sorts outbox events by when they happened: approvals come before the start, and the end comes after it and all waits. */
const orderOf = (event: OutboxEvent): number => {
  const round = roundOf(event);
  if (round !== undefined) return round;
  const wait = waitOf(event);
  if (wait) return Date.parse(wait.since) + (wait.type === 'resumed' ? 500 : 0);
  return event === 'started' ? MOST_APPROVALS : Number.MAX_SAFE_INTEGER;
};

/** Returns how many events were published. */
async function publishOf(id: string, { ledger, events, telemetry }: HandlerDependencies): Promise<number> {
  const unsent = (await ledger.unsent(id)).sort((a, b) => orderOf(a) - orderOf(b));
  if (unsent.length === 0) {
    // The events were published, and only the migration's entry in the index is left.
    await ledger.markSent(id, []);
    return 0;
  }
  // This comes after the read of the outbox: the record then contains all that the events are about.
  const { migration: record, snapshot } = await ledger.getFile(id);
  const candidates = unsent.map((name) => ({ name, event: record && serviceEventOf(record, name, snapshot?.takenAt) }));
  const known = candidates.flatMap(({ event }) => (event ? [event] : []));
  if (known.length > 0) await events.publish(known);
  const lost = candidates.filter(({ event }) => !event).map(({ name }) => name);
  if (lost.length > 0)
    telemetry.log.warn('the record of a migration does not contain what an outbox event is about', {
      migrationId: id,
      events: lost,
    });
  // The record of an ended migration no longer changes, so that it can never supply such an event.
  await ledger.markSent(
    id,
    candidates.flatMap(({ name, event }) => (event || record?.status === 'ended' ? [name] : [])),
  );
  return known.length;
}

async function measureApprovals({ ledger, clock, telemetry }: HandlerDependencies): Promise<void> {
  const since = await ledger.listPendingApprovals();
  const ages = since.map((at) => clock.now() - Date.parse(at)).filter((age) => age > 0);
  telemetry.count(APPROVALS_PENDING, since.length);
  telemetry.seconds(OLDEST_APPROVAL, Math.max(0, ...ages) / 1000);
}

/**
 * Yields all migrations with an unsent event once each: first those after the mark that the last run has left, then those
 * before it. So a migration that fails repeatedly, and takes its time, comes last before it comes again.
 */
async function* inTurn(ledger: HandlerDependencies['ledger'], from: string | undefined): AsyncGenerator<string> {
  const rounds =
    from === undefined
      ? [{ from, to: undefined }]
      : [
          { from, to: undefined },
          { from: undefined, to: from },
        ];
  for (const round of rounds) {
    let after = round.from;
    for (;;) {
      const ids = await ledger.listUnsent(after);
      for (const id of ids) {
        if (round.to !== undefined && id > round.to) return;
        yield id;
      }
      after = ids.at(-1);
      if (after === undefined) break;
    }
  }
}

const run: StepRun<typeof publishEventsSchema> = async ({ name = '' }, dependencies) => {
  const { ledger, telemetry, remainingTime } = dependencies;
  const one = migrationId.safeParse(name.slice(0, 26)).data;
  if (one !== undefined) return { sent: await publishOf(one, dependencies) };

  const failures: unknown[] = [];
  const attemptTo = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      telemetry.log.error(`could not ${what}`, {
        error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      });
      failures.push(error);
      return undefined;
    }
  };
  await attemptTo('measure the pending approvals', () => measureApprovals(dependencies));
  let sent = 0;
  await attemptTo('publish the unsent events', async () => {
    const from = await ledger.unsentMark();
    let last = from;
    for await (const id of inTurn(ledger, from)) {
      if (remainingTime() < TIME_FOR_ONE) {
        telemetry.log.warn('the time ran out before all events were published; the next tick continues', {
          after: last,
        });
        await ledger.setUnsentMark(last);
        return;
      }
      sent += (await attemptTo(`publish the events of migration ${id}`, () => publishOf(id, dependencies))) ?? 0;
      last = id;
    }
    if (from !== undefined) await ledger.setUnsentMark(undefined);
  });
  // Each failure was logged above; the first one's name is what the metrics count.
  if (failures.length > 0) throw failures[0];
  return { sent };
};

export const publishEventsStep = step(publishEventsSchema, run);
