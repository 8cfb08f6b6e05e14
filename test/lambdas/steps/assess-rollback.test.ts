import { describe, expect, test } from 'vitest';
import type { Addon } from '../../../lambdas/domain/terms/observed.ts';
import { assessRollbackStep } from '../../../lambdas/steps/assess-rollback/handler.ts';
import { MAX_RESTORE_ACTIONS } from '../../../lambdas/steps/assess-rollback/schema.ts';
import { MOMENTS, strikeEachCall } from '../../faults/contract.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, OTHER_ROLE, ROLE, VERSION } from '../example.ts';
import { MIGRATION_ID } from '../run-examples.ts';
import { anAddon, anAssociation, associationArn } from '../eks-fixtures.ts';
import { IN_PLACE, RECREATE, RECREATE_PRESERVING } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { begun, type Begun, LEFT_OVER } from './begun.ts';
import { aCopy, COPY, made, recreated, removed, rollback } from './rollback.ts';

const it = test.extend('fakes', () => begun());
const assess = (fakes: Begun, actions = 0) => invoke(assessRollbackStep, { ...fakes.input, actions }, fakes);
const AS_BEFORE = { status: 'ACTIVE', serviceAccountRoleArn: ROLE, podIdentityAssociations: [] };
const preserving = { plan: { attempts: [RECREATE_PRESERVING] } };

const deleting = async ({ eks, ledger }: Begun, showsAfter = eks.deleteShowsAfter): Promise<void> => {
  eks.deleteShowsAfter = showsAfter;
  await ledger.recordCopy(MIGRATION_ID, 'removed', addonArn(1));
  await eks.deleteAddon(ADDON, { preserve: true });
};
const updatedInPlace = ({ eks }: Begun, change: Partial<Addon> = {}): void => {
  eks.addons.set(ADDON, aCopy({ arn: addonArn(1), ...change }));
  eks.associations = [made({ ownerArn: addonArn(1) })];
};

/** The points that a migration can have reached, and the actions of the rollback from there. */
const locations: [string, (fakes: Begun) => unknown, string[]][] = [
  ['nothing was changed yet', () => undefined, []],
  ['the delete is on its way', (fakes) => deleting(fakes), ['create']],
  ['the delete does not show yet', (fakes) => deleting(fakes, 9000), ['create']],
  ['the add-on is gone', removed, ['create']],
  ['it was made again', (fakes) => recreated(fakes), ['update']],
  ['it was made again and is DEGRADED', (fakes) => recreated(fakes, { status: 'DEGRADED' }), ['update']],
  ['its create failed', (fakes) => recreated(fakes, { status: 'CREATE_FAILED' }), ['delete', 'create']],
  [
    'its create is unknown, the reply was lost',
    async (fakes) => {
      await removed(fakes);
      fakes.eks.addons.set(ADDON, aCopy());
      fakes.eks.associations = [made()];
    },
    ['update'],
  ],
  ['it was updated in place', (fakes) => updatedInPlace(fakes), ['update']],
  ['its update in place failed', (fakes) => updatedInPlace(fakes, { status: 'UPDATE_FAILED' }), ['update']],
  [
    'it is gone and left its association behind',
    async (fakes) => {
      await recreated(fakes);
      await fakes.ledger.recordCopy(MIGRATION_ID, 'removed', COPY);
      await fakes.ledger.recordAssociation(MIGRATION_ID, 'created', made());
      fakes.eks.addons.delete(ADDON);
    },
    ['create'],
  ],
];
const attempts = [IN_PLACE, RECREATE_PRESERVING, RECREATE];

describe.each(locations)('the rollback when %s', (_, prepare, taken) => {
  it.each(attempts)('ends with the add-on as it was, by what is needed and no more (%j)', async (attempt) => {
    const fakes = await begun({ plan: { attempts: [attempt] } });
    fakes.eks.keyFreedAfter = 3000;
    await prepare(fakes);
    expect(await rollback(fakes)).toEqual(taken);
    expect(fakes.eks.addons.get(ADDON)).toMatchObject({
      ...AS_BEFORE,
      version: VERSION,
      configurationValues: anAddon().configurationValues,
      tags: { team: 'storage' },
    });
    expect(fakes.eks.associations).toEqual([]);
    const before = fakes.journal.mutations();
    expect([await rollback(fakes), fakes.journal.mutations()]).toEqual([[], before]);
  });

  it.each(MOMENTS)('ends so too with a fault %s the effect of any one call', (kind) =>
    strikeEachCall({
      prepare: async () => {
        const fakes = await begun(preserving);
        await prepare(fakes);
        return fakes;
      },
      work: rollback,
      kinds: [kind],
      // A read of the ledger is only repeated.
      strikes: ({ call }) => !/^ledger\.(get|assert)/.test(call),
      expectation: async (fakes) => {
        await rollback(fakes);
        expect([fakes.eks.addons.get(ADDON), fakes.eks.associations]).toMatchObject([AS_BEFORE, []]);
      },
    }),
  );
});

