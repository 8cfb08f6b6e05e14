/** A poll of the dispatcher that timed out, and goes on while the next one runs. */
import { expect, it } from 'vitest';
import { dispatchSweepStep } from '../../../lambdas/steps/dispatch-sweep/handler.ts';
import { anItem, aSweep, SWEEP_EXECUTION, SWEEP_ID } from '../domain/sweep-fixtures.ts';
import { invoke, newFakes } from '../fakes.ts';
import { aMigration, aRequest, at, executionArn } from '../fixtures.ts';
import { endedAs } from '../run-examples.ts';

it('may begin the last item between the two reads of the next poll, which then does not end the sweep', async () => {
  const fakes = newFakes();
  const { sweeps } = fakes;
  const item = anItem(1);
  const { migrationId, account, region, cluster, addon } = item;
  const poll = (tick: number): Promise<unknown> =>
    invoke(dispatchSweepStep, { sweepId: SWEEP_ID, executionArn: SWEEP_EXECUTION, tick }, fakes);
  await sweeps.create(aSweep({ limits: { canary: 1 } }, { executionArn: SWEEP_EXECUTION, executions: 1 }));
  await sweeps.enqueue(SWEEP_ID, item);
  const queued = sweeps.queued.bind(sweeps);
  sweeps.queued = async (...given) => {
    sweeps.queued = queued;
    await sweeps.toFlight(SWEEP_ID, migrationId, { begunAt: at(1), wave: 1 });
    return queued(...given);
  };

  expect(await poll(0)).toEqual({ next: 'wait', waitSeconds: 20 });
  expect(await sweeps.get(SWEEP_ID)).not.toMatchObject({ phase: 'report' });
  await poll(1);
  expect(fakes.executions.migrations.map((one) => one.migrationId)).toEqual([migrationId]);
  await fakes.ledger.putMigration(
    aMigration({
      migrationId,
      request: aRequest({ target: { account, region, cluster }, addon }),
      executionArn: executionArn(migrationId),
      ...endedAs('migrated', 99),
    }),
  );
  expect(await poll(2)).toMatchObject({ next: 'report' });
  expect(sweeps.items.get(SWEEP_ID)!.get(migrationId)).toMatchObject({ state: 'ended' });
});
