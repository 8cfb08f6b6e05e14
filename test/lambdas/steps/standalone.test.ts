/** The standalone associations of an add-on's migration, step by step: made first, kept by all ways, taken away last. */
import { describe, expect, test } from 'vitest';
import type { Addon, Association } from '../../../lambdas/domain/terms/observed.ts';
import type { PlannedAssociation } from '../../../lambdas/domain/terms/planned.ts';
import { MIGRATION_TAG } from '../../../lambdas/domain/migration/service-account.ts';
import type { Step } from '../../../lambdas/runtime/step.ts';
import { awaitActiveStep } from '../../../lambdas/steps/await-active/handler.ts';
import { createAddonStep } from '../../../lambdas/steps/create-addon/handler.ts';
import { createAssociationStep } from '../../../lambdas/steps/create-association/handler.ts';
import { deleteAddonStep } from '../../../lambdas/steps/delete-addon/handler.ts';
import { purgeConflicting } from '../../../lambdas/use-cases/migration/replace-conflicts.ts';
import { recordedAddonWork } from '../../../lambdas/use-cases/record/recorded.ts';
import { restoreAddonStep } from '../../../lambdas/steps/restore-addon/handler.ts';
import { restoreAssociationsStep } from '../../../lambdas/steps/restore-associations/handler.ts';
import { updateAddonStep } from '../../../lambdas/steps/update-addon/handler.ts';
import { verifyPodsStep } from '../../../lambdas/steps/verify-pods/handler.ts';
import { interruptedOnce, MOMENTS, strikeEachCall } from '../../faults/contract.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, NAMESPACE, OTHER_ROLE, ROLE } from '../example.ts';
import { MIGRATION_ID } from '../run-examples.ts';
import { anAddon, anAssociation, aNodePod, aPod, planned, aMigratedAddon } from '../eks-fixtures.ts';
import { aMigration, RECREATE, GRANTED } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const it = test.extend('fakes', () => begunWithNodes());
const NODES = 'ebs-csi-node-sa';
const standalone: PlannedAssociation = { namespace: NAMESPACE, serviceAccount: NODES, roleArn: ROLE, standalone: true };
const of = (change: Partial<Association> = {}) => anAssociation({ id: 'a-of-nodes', serviceAccount: NODES, ...change });
const own = of({ tags: { [MIGRATION_TAG]: MIGRATION_ID } });

type Change = NonNullable<Parameters<typeof begun>[0]>;
/** Who may be given a role is not what these are about. */
const granted = async (begins: Promise<Begun>): Promise<Begun> => {
  const fakes = await begins;
  fakes.settings.roleGrants = GRANTED;
  return fakes;
};
const begunWithNodes = (change: Change = {}): Promise<Begun> =>
  granted(
    begun({
      ...change,
      snapshot: { planned: [planned, standalone], irsaBroken: [`${NAMESPACE}/${NODES}`], ...change.snapshot },
    }),
  );
const run = (step: Step, fakes: Begun, more: object = {}) => invoke(step, { ...fakes.input, ...more }, fakes);
const create = (fakes: Begun): Promise<unknown> => run(createAssociationStep, fakes);
const restore = (fakes: Begun): Promise<unknown> => run(restoreAssociationsStep, fakes);

describe('create-association for an add-on', () => {
  it('makes the standalone ones alone, with the tag, under the lock, and notes them', async ({ fakes }) => {
    const answer = await create(fakes);
    const [made, ...more] = fakes.eks.associations;
    expect([more, answer]).toEqual([[], { created: true, associations: [made?.id] }]);
    expect(made).toMatchObject({
      namespace: NAMESPACE,
      serviceAccount: NODES,
      roleArn: ROLE,
      tags: { [MIGRATION_TAG]: MIGRATION_ID },
    });
    expect(made?.ownerArn).toBeUndefined();
    expect((await fakes.record()).associations.created).toEqual([made]);
    expect(fakes.journal.mutations()).toEqual(['eks.createAssociation']);
  });

  it('gives each a token of its own', async () => {
    const second: PlannedAssociation = { ...standalone, serviceAccount: 'second-sa' };
    const fakes = await granted(begun({ snapshot: { planned: [planned, standalone, second] } }));
    await create(fakes);
    expect(fakes.journal.of('eks.createAssociation').map(([, token]) => token)).toEqual([
      `${MIGRATION_ID}-create-association-0-0`,
      `${MIGRATION_ID}-create-association-0-1`,
    ]);
  });

  it('finds its own by its tag, after a reply that was lost, and keeps one that was there', async ({ fakes }) => {
    fakes.eks.associations = [own];
    expect(await create(fakes)).toEqual({ created: false, associations: [own.id] });
    expect((await fakes.record()).associations.created).toEqual([own]);
    const kept = await begunWithNodes({ plan: { existing: ['a-of-nodes'] }, snapshot: { associations: [of()] } });
    kept.eks.associations = [of()];
    expect(await create(kept)).toEqual({ created: false, associations: ['a-of-nodes'] });
    expect((await kept.record()).associations.created).toEqual([]);
  });

  it.each(MOMENTS)('makes one, whichever call breaks %s its effect', (kind) =>
    strikeEachCall({
      prepare: () => begunWithNodes(),
      work: create,
      kinds: [kind],
      expectation: async (fakes) => {
        await interruptedOnce(() => create(fakes));
        expect(fakes.eks.associations).toHaveLength(1);
        expect((await fakes.record()).associations.created).toEqual(fakes.eks.associations);
      },
    }),
  );
});