describe('assess-rollback', () => {
  it('makes sure of its lock before it looks', async ({ fakes }) => {
    await fakes.loseLock();
    await expectError(assess(fakes), 'LockLost');
    expect(fakes.journal.names()).toEqual(['ledger.assertLock']);
  });

  it('believes an absence only after several looks', async ({ fakes }) => {
    await fakes.ledger.recordCopy(MIGRATION_ID, 'removed', addonArn(1));
    fakes.eks.misses = 2;
    expect(await assess(fakes)).toEqual({ action: 'done' });
  });

  it('waits while EKS is at work', async ({ fakes }) => {
    await recreated(fakes, { status: 'CREATING' });
    await expectError(assess(fakes), 'RestoreInProgress', 'CREATING');
  });

  it('leaves a delete that was not its own to a person', async ({ fakes }) => {
    fakes.eks.addons.delete(ADDON);
    await expectError(assess(fakes), 'RestoreRefused', /another principal has deleted .*left as it is/);
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('tries a delete that failed again, and then gives up', async () => {
    const fakes = await begun(preserving);
    fakes.eks.deleteFails = true;
    await recreated(fakes, { status: 'CREATE_FAILED' });
    await expectError(rollback(fakes), 'RestoreRefused', 'could not delete');
    expect(fakes.journal.mutations()).toEqual(['eks.deleteAddon', 'eks.deleteAddon']);
  });

  it('gives up when every create fails', async () => {
    const fakes = await begun(preserving);
    fakes.eks.endsIn = 'CREATE_FAILED';
    await removed(fakes);
    await expectError(rollback(fakes), 'RestoreFailed', `After ${MAX_RESTORE_ACTIONS} actions`);
    expect(fakes.journal.mutations()).toEqual(
      'eks.createAddon eks.deleteAddon eks.createAddon eks.deleteAddon eks.createAddon eks.deleteAddon'.split(' '),
    );
  });

  it('has nothing against the last look when the actions are used up', async () =>
    expect(await assess(await begun(), MAX_RESTORE_ACTIONS)).toEqual({ action: 'done' }));

  it('notes a copy of its own that the record does not know', async ({ fakes }) => {
    await removed(fakes);
    fakes.eks.addons.set(ADDON, aCopy());
    fakes.eks.associations = [made()];
    await assess(fakes);
    expect((await fakes.record()).made).toEqual([COPY]);
  });

  it('brings back own and standalone associations with all their fields', async () => {
    const policy = '{"Version":"2012-10-17"}';
    const fields = { targetRoleArn: OTHER_ROLE, disableSessionTags: true, policy, tags: { team: 'storage' } };
    const owned = anAssociation({ id: 'a-owned', serviceAccount: 'other-sa', ownerArn: addonArn(1), ...fields });
    const standAlone = anAssociation({ ...LEFT_OVER, ...fields });
    const fakes = await begun({
      plan: { attempts: [RECREATE] },
      snapshot: {
        addon: anAddon({ podIdentityAssociations: [owned.arn] }),
        associations: [standAlone, owned],
        planned: [
          { namespace: 'kube-system', serviceAccount: LEFT_OVER.serviceAccount, roleArn: ROLE },
          { namespace: 'kube-system', serviceAccount: 'other-sa', roleArn: ROLE },
        ],
      },
    });
    await recreated(fakes, {
      status: 'CREATE_FAILED',
      podIdentityAssociations: [associationArn('a-made'), associationArn('a-made2')],
    });
    fakes.eks.associations = [made(), made({ id: 'a-made2', serviceAccount: 'other-sa' })];
    fakes.eks.keyFreedAfter = 3000;
    await fakes.ledger.recordAssociation(MIGRATION_ID, 'purged', standAlone);
    expect(await rollback(fakes)).toEqual(['delete', 'create']);
    const now = fakes.eks.addons.get(ADDON)?.arn;
    expect(fakes.eks.associations).toHaveLength(2);
    expect(fakes.eks.associations).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ serviceAccount: 'other-sa', ownerArn: now, roleArn: ROLE, ...fields }),
        expect.objectContaining({ serviceAccount: LEFT_OVER.serviceAccount, roleArn: ROLE, ...fields }),
      ]),
    );
    expect(
      fakes.eks.associations.find((one) => one.serviceAccount === LEFT_OVER.serviceAccount)?.ownerArn,
    ).toBeUndefined();
  });
});
