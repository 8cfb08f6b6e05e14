/** Clusters during whose inspection an invocation died, or took more than their share of its time. */
import { beforeEach, describe, expect, it } from 'vitest';
import { clusterKey, locationKey } from '../../../lambdas/domain/sweep/keys.ts';
import { clusterInventory, type InspectionMark } from '../../../lambdas/domain/sweep/model.ts';
import { sweepRequest } from '../../../lambdas/domain/sweep/request.ts';
import { takeInventoryStep } from '../../../lambdas/steps/take-inventory/handler.ts';
import { newSweep } from '../../../lambdas/use-cases/sweep/commanding.ts';
import { type Fakes, invoke, newFakes } from '../fakes.ts';
import { ACCOUNT } from '../fixtures.ts';
import { matching } from '../matchers.ts';

const SWEEP_ID = '01KF0E44M047C4FEZDQK8YZG0M';
const LOCATION = { account: ACCOUNT, region: 'eu-west-1' };
const NAMES = ['a', 'b', 'c'];

let fakes: Fakes;
beforeEach(async () => {
  fakes = newFakes();
  fakes.invocation.remaining = 900_000;
  fakes.fleet.clusters = NAMES;
  const request = sweepRequest.parse({ mode: 'inventory' });
  await fakes.sweeps.create(newSweep({ sweepId: SWEEP_ID, request, startedAt: '2026-01-15T09:00:00.000Z' }));
});
const take = (more: object = {}) => invoke(takeInventoryStep, { sweepId: SWEEP_ID, ...LOCATION, ...more }, fakes);
const mark = (cluster: string, state: InspectionMark['state'], more: object = {}): Promise<void> =>
  fakes.sweeps.mark(SWEEP_ID, LOCATION, { cluster, state, execution: 0, ...more });
const marks = async (): Promise<object> =>
  Object.fromEntries((await fakes.sweeps.marks(SWEEP_ID, LOCATION)).map(({ cluster, state }) => [cluster, state]));
const text = (key: string): string => fakes.documents.objects.get(key)?.text ?? 'null';
const found = (cluster: string) =>
  clusterInventory.parse(JSON.parse(text(clusterKey(SWEEP_ID, LOCATION, cluster)))).findings[0];
const looks = (): number => fakes.journal.of('eks.describeCluster').length;

describe('a cluster during whose inspection an invocation died', () => {
  it('is inspected alone, after all others, and what was inspected before is kept', async () => {
    await take();
    fakes.sweeps.marked.clear();
    await Promise.all([mark('a', 'begun'), mark('b', 'done')]);
    fakes.journal.clear();
    expect(await take()).toEqual({ done: false, clusters: 0 });
    expect([await marks(), looks()]).toEqual([{ a: 'apart', b: 'done' }, 0]);
    expect(await take()).toEqual({ done: true, after: 'c', clusters: 2 });
    expect([await marks(), looks()]).toEqual([{ a: 'done', b: 'done', c: 'done' }, 2]);
    const ofMarks = fakes.journal.of('sweeps.mark').map(([, , one]) => one as InspectionMark);
    expect(ofMarks.flatMap(({ cluster, state, alone }) => (state === 'begun' ? [[cluster, alone]] : []))).toEqual([
      ['c', undefined],
      ['a', true],
    ]);
    expect(JSON.parse(text(locationKey(SWEEP_ID, LOCATION)))).toMatchObject({ clusters: 3, notSelected: 0 });
  });

  it('is set aside, by name, if the one that inspected it alone died too, and the rest goes on', async () => {
    await mark('b', 'begun', { alone: true });
    expect(await take({ after: 'a' })).toEqual({ done: false, after: 'a', clusters: 0 });
    expect(found('b')).toMatchObject({
      class: 'unreachable',
      reason: matching(/^An invocation that inspected cluster b /),
    });
    expect(await take({ after: 'a' })).toEqual({ done: true, after: 'c', clusters: 1 });
    expect([found('c')?.class, looks()]).toEqual(['ready', 1]);
  });

  it('is inspected as any other by another execution of the sweep', async () => {
    await mark('a', 'begun', { alone: true });
    await fakes.sweeps.update(SWEEP_ID, { executions: 1 });
    expect(await take()).toEqual({ done: true, after: 'c', clusters: 3 });
  });

  it('is open, and no death, where the error was thrown', async () => {
    fakes.journal.failNext('documents.put');
    await expect(take()).rejects.toThrow('socket hang up');
    expect(Object.values(await marks())).toEqual(expect.arrayContaining(['open']));
    expect(await take()).toMatchObject({ done: true });
  });
});

describe('a cluster whose API server takes more than a third of the time', () => {
  it('is inspected alone by the next invocation, and holds up no other', async () => {
    const end = fakes.clock.now() + 900_000;
    Object.defineProperty(fakes.invocation, 'remaining', { configurable: true, get: () => end - fakes.clock.now() });
    const answer = fakes.kubernetes.listPods.bind(fakes.kubernetes);
    let slow = 1;
    fakes.kubernetes.listPods = async (...given) => {
      if (slow-- > 0) fakes.clock.advance(301_000);
      return answer(...given);
    };
    expect([await take(), await marks()]).toEqual([
      { done: false, clusters: 0 },
      { a: 'apart', b: 'done', c: 'done' },
    ]);
    Object.defineProperty(fakes.invocation, 'remaining', { configurable: true, value: 900_000 });
    slow = 1;
    expect(await take()).toEqual({ done: true, after: 'c', clusters: 1 });
    expect(NAMES.map((name) => found(name)?.class)).toEqual(['ready', 'ready', 'ready']);
  });
});