describe('on every way', () => {
  const purged = async ({ ledger, input, dependencies }: Begun): Promise<string[]> =>
    purgeConflicting({ work: await recordedAddonWork(ledger, input.migrationId, 0), input, dependencies });
  const addonOnPodIdentity = anAddon({ serviceAccountRoleArn: undefined });
  it('is left by what deletes conflicting associations, in place and before a create, however it is known', async () => {
    for (const attempts of [undefined, [RECREATE]])
      for (const known of [true, false]) {
        const fakes = await begunWithNodes(attempts ? { plan: { attempts } } : {});
        fakes.eks.associations = [own];
        if (known) await fakes.ledger.recordAssociation(MIGRATION_ID, 'created', own);
        fakes.journal.clear();
        expect(await purged(fakes)).toEqual([]);
        expect(fakes.eks.associations).toEqual([own]);
      }
  });

  it('stops the deletion of conflicting associations if another principal has created one with another role', async () => {
    const fakes = await begunWithNodes();
    fakes.eks.associations = [of({ roleArn: OTHER_ROLE })];
    await expectError(purged(fakes), 'AssociationChanged');
  });

  it('EKS is not asked for it by an update, and it is not waited for', async ({ fakes }) => {
    fakes.eks.associations = [own];
    await run(updateAddonStep, fakes);
    expect(fakes.journal.of('eks.updateAddon')).toMatchObject([[{ podIdentityAssociations: [planned] }]]);
    const owned = anAssociation({ id: 'a-new', ownerArn: addonArn(1) });
    fakes.eks.addons.set(ADDON, aMigratedAddon([owned.arn]));
    fakes.eks.associations = [own, owned];
    expect(await run(awaitActiveStep, fakes)).toMatchObject({ associations: ['a-new'] });
  });

  it('nor by a create, whose copy has the planned shape without it', async () => {
    const fakes = await begunWithNodes({ plan: { attempts: [RECREATE] }, record: { removed: [addonArn(1)] } });
    fakes.eks.addons.clear();
    await run(createAddonStep, fakes);
    expect(fakes.journal.of('eks.createAddon')).toMatchObject([[{ podIdentityAssociations: [planned] }]]);
    // From a create whose reply was lost: known by its shape.
    await fakes.ledger.putMigration({ ...(await fakes.record()), made: [] });
    expect(await run(createAddonStep, fakes)).toEqual({ created: false });
  });

  it('a later way finds the add-on as the one before has left it', async () => {
    const fakes = await begunWithNodes({ plan: { attempts: [RECREATE, RECREATE] } });
    fakes.eks.addons.set(ADDON, { ...addonOnPodIdentity, podIdentityAssociations: [anAssociation().arn] });
    expect(await run(deleteAddonStep, fakes, { attempt: 1 })).toEqual({ deleted: true });
  });
});

describe('verify-pods', () => {
  const owned = anAssociation({ id: 'a-new', ownerArn: addonArn(1) });
  const migrated = async (nodes: Association[]): Promise<Begun> => {
    const fakes = await begunWithNodes();
    fakes.eks.addons.set(ADDON, aMigratedAddon([owned.arn]));
    fakes.eks.associations = [owned, ...nodes];
    fakes.kubernetes.pods = [
      aPod('pod-identity'),
      { ...aPod('pod-identity'), name: 'node', uid: 'node', serviceAccount: NODES },
    ];
    return fakes;
  };
  const verify = (fakes: Begun): Promise<unknown> => run(verifyPodsStep, fakes, { towards: 'pod-identity', round: 1 });

  it('counts its pods', async () => {
    expect(await verify(await migrated([own]))).toEqual({ verdict: 'verified', podsThatCount: 2, podsAsExpected: 2 });
    const fakes = await migrated([own]);
    fakes.kubernetes.pods = [aPod('pod-identity'), aNodePod()];
    expect(await verify(fakes)).toMatchObject({ verdict: 'restart', podsThatCount: 2, podsAsExpected: 1 });
  });

  it.each<[string, Association[]]>([
    ['it is gone', []],
    ['it has another role', [{ ...own, roleArn: OTHER_ROLE }]],
    ['it is another one', [of({ id: 'a-theirs' })]],
  ])('does not believe the pods where %s', async (_, nodes) => {
    const fakes = await migrated(nodes);
    await expectError(verify(fakes), 'AssociationChanged');
    expect((await fakes.record()).verified).toBe('none');
  });
});

