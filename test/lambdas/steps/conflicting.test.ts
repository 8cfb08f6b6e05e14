import { describe, expect, it } from 'vitest';
import { purgeConflicting } from '../../../lambdas/use-cases/migration/replace-conflicts.ts';
import { recordedAddonWork } from '../../../lambdas/use-cases/record/recorded.ts';
import type { Association } from '../../../lambdas/domain/terms/observed.ts';
import { ADDON, addonArn, OTHER_ROLE } from '../example.ts';
import { anAssociation, associationArn, planned } from '../eks-fixtures.ts';
import { IN_PLACE, RECREATE, RECREATE_PRESERVING } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { begun, LEFT_OVER, type Begun } from './begun.ts';

const run = async ({ ledger, input, dependencies }: Begun, attempt = 0): Promise<unknown> => ({
  purged: await purgeConflicting({
    work: await recordedAddonWork(ledger, input.migrationId, attempt),
    input,
    dependencies,
  }),
});

describe('deleting conflicting associations', () => {
  it('does not look at other service accounts at all', async () => {
    const fakes = await begun({ plan: { attempts: [RECREATE] } });
    const others = [
      anAssociation({ id: 'a-1', serviceAccount: 'shop' }),
      anAssociation({ id: 'a-2', namespace: 'web' }),
    ];
    fakes.eks.associations = others;
    expect([await run(fakes), fakes.eks.associations]).toEqual([{ purged: [] }, others]);
  });

  it('knows after a delete with preserve what the add-on owned, where EKS has cleared the owner', async () => {
    const { ownerArn: _, ...free } = anAssociation({
      id: 'a-own',
      ownerArn: addonArn(1),
      tags: { 'managed-by': 'terraform' },
    });
    const fakes = await begun({
      plan: { attempts: [RECREATE_PRESERVING] },
      snapshot: { associations: [{ ...free, ownerArn: addonArn(1) }] },
      record: { removed: [addonArn(1)] },
    });
    fakes.eks.addons.delete(ADDON);
    fakes.eks.associations = [free];
    expect(await run(fakes)).toEqual({ purged: ['a-own'] });
  });

  const second = anAssociation({ id: 'a-second', serviceAccount: 'second' });
  const both = { planned: [planned, { ...planned, serviceAccount: 'second' }], associations: [LEFT_OVER, second] };

  it('purges those of several service accounts', async () => {
    const fakes = await begun({ plan: { attempts: [RECREATE] }, snapshot: both });
    fakes.eks.associations = [LEFT_OVER, second];
    expect(await run(fakes)).toEqual({ purged: [LEFT_OVER.id, 'a-second'] });
  });
});

describe('deleting conflicting associations in place', () => {
  const OWN = anAssociation({ id: 'a-own', ownerArn: addonArn(1) });
  const inPlace = async (...associations: Association[]): Promise<Begun> => {
    const fakes = await begun({ plan: { attempts: [IN_PLACE] }, snapshot: { associations } });
    fakes.eks.associations = structuredClone(associations);
    return fakes;
  };

  it("keeps the add-on's own: the update replaces it", async () => {
    const fakes = await inPlace(OWN);
    expect([await run(fakes), fakes.eks.associations]).toEqual([{ purged: [] }, [OWN]]);
  });
});

describe('deleting conflicting associations on a later way', () => {
  const later = async (
    association: Association,
    record: NonNullable<Parameters<typeof begun>[0]>['record'] = {},
  ): Promise<Begun> => {
    const fakes = await begun({
      plan: { attempts: [IN_PLACE, RECREATE_PRESERVING, RECREATE] },
      record: { attempt: 1, removed: [addonArn(1)], ...record },
    });
    fakes.eks.addons.delete(ADDON);
    fakes.eks.associations = [association];
    return fakes;
  };
  const made = anAssociation({ id: 'a-made', ownerArn: addonArn(1) });

  it("purges what the copies of this migration have left: the snapshot's, or one that it made", async () => {
    const first = await later(made);
    expect(await run(first, 1)).toEqual({ purged: ['a-made'] });
    const second = await later(
      { ...made, ownerArn: addonArn(2) },
      { attempt: 2, removed: [addonArn(1), addonArn(2)], made: [addonArn(2)] },
    );
    expect(await run(second, 2)).toEqual({ purged: ['a-made'] });
    expect((await second.record()).associations.purged).toMatchObject([{ id: 'a-made' }]);
  });
  it('knows what it has created where EKS has let go of it, with all that was carried over', async () => {
    const { ownerArn: _, ...free } = made;
    const carried = {
      ...free,
      arn: associationArn('a-made'),
      targetRoleArn: OTHER_ROLE,
      tags: { 'managed-by': 'terraform' },
    };
    const fakes = await later(carried);
    await expectError(run(fakes, 1), 'AssociationChanged');
    await fakes.ledger.recordAssociation(fakes.input.migrationId, 'created', made);
    expect(await run(fakes, 1)).toEqual({ purged: ['a-made'] });
  });
  it('leaves an association alone that another principal has created in the meantime', async () => {
    const { ownerArn: _, ...standAlone } = made;
    for (const association of [standAlone, { ...made, ownerArn: addonArn(7) }]) {
      const fakes = await later(association);
      await expectError(run(fakes, 1), 'AssociationChanged', 'appeared after the snapshot');
      expect(fakes.journal.mutations()).toEqual([]);
    }
  });
});
