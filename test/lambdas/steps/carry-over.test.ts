import { describe, expect, it } from 'vitest';
import type { Association } from '../../../lambdas/domain/terms/observed.ts';
import type { CarriedOver } from '../../../lambdas/domain/terms/planned.ts';
import { carryOverStep } from '../../../lambdas/steps/carry-over/handler.ts';
import { faultCases, interruptedOnce, MOMENTS } from '../../faults/contract.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, NAMESPACE, OTHER_ROLE, SERVICE_ACCOUNT } from '../example.ts';
import { MIGRATION_ID } from '../run-examples.ts';
import { anAssociation, planned, aMigratedAddon } from '../eks-fixtures.ts';
import { IN_PLACE, RECREATE } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const run = (fakes: Begun): Promise<unknown> => invoke(carryOverStep, fakes.input, fakes);
const POLICY = '{"Version":"2012-10-17","Statement":[]}';
const NEW = anAssociation({ id: 'a-new', ownerArn: addonArn(1) });
const carried = (change: Partial<CarriedOver> = {}): CarriedOver => ({
  namespace: NAMESPACE,
  serviceAccount: SERVICE_ACCOUNT,
  from: 'a-left00000000000001',
  tags: {},
  ...change,
});
const SETTINGS = { targetRoleArn: OTHER_ROLE, disableSessionTags: true, policy: POLICY };
const CARRIED = { ...SETTINGS, tags: { team: 'storage', tier: 'one' } };
const ALL = carried(CARRIED);

/** The old association from which that is carried over. */
const old = ({ from: id, namespace, serviceAccount, ...fields }: CarriedOver): Association =>
  anAssociation({ id, namespace, serviceAccount, ...fields });

/** In place, its update done. */
async function updated(carryOver: CarriedOver[], there: Association[] = [NEW]): Promise<Begun> {
  const fakes = await begun({
    plan: { attempts: [IN_PLACE], carryOver },
    snapshot: { associations: carryOver.map(old) },
  });
  fakes.eks.addons.set(ADDON, aMigratedAddon([NEW.arn]));
  fakes.eks.associations = structuredClone(there);
  return fakes;
}