describe('restore-associations', () => {
  const back = async (change: Change = {}): Promise<Begun> => {
    const fakes = await begunWithNodes(change);
    fakes.eks.associations = [own];
    await fakes.ledger.recordAssociation(MIGRATION_ID, 'created', own);
    fakes.journal.clear();
    return fakes;
  };

  it('takes it away once the add-on has its role back: noted first, under the lock', async () => {
    const fakes = await back();
    expect(await restore(fakes)).toMatchObject({ restored: [], awaitsWebhook: true });
    expect([fakes.eks.associations, (await fakes.record()).associations.purged]).toEqual([[], [own]]);
    const names = fakes.journal.names();
    expect(names.slice(names.indexOf('eks.deleteAssociation') - 2, names.indexOf('eks.deleteAssociation'))).toEqual([
      'ledger.recordAssociation',
      'ledger.assertLock',
    ]);
    // A repeated call waits for the webhook too: the first reply may have been lost.
    expect(await restore(fakes)).toMatchObject({ restored: [], awaitsWebhook: true });
  });

  it('knows it by its tag, where its create was not noted', async ({ fakes }) => {
    fakes.eks.associations = [own];
    expect([await restore(fakes), fakes.eks.associations]).toMatchObject([{ restored: [], awaitsWebhook: true }, []]);
  });

  it('does not take it away while the add-on has no role: its pods would be without any', async () => {
    const fakes = await back();
    fakes.eks.addons.set(ADDON, anAddon({ serviceAccountRoleArn: undefined }));
    await expectError(restore(fakes), 'RestoreRefused');
    expect(fakes.eks.associations).toEqual([own]);
  });

  it("leaves an association that existed before, and another principal's", async () => {
    const kept = await begunWithNodes({ plan: { existing: ['a-of-nodes'] }, snapshot: { associations: [of()] } });
    kept.eks.associations = [of()];
    expect(await restore(kept)).toEqual({ restored: ['a-of-nodes'], awaitsWebhook: false });
    const fakes = await back();
    fakes.eks.associations = [of({ id: 'a-theirs' })];
    await expectError(restore(fakes), 'RestoreRefused', 'was created outside this migration');
    expect(fakes.eks.associations.map(({ id }) => id)).toEqual(['a-theirs']);
  });

  it.each(MOMENTS)('finds its own work after the connection broke %s the effect', async (kind) => {
    const fakes = await back();
    fakes.journal.failNext('eks.deleteAssociation', kind);
    expect(await interruptedOnce(() => restore(fakes))).toMatchObject({ restored: [], awaitsWebhook: true });
    expect(fakes.eks.associations).toEqual([]);
  });
});

describe('restore-addon, where only EKS replaces pods', () => {
  const [DELETE, UPDATE, CREATE] = ['eks.deleteAssociation', 'eks.updateAddon', 'eks.createAddon'] as const;
  const owned = anAssociation({ id: 'a-new', ownerArn: addonArn(1) });
  const onPodIdentity = aMigratedAddon([owned.arn]);
  interface Case {
    addon?: Addon;
    isRefused?: true;
    verification?: 'api' | 'ready';
    irsaBroken?: string[];
  }
  it.each<[string, Case, string[]]>([
    ['not before it restores the role alone', { addon: onPodIdentity }, [UPDATE]],
    ['before pods are replaced', { addon: { ...onPodIdentity, serviceAccountRoleArn: ROLE } }, [DELETE, UPDATE]],
    ['before both go in one update', { addon: onPodIdentity, isRefused: true }, [UPDATE, DELETE, UPDATE]],
    ['before a create', {}, [DELETE, CREATE]],
    ['not before a create if IRSA no longer works', { irsaBroken: [] }, [CREATE]],
    ['not if pods are verified', { addon: onPodIdentity, isRefused: true, verification: 'ready' }, [UPDATE, UPDATE]],
  ])('deletes it %s', async (_, { addon, isRefused, verification = 'api', irsaBroken }, mutations) => {
    const request = { ...aMigration().request, verification };
    const fakes = await begunWithNodes({ record: { request }, ...(irsaBroken ? { snapshot: { irsaBroken } } : {}) });
    fakes.eks.associations = addon ? [own, owned] : [own];
    fakes.eks.addons.clear();
    if (addon) fakes.eks.addons.set(ADDON, { ...addon });
    else await fakes.ledger.recordCopy(MIGRATION_ID, 'removed', addonArn(1));
    fakes.journal.clear();
    if (isRefused) fakes.journal.refuseNext(UPDATE, 'InvalidRequest', 'name them, or none');
    const action = addon ? 'update' : 'create';
    expect(await run(restoreAddonStep, fakes, { action, actions: 0 })).toEqual({ done: true });
    expect(fakes.journal.mutations()).toEqual(mutations);
    const { purged } = (await fakes.record()).associations;
    expect(purged.some(({ id }) => id === own.id)).toBe(mutations.includes(DELETE));
  });
});
