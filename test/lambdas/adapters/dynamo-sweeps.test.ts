/** The promises of sweeps in the ledger, held by DynamoDB (in process) and by the fake that the steps' tests use. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createDynamoSweeps } from '../../../lambdas/adapters/dynamo-sweeps.ts';
import type { SweepItem } from '../../../lambdas/domain/sweep/model.ts';
import type { Sweeps } from '../../../lambdas/ports/index.ts';
import { anItem, aSweep, SWEEP_ID } from '../domain/sweep-fixtures.ts';
import { FakeSweeps } from '../fake-sweeps.ts';
import { at } from '../fixtures.ts';
import { newDynamoDb, TABLE } from './ledgers.ts';

const SWEEPS: [string, () => Promise<Sweeps>][] = [
  ['DynamoDB', async () => createDynamoSweeps({ client: await newDynamoDb(), tableName: TABLE })],
  ['memory', async () => new FakeSweeps()],
];
const id = (number: number): string => `01JD8Z5Q6R7S8T9V0W1X2Y000${number}`;

describe.each(SWEEPS)('sweeps on %s', (_, open) => {
  let sweeps: Sweeps;
  const all = async (): Promise<SweepItem[]> => {
    const items: SweepItem[] = [];
    await sweeps.eachItem(SWEEP_ID, (page) => items.push(...page));
    return items.sort((a, b) => (a.migrationId < b.migrationId ? -1 : 1));
  };
  const begun = { begunAt: at(1), wave: 1 };
  const end = (outcome: SweepItem['outcome'], failed = false) => ({ endedAt: at(2), outcome, failed });

  beforeEach(async () => {
    sweeps = await open();
    await sweeps.create(aSweep());
  });

  it('are created once, and keep what they were created with', async () => {
    expect([await sweeps.create(aSweep({ mode: 'plan' })), await sweeps.get(SWEEP_ID)]).toEqual([aSweep(), aSweep()]);
    expect(await sweeps.get(id(1))).toBeUndefined();
  });

  it('change field by field, and lose those that are taken away', async () => {
    await sweeps.update(SWEEP_ID, {
      status: 'ended',
      outcome: 'stopped',
      wave: { number: 2, size: 4, begun: 1, endedBefore: 3 },
      cause: undefined,
    });
    await sweeps.update(SWEEP_ID, { outcome: null, endedAt: null, phase: 'migrations' });
    await sweeps.update(SWEEP_ID, {});
    expect(await sweeps.get(SWEEP_ID)).toEqual({
      ...aSweep(),
      status: 'ended',
      phase: 'migrations',
      wave: { number: 2, size: 4, begun: 1, endedBefore: 3 },
    });
  });

  it('keep a mark of each cluster of a location, and never lose that one is done in the same execution', async () => {
    const [here, other] = [
      { account: '111122223333', region: 'eu-west-1' },
      { account: '111122223333', region: 'eu-west-2' },
    ];
    const one = { cluster: 'a', execution: 1 } as const;
    for (const state of ['begun', 'done', 'begun'] as const) await sweeps.mark(SWEEP_ID, here, { ...one, state });
    await sweeps.mark(SWEEP_ID, other, { ...one, state: 'begun', alone: true });
    expect(await sweeps.marks(SWEEP_ID, here)).toEqual([{ ...one, state: 'done' }]);
    expect(await sweeps.marks(SWEEP_ID, other)).toEqual([{ ...one, state: 'begun', alone: true }]);
    await sweeps.mark(SWEEP_ID, here, { ...one, state: 'open', execution: 2 });
    expect([await sweeps.marks(SWEEP_ID, here), await all()]).toEqual([[{ ...one, state: 'open', execution: 2 }], []]);
  });

  it('take the last command', async () => {
    const pause = { command: 'pause', at: at(0), by: 'ada' } as const;
    const stop = { command: 'stop', at: at(1), reason: 'lunch' } as const;
    expect(await sweeps.command(SWEEP_ID, pause)).not.toHaveProperty('command');
    // What was asked before is answered.
    expect(await sweeps.command(SWEEP_ID, stop)).toMatchObject({ sweepId: SWEEP_ID, command: pause });
    expect(await sweeps.get(SWEEP_ID)).toMatchObject({ command: stop });
    expect(await sweeps.command(id(1), { command: 'stop', at: at(1) })).toBeUndefined();
  });

  it('are listed newest first, page by page', async () => {
    // By their start: the first one was created before, with the greatest id.
    for (const number of [1, 2, 3])
      await sweeps.create(aSweep({}, { sweepId: id(number), startedAt: at(100 + number) }));
    const first = await sweeps.list({}, 2);
    expect(first.sweeps.map(({ sweepId }) => sweepId)).toEqual([id(3), id(2)]);
    expect((await sweeps.list({}, 2, first.next)).sweeps).toMatchObject([
      { sweepId: id(1), status: 'running', startedAt: at(101), request: aSweep().request },
      { sweepId: SWEEP_ID },
    ]);
    expect((await sweeps.list({}, 10)).next).toBeUndefined();
  });

  it('are listed by status, and by when they were started', async () => {
    for (const number of [1, 2, 3, 4])
      await sweeps.create(aSweep({}, { sweepId: id(number), startedAt: at(100 + number) }));
    for (const number of [1, 3]) await sweeps.update(id(number), { status: 'ended', outcome: 'completed' });
    const listed = async (...given: Parameters<Sweeps['list']>) =>
      (await sweeps.list(...given)).sweeps.map(({ sweepId }) => sweepId);
    expect(await listed({ status: 'ended' }, 10)).toEqual([id(3), id(1)]);
    expect(await listed({ status: 'running' }, 10)).toEqual([id(4), id(2), SWEEP_ID]);
    expect(await listed({ status: 'paused' }, 10)).toEqual([]);
    const [since, until] = [Date.parse(at(102)), Date.parse(at(104))];
    expect(await listed({ since }, 10)).toEqual([id(4), id(3), id(2)]);
    expect(await listed({ until, status: 'running' }, 1)).toEqual([id(2)]);
    expect(await listed({ since, until, status: 'ended' }, 10)).toEqual([id(3)]);
  });

  it('queue an add-on once, in an order of ids, and give a part of them', async () => {
    const items = [1, 2, 3].map((number) => anItem(number));
    for (const item of items) await sweeps.enqueue(SWEEP_ID, item);
    await sweeps.enqueue(SWEEP_ID, { ...items[0]!, cluster: 'another' });
    const sorted = items.toSorted((a, b) => (a.migrationId < b.migrationId ? -1 : 1));
    expect([await sweeps.queued(SWEEP_ID, 10), await sweeps.queued(SWEEP_ID, 2)]).toEqual([sorted, sorted.slice(0, 2)]);
  });

  it('move an add-on into flight and out of it, each once however often it is said', async () => {
    const item = anItem(1);
    await sweeps.enqueue(SWEEP_ID, item);
    for (const again of [begun, { begunAt: at(9), wave: 9 }]) await sweeps.toFlight(SWEEP_ID, item.migrationId, again);
    expect(await sweeps.inFlight(SWEEP_ID)).toEqual([{ ...item, ...begun, state: 'in-flight' }]);
    expect(await sweeps.queued(SWEEP_ID, 10)).toEqual([]);
    for (const outcome of ['rolled-back', 'migrated'] as const)
      await sweeps.toEnd(SWEEP_ID, item.migrationId, {
        ...end(outcome, true),
        failure: { name: 'AddonFailed', message: 'why' },
      });
    expect(await all()).toEqual([
      {
        ...item,
        ...begun,
        state: 'ended',
        endedAt: at(2),
        outcome: 'rolled-back',
        failure: { name: 'AddonFailed', message: 'why' },
      },
    ]);
    expect(await sweeps.get(SWEEP_ID)).toMatchObject({ ended: 1, failed: [item.migrationId] });
  });

  it('count what has ended, and what has failed, and forget both', async () => {
    for (const number of [1, 2, 3]) {
      await sweeps.enqueue(SWEEP_ID, anItem(number));
      await sweeps.toFlight(SWEEP_ID, anItem(number).migrationId, begun);
      await sweeps.toEnd(
        SWEEP_ID,
        anItem(number).migrationId,
        end(number === 3 ? undefined : 'migrated', number === 3),
      );
    }
    await sweeps.enqueue(SWEEP_ID, anItem(4));
    expect(await sweeps.get(SWEEP_ID)).toMatchObject({ ended: 3, failed: [anItem(3).migrationId] });
    expect(await sweeps.tally(SWEEP_ID)).toEqual({ queued: 1, inFlight: 0, ended: { migrated: 2, none: 1 } });
    await sweeps.forgetFailures(SWEEP_ID);
    expect(await sweeps.get(SWEEP_ID)).toMatchObject({ ended: 0, failed: [] });
    expect(await sweeps.tally(SWEEP_ID)).toMatchObject({ ended: { migrated: 2, none: 1 } });
  });

  it('do not move what is not there', async () => {
    await sweeps.toFlight(SWEEP_ID, anItem(1).migrationId, begun);
    await sweeps.toEnd(SWEEP_ID, anItem(1).migrationId, end('rolled-back', true));
    expect([await all(), await sweeps.get(SWEEP_ID)]).toMatchObject([[], { ended: 0, failed: [] }]);
  });

  it('begin none again that a late call queues after its end', async () => {
    const item = anItem(1);
    await sweeps.enqueue(SWEEP_ID, item);
    await sweeps.toFlight(SWEEP_ID, item.migrationId, begun);
    await sweeps.toEnd(SWEEP_ID, item.migrationId, end('migrated'));
    await sweeps.enqueue(SWEEP_ID, item);
    await sweeps.toFlight(SWEEP_ID, item.migrationId, begun);
    expect([await sweeps.inFlight(SWEEP_ID), await sweeps.queued(SWEEP_ID, 10)]).toEqual([[], []]);
    expect(await all()).toMatchObject([{ state: 'ended', outcome: 'migrated' }]);
  });
});
