/**
 * Puts what is to be told of migrations on the bus, and notes that it was. Looks at all of them by schedule, and
 * measures then how long approvals have been waited for. Idempotency: an event has one id however often it is put; it
 * is put at least once, since it is noted as put after that. Failure: one that can't be put does not keep the others
 * waiting; it fails at the end, and the next tick tries again. Where the time is up, the next tick goes on from there.
 */
import { type OutboxEvent, roundOf, waitOf } from '../../domain/events/outbox-events.ts';
import { APPROVALS_PENDING, OLDEST_APPROVAL } from '../../domain/events/metrics.ts';
import { migrationId } from '../../domain/migration/model.ts';
import { serviceEventOf } from '../../domain/events/service-event.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { publishEventsSchema } from './schema.ts';

/** Milliseconds that one migration may take: a few calls. With less left the next tick goes on. */
const TIME_FOR_ONE = 10_000;

/** More than anybody is asked for one migration, and less than any time. */
const MOST_APPROVALS = 1_000_000;

/** In the order in which it happened: every approval comes before the start, and an end is after it, and all waits. */
const locationOf = (told: OutboxEvent): number => {
  const round = roundOf(told);
  if (round !== undefined) return round;
  const wait = waitOf(told);
  if (wait) return Date.parse(wait.since) + (wait.type === 'resumed' ? 500 : 0);
  return told === 'started' ? MOST_APPROVALS : Number.MAX_SAFE_INTEGER;
};

/** How many were put. */
async function publishOf(id: string, { ledger, events, telemetry }: HandlerDependencies): Promise<number> {
  const unsent = (await ledger.unsent(id)).sort((a, b) => locationOf(a) - locationOf(b));
  if (unsent.length === 0) {
    // It was sent, and only its place in the index is left.
    await ledger.markSent(id, []);
    return 0;
  }
  // After what is to be told: the record then has all that this is about.
  const { migration: record, snapshot } = await ledger.getFile(id);
  const made = unsent.map((told) => ({ told, event: record && serviceEventOf(record, told, snapshot?.takenAt) }));
  const known = made.flatMap(({ event }) => (event ? [event] : []));
  if (known.length > 0) await events.publish(known);
  const lost = made.filter(({ event }) => !event).map(({ told }) => told);
  if (lost.length > 0)
    telemetry.log.warn('what is to be told of a migration is not in its record', { migrationId: id, told: lost });
  // Of a migration that is over nothing comes any more that could tell it.
  await ledger.markSent(
    id,
    made.flatMap(({ told, event }) => (event || record?.status === 'ended' ? [told] : [])),
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
 * All migrations with something unsent, once each: from the one on up to which the last look came, then those before.
 * What fails again and again, and takes its time, so comes last before it comes again.
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
  const goOn = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      telemetry.log.error(`${what} failed`, {
        error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      });
      failures.push(error);
      return undefined;
    }
  };
  await goOn('the look at approvals', () => measureApprovals(dependencies));
  let sent = 0;
  await goOn('the look at what is unsent', async () => {
    const from = await ledger.unsentMark();
    let last = from;
    for await (const id of inTurn(ledger, from)) {
      if (remainingTime() < TIME_FOR_ONE) {
        telemetry.log.warn('the time is up before all events are put; the next tick goes on', { after: last });
        await ledger.setUnsentMark(last);
        return;
      }
      sent += (await goOn(`telling of migration ${id}`, () => publishOf(id, dependencies))) ?? 0;
      last = id;
    }
    if (from !== undefined) await ledger.setUnsentMark(undefined);
  });
  // Each was told of by now; the first has a name by which it counts.
  if (failures.length > 0) throw failures[0];
  return { sent };
};

export const publishEventsStep = step(publishEventsSchema, run);
