/** Notices that fail repeatedly, and claims: they do not delay later ones. */
import { describe, expect, it } from 'vitest';
import { createDynamoLedger } from '../../lambdas/adapters/dynamo-ledger.ts';
import { ulidFrom } from '../../lambdas/domain/text/ulid.ts';
import { createHandler, type LambdaContext } from '../../lambdas/runtime/handler.ts';
import { publishEventsStep } from '../../lambdas/steps/publish-events/handler.ts';
import { newDynamoDb, TABLE } from '../lambdas/adapters/ledgers.ts';
import { type Fakes, lost, newFakes } from '../lambdas/fakes.ts';
import { aMigration, at, MIGRATION_ID, NOW } from '../lambdas/fixtures.ts';

const HOPELESS = 400;
/** Milliseconds of the function, and of an event that the bus does not accept. */
const [TIME, FAILURE] = [60_000, 5000];

const idOf = (index: number): string => ulidFrom(NOW + index * 1000, `notice-${index}`);

/** Has this many records whose event the bus never accepts, and a last one whose event it accepts. */
async function besieged(): Promise<{ fakes: Fakes; tick: () => Promise<unknown>; sent: () => string[] }> {
  const fakes = newFakes();
  const ledger = createDynamoLedger({ client: await newDynamoDb('direct'), tableName: TABLE });
  for (let index = 0; index <= HOPELESS; index += 1) {
    const migrationId = idOf(index);
    await ledger.putMigration(aMigration({ migrationId }));
    await ledger.updateMigration(
      migrationId,
      { status: 'ended', outcome: 'needs-human', endedAt: at(1) },
      'needs-human',
    );
  }
  const sent: string[] = [];
  let left = TIME;
  fakes.events.publish = async (events) => {
    const [{ eventId } = { eventId: '' }] = events;
    if (eventId.startsWith(idOf(HOPELESS))) return void sent.push(eventId);
    left -= FAILURE;
    throw lost();
  };
  const dependencies = { ...fakes.dependencies, ledger, events: fakes.events };
  const tick = (): Promise<unknown> => {
    left = TIME;
    const context = { getRemainingTimeInMillis: () => left } as unknown as LambdaContext;
    return createHandler(publishEventsStep, dependencies)({}, context).catch((error: unknown) => error);
  };
  return { fakes, tick, sent: () => sent };
}

describe('old notices that fail repeatedly', () => {
  it('do not delay later ones forever: each run continues where the previous one had to stop', async () => {
    const { tick, sent } = await besieged();
    // A run has time for ten failing events.
    const runs = Math.ceil(HOPELESS / (TIME / FAILURE - 1)) + 1;
    for (let run = 0; run < runs && sent().length === 0; run += 1) await tick();
    expect(sent()).toEqual([`${idOf(HOPELESS)}#needs-human`]);
  });

  it('are retried in turn, and published once they are accepted', async () => {
    const { fakes, tick } = await besieged();
    const asked = new Set<string>();
    const publish = fakes.events.publish.bind(fakes.events);
    fakes.events.publish = (events) => (asked.add(events[0]!.eventId.slice(0, 26)), publish(events));
    for (let run = 0; run < 100 && asked.size <= HOPELESS; run += 1) await tick();
    expect(asked.size).toBe(HOPELESS + 1);
  });
});

describe('a claim', () => {
  const DAY = 24 * 3600;

  it('counts for 45 days, longer than any migration takes, and is new after that', async () => {
    const ledger = createDynamoLedger({ client: await newDynamoDb('direct'), tableName: TABLE });
    const first = { migrationId: MIGRATION_ID, fingerprint: 'f', at: at(0), input: '{}' };
    const again = (days: number) => ({ ...first, migrationId: idOf(days), at: at(days * DAY) });
    expect([await ledger.claim('key', first), await ledger.claim('key', again(44))]).toEqual([first, first]);
    expect(await ledger.claim('key', again(45))).toEqual(again(45));
    expect(await ledger.claim('key', again(46))).toEqual(again(45));
  });
});
