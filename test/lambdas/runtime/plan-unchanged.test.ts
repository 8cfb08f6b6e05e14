import { beforeEach, describe, expect, it } from 'vitest';
import { assertPlanUnchanged } from '../../../lambdas/runtime/plan-unchanged.ts';
import { type Fakes, newFakes } from '../fakes.ts';
import { aMigration, aPlan, aRequest, MIGRATION_ID } from '../fixtures.ts';
import { expectError } from '../matchers.ts';

describe('a step of change', () => {
  const begun = aMigration();
  const step = { migrationId: MIGRATION_ID, fence: 1, planHash: begun.plan!.hash };
  let fakes: Fakes;
  beforeEach(() => void (fakes = newFakes()));

  it('goes by the plan that was begun', async () => {
    await fakes.ledger.putMigration(begun);
    await expect(assertPlanUnchanged(step, fakes)).resolves.toBeUndefined();
  });

  it.each([
    ['none', { ...begun, plan: undefined }],
    ['another content under the same hash', { ...begun, plan: { ...begun.plan!, namespace: 'shop' } }],
    ['another hash', { ...begun, plan: { ...begun.plan!, hash: 'f'.repeat(64) } }],
    ['the plan of another request', { ...begun, request: aRequest({ accept: ['condition-key:aws:SourceIp'] }) }],
    ['another plan, and its hash', aMigration({ plan: aPlan({ namespace: 'shop' }) })],
  ])('does nothing where the ledger has %s', async (_, record) => {
    await fakes.ledger.putMigration(record);
    await expectError(
      assertPlanUnchanged(step, fakes),
      'BadInput',
      'it was replaced since. This step changed nothing.',
    );
  });

  it('checks no plan before the migration has begun, and none during a rollback', async () => {
    await expect(assertPlanUnchanged({ ...step, fence: undefined }, fakes)).resolves.toBeUndefined();
    await expect(assertPlanUnchanged({ ...step, planHash: undefined }, fakes)).resolves.toBeUndefined();
  });
});