describe('carry-over', () => {
  it('gives the new association all that the old one had, and notes it whole', async () => {
    const fakes = await updated([ALL]);
    expect(await run(fakes)).toEqual({ carried: ['a-new'] });
    expect(fakes.eks.associations).toMatchObject([{ id: 'a-new', ...CARRIED }]);
    expect(fakes.journal.of('eks.updateAssociation')).toEqual([
      ['a-new', SETTINGS, `${MIGRATION_ID}-carry-over-0-a-new`],
    ]);
    expect(fakes.journal.of('ledger.recordAssociation')).toEqual([[MIGRATION_ID, 'created', { ...NEW, ...CARRIED }]]);
    const names = fakes.journal.names();
    for (const call of fakes.journal.mutations()) expect(names[names.indexOf(call) - 1]).toBe('ledger.assertLock');
  });

  it('has nothing to do where nothing is carried over', async () => {
    const fakes = await updated([]);
    expect([await run(fakes), fakes.journal.mutations()]).toEqual([{ carried: [] }, []]);
  });

  it.each<[string, Partial<CarriedOver>, Partial<Association>, string[]]>([
    ['tags alone', { tags: { team: 'storage' } }, {}, ['eks.tagResource']],
    ['one tag of two', { tags: { team: 'storage', tier: 'one' } }, { tags: { team: 'storage' } }, ['eks.tagResource']],
    ['fields alone', { targetRoleArn: OTHER_ROLE }, {}, ['eks.updateAssociation']],
    [
      'a policy whose disableSessionTags is there',
      { disableSessionTags: true, policy: POLICY },
      { disableSessionTags: true },
      ['eks.updateAssociation'],
    ],
    ['no tags that AWS keeps to itself', { tags: { 'aws:cloudformation:stack-name': 'pods' } }, {}, []],
    [
      'nothing any more',
      { targetRoleArn: OTHER_ROLE, tags: { team: 'storage' } },
      { targetRoleArn: OTHER_ROLE, tags: { team: 'storage', other: 'kept' } },
      [],
    ],
  ])('sends what differs: %s', async (_, wanted, has, calls) => {
    const fakes = await updated([carried(wanted)], [{ ...NEW, ...has }]);
    expect([await run(fakes), fakes.journal.mutations()]).toEqual([{ carried: ['a-new'] }, calls]);
    const { 'aws:cloudformation:stack-name': _kept, ...settable } = wanted.tags ?? {};
    expect(fakes.eks.associations).toMatchObject([{ ...has, ...wanted, tags: { ...has.tags, ...settable } }]);
  });

  it.each(faultCases(MOMENTS, ['eks.updateAssociation', 'eks.tagResource', 'ledger.recordAssociation']))(
    'comes to the same end where the connection was lost at $call, $kind its effect',
    async ({ call, kind }) => {
      const fakes = await updated([ALL]);
      fakes.journal.failNext(call, kind);
      expect(await interruptedOnce(() => run(fakes))).toEqual({ carried: ['a-new'] });
      expect(fakes.eks.associations).toMatchObject([CARRIED]);
      expect(fakes.journal.of(call).length).toBe(kind === 'after' && call.startsWith('eks.') ? 1 : 2);
    },
  );

  it('serves each service account with its own', async () => {
    const second = { ...planned, serviceAccount: 'second' };
    const carryOver = [
      carried({ from: 'a-2', serviceAccount: 'second', targetRoleArn: OTHER_ROLE }),
      carried({ tags: { team: 'storage' } }),
    ];
    const fakes = await begun({
      plan: { attempts: [RECREATE], carryOver },
      snapshot: { planned: [planned, second], associations: carryOver.map(old) },
      record: { removed: [addonArn(1)], made: [addonArn(2)] },
    });
    for (const one of carryOver) await fakes.ledger.recordAssociation(MIGRATION_ID, 'purged', old(one));
    fakes.eks.associations = [
      { ...NEW, ownerArn: addonArn(2) },
      anAssociation({ id: 'a-second', serviceAccount: 'second', ownerArn: addonArn(2) }),
    ];
    expect(await run(fakes)).toEqual({ carried: ['a-second', 'a-new'] });
    expect(fakes.eks.associations).toMatchObject([
      { id: 'a-new', tags: { team: 'storage' } },
      { id: 'a-second', targetRoleArn: OTHER_ROLE, tags: {} },
    ]);
    expect(fakes.eks.associations[0]).not.toHaveProperty('targetRoleArn');
  });

  it.each<[string, Association[]]>([
    ['is gone', []],
    ['has another role', [{ ...NEW, roleArn: OTHER_ROLE }]],
    ["is another add-on's", [{ ...NEW, ownerArn: addonArn(7) }]],
    ['is a standalone one', [anAssociation()]],
    ['has another target role', [{ ...NEW, targetRoleArn: `${OTHER_ROLE}-too` }]],
    ['has another policy', [{ ...NEW, disableSessionTags: true, policy: '{}' }]],
  ])('leaves it alone where the association %s', async (_, there) => {
    const fakes = await updated([ALL], there);
    await expectError(run(fakes), 'AssociationChanged', 'left alone');
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('does not believe in one list that lacks it', async () => {
    const fakes = await updated([ALL], []);
    fakes.clock.sleep = async () => void (fakes.eks.associations = [structuredClone(NEW)]);
    expect(await run(fakes)).toEqual({ carried: ['a-new'] });
  });

  it('refuses a plan that names an association of no snapshot', async () => {
    const fakes = await updated([ALL]);
    fakes.ledger.snapshots.set(MIGRATION_ID, { ...(await fakes.ledger.getSnapshot(MIGRATION_ID))!, associations: [] });
    await expectError(run(fakes), 'BadInput', ALL.from);
  });
});
