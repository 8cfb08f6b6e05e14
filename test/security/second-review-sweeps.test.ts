/**
 * A sweep starts, and trusts, only what it asks for, regardless of what else the ledger contains and which principal has
 * taken an id.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { newMigration } from '../../lambdas/domain/record/migration.ts';
import type { SweepItem } from '../../lambdas/domain/sweep/model.ts';
import type { SweepRequestInput } from '../../lambdas/domain/sweep/request.ts';
import { ulidFrom } from '../../lambdas/domain/text/ulid.ts';
import { newSweep } from '../../lambdas/use-cases/sweep/commanding.ts';
import { dispatchSweepStep } from '../../lambdas/steps/dispatch-sweep/handler.ts';
import { startSweepStep } from '../../lambdas/steps/start-sweep/handler.ts';
import { anItem, aSweep, SWEEP_EXECUTION, SWEEP_ID } from '../lambdas/domain/sweep-fixtures.ts';
import { type Fakes, invoke, newFakes } from '../lambdas/fakes.ts';
import { aRequest, at, executionArn } from '../lambdas/fixtures.ts';
import { containing } from '../lambdas/matchers.ts';

let fakes: Fakes;
beforeEach(() => void (fakes = newFakes()));
const put = async (request: Partial<SweepRequestInput>, items: SweepItem[]): Promise<void> => {
  await fakes.sweeps.create(aSweep(request, { executionArn: SWEEP_EXECUTION, executions: 1 }));
  for (const item of items) await fakes.sweeps.enqueue(SWEEP_ID, item);
};
const dispatch = (tick = 0): Promise<unknown> =>
  invoke(dispatchSweepStep, { sweepId: SWEEP_ID, executionArn: SWEEP_EXECUTION, tick }, fakes);
const itemOf = ({ migrationId }: SweepItem): SweepItem => fakes.sweeps.items.get(SWEEP_ID)!.get(migrationId)!;

describe('a forged item of a sweep', () => {
  const selection = {
    accounts: [anItem(1).account],
    regions: ['eu-west-1'],
    clusters: ['cluster-*'],
    addons: ['aws-ebs-csi-driver'],
  };
  it.each<[string, Partial<SweepItem>]>([
    ['account', { account: '999988887777' }],
    ['region', { region: 'us-east-1' }],
    ['cluster', { cluster: 'payments-prod' }],
    ['add-on', { addon: 'vpc-cni' }],
  ])('with another %s than the sweep selects is not started', async (_, change) => {
    const [own, forged] = [anItem(1), anItem(2, change)];
    await put({ selection, limits: { canary: 2, stopAfterFailures: 5 } }, [own, forged]);
    await dispatch();
    await dispatch(1);
    expect(fakes.executions.migrations.map(({ migrationId }) => migrationId)).toEqual([own.migrationId]);
    expect(itemOf(forged)).toMatchObject({
      state: 'ended',
      failure: { message: containing(`not in the selection of sweep ${SWEEP_ID}`) },
    });
  });
});

describe("a third-party migration under an item's id", () => {
  const item = anItem(1);
  const { account, region, cluster, addon } = item;
  const target = { account, region, cluster };
  it.each([
    ['of another add-on', aRequest({ target, addon: 'vpc-cni' })],
    ['of another cluster', aRequest({ target: { ...target, cluster: 'sandbox' }, addon })],
    ['as a dry run', aRequest({ target, addon, dryRun: true })],
  ])("%s is not accepted as the sweep's own", async (_, request) => {
    await put({ limits: { canary: 1 } }, [item]);
    await fakes.ledger.putMigration({
      ...newMigration({
        migrationId: item.migrationId,
        request,
        executionArn: executionArn(item.migrationId),
        startedAt: at(0),
      }),
      status: 'ended',
      outcome: request.dryRun ? 'planned' : 'migrated',
      endedAt: at(5),
    });
    await dispatch();
    await dispatch(1);
    expect(itemOf(item)).toMatchObject({ state: 'ended', failure: { name: 'NoOutcome' } });
    expect(itemOf(item).outcome).toBeUndefined();
    // It counts towards the stop condition.
    expect((await fakes.sweeps.get(SWEEP_ID))!.failed).toEqual([item.migrationId]);
  });
});

it('a third-party sweep under the id of a scheduled one is not accepted as the scheduled one', async () => {
  const due = '2026-01-18T22:00:00Z';
  const sweepId = ulidFrom(Date.parse(due), 'weekly');
  // As begin-sweep records it, for an execution that was started by hand.
  const { request } = aSweep({ mode: 'inventory', requestedBy: 'mallory' });
  await fakes.sweeps.create(newSweep({ sweepId, request, startedAt: at(0) }));
  await expect(
    invoke(startSweepStep, { schedule: 'weekly', at: due, request: { mode: 'migrate' } }, fakes),
  ).rejects.toMatchObject({ name: 'BadInput', message: containing('was started by mallory') });
  expect(fakes.executions.sweeps).toEqual([]);
});
