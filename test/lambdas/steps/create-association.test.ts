import { describe, expect, test } from 'vitest';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import { MIGRATION_TAG } from '../../../lambdas/domain/migration/service-account.ts';
import { createAssociationStep } from '../../../lambdas/steps/create-association/handler.ts';
import { ACCOUNT_NAME, ACCOUNT_NAMESPACE } from '../account-example.ts';
import { anAccountAssociation, aServiceAccount, ownAssociation, plannedAccount } from '../account-fixtures.ts';
import { associated, begunAccount } from './begun-account.ts';
import { interruptedOnce, MOMENTS, strikeEachCall } from '../../faults/contract.ts';
import { invoke } from '../fakes.ts';
import { at, MIGRATION_ID, ROLE, GRANTED } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { type Begun } from './begun.ts';
import { aTrustChange } from './repaired.ts';

const it = test.extend('fakes', () => begunAccount());
const THEIRS = anAccountAssociation({ id: 'a-theirs' });
const KEPT = anAccountAssociation();
const WANTED = {
  namespace: ACCOUNT_NAMESPACE,
  serviceAccount: ACCOUNT_NAME,
  roleArn: ROLE,
  tags: { [MIGRATION_TAG]: MIGRATION_ID },
};
const create = (fakes: Begun): Promise<unknown> => invoke(createAssociationStep, fakes.input, fakes);
const created = async (fakes: Begun): Promise<string[]> =>
  (await fakes.record()).associations.created.map(({ id }) => id);

describe('create-association', () => {
  it('associates the service account, with the migration as a tag and in the token, and notes what it made', async () => {
    const fakes = await begunAccount();
    const answer = await create(fakes);
    const [made, ...more] = fakes.eks.associations;
    expect([more, answer]).toEqual([[], { created: true, associations: [made?.id] }]);
    expect(made).toMatchObject(WANTED);
    expect(fakes.journal.of('eks.createAssociation')).toEqual([[WANTED, `${MIGRATION_ID}-create-association-0`]]);
    expect((await fakes.record()).associations.created).toEqual([made]);
    expect(fakes.journal.mutations()).toEqual(['eks.createAssociation']);
  });

  it('looks at the service account first, and at nothing of an add-on', async ({ fakes }) => {
    await create(fakes);
    const names = fakes.journal.names().filter((name) => !name.startsWith('ledger.'));
    expect([names[0], names.filter((name) => /[Aa]ddon/.test(name))]).toEqual(['kubernetes.getServiceAccount', []]);
  });

  it('notes the way that it tries before it changes anything', async () => {
    const fakes = await begunAccount({ record: { attempt: undefined } });
    await create(fakes);
    const names = fakes.journal.names();
    expect(names.indexOf('ledger.noteAttempt')).toBeGreaterThanOrEqual(0);
    expect(names.indexOf('ledger.noteAttempt')).toBeLessThan(names.indexOf('eks.createAssociation'));
  });

  it.each(MOMENTS)('makes one, whichever call breaks %s its effect', (kind) =>
    strikeEachCall({
      prepare: () => begunAccount(),
      work: create,
      kinds: [kind],
      expectation: async (fakes) => {
        await interruptedOnce(() => create(fakes));
        expect(fakes.eks.associations).toHaveLength(1);
        expect(await created(fakes)).toEqual(fakes.eks.associations.map(({ id }) => id));
      },
    }),
  );

  it.each<[string, typeof KEPT, boolean]>([
    ['by its tag', ownAssociation(), false],
    ['by the record', ownAssociation({ tags: {} }), true],
  ])('finds its own %s, after a reply that was lost', async (_, own, noted) => {
    const fakes = await begunAccount();
    fakes.eks.associations = [own];
    if (noted) await fakes.ledger.recordAssociation(MIGRATION_ID, 'created', own);
    expect([await create(fakes), fakes.journal.mutations()]).toEqual([{ created: false, associations: [own.id] }, []]);
    expect(await created(fakes)).toEqual([own.id]);
  });

  it('does not believe in one look that finds none', async () => {
    const fakes = await associated();
    const [own] = fakes.eks.associations;
    fakes.eks.associations = [];
    const sleep = fakes.clock.sleep.bind(fakes.clock);
    fakes.clock.sleep = (milliseconds) => ((fakes.eks.associations = [own!]), sleep(milliseconds));
    expect([await create(fakes), fakes.journal.mutations()]).toEqual([{ created: false, associations: ['a-own'] }, []]);
  });

  it('keeps one that was there, and does not call it its own', async () => {
    const fakes = await begunAccount({ snapshot: { associations: [KEPT] } });
    expect([await create(fakes), fakes.journal.mutations()]).toEqual([{ created: false, associations: [KEPT.id] }, []]);
    expect(await created(fakes)).toEqual([]);
  });

  it.each<[string, (typeof KEPT)[], (typeof KEPT)[], RegExp]>([
    ['has deleted the one of before', [KEPT], [], /the association of payments\/api is gone/],
  ])('stops and changes nothing if another principal %s', async (_, before, there, why) => {
    const fakes = await begunAccount({ snapshot: { associations: before } });
    fakes.eks.associations = structuredClone(there);
    await expectError(create(fakes), 'AssociationChanged', why);
    expect([fakes.journal.mutations(), fakes.eks.associations, await created(fakes)]).toEqual([[], there, []]);
  });

  it('stops if another principal creates an association first', async ({ fakes }) => {
    const real = fakes.eks.createAssociation.bind(fakes.eks);
    fakes.eks.createAssociation = (wanted, token) => ((fakes.eks.associations = [THEIRS]), real(wanted, token));
    await expectError(create(fakes), 'AssociationChanged', 'a-theirs');
    expect(await created(fakes)).toEqual([]);
  });

  it('waits for the key of a deleted one to be free', async ({ fakes }) => {
    fakes.eks.keyFreedAfter = 30_000;
    fakes.eks.associations = [THEIRS];
    await fakes.eks.deleteAssociation(THEIRS.id);
    await expectError(create(fakes), 'AssociationStillThere');
    fakes.clock.advance(30_000);
    expect(await create(fakes)).toMatchObject({ created: true });
  });

  it('waits too where its own one comes to light in the refusal, and finds it the next time', async ({ fakes }) => {
    const real = fakes.eks.createAssociation.bind(fakes.eks);
    fakes.eks.createAssociation = (wanted, token) => (
      (fakes.eks.associations = [ownAssociation()]),
      real(wanted, token)
    );
    await expectError(create(fakes), 'AssociationStillThere');
    expect(await create(fakes)).toEqual({ created: false, associations: ['a-own'] });
    expect(await created(fakes)).toEqual(['a-own']);
  });

  it('passes on that EKS is busy with something else', async ({ fakes }) => {
    fakes.journal.refuseNext(
      'eks.createAssociation',
      'Busy',
      'eks:CreatePodIdentityAssociation: ResourceInUseException: the cluster is updating',
    );
    await expectError(create(fakes), 'Busy');
  });

  it('waits for EKS to see a trust policy that was repaired a moment ago', async ({ fakes }) => {
    const refused = new MigrationError(
      'InvalidRequest',
      'eks:CreatePodIdentityAssociation: InvalidParameterException: Trust policy of the role provided is invalid',
    );
    fakes.journal.failNext('eks.createAssociation', 'before', refused);
    // Without a repair it is what it says.
    await expectError(create(fakes), 'InvalidRequest');
    await fakes.ledger.recordTrustChange(MIGRATION_ID, aTrustChange({ writtenAt: at(0) }));
    fakes.journal.failNext('eks.createAssociation', 'before', refused);
    await expectError(create(fakes), 'TrustNotSeenYet');
    expect(await create(fakes)).toMatchObject({ created: true });
  });

  it.each<[string, Partial<ReturnType<typeof aServiceAccount>> | undefined]>([
    ['deleted', undefined],
    ['taken its annotation off', { roleArn: undefined }],
  ])('changes nothing if another principal has %s in the meantime', async (_, change) => {
    const fakes = await begunAccount();
    fakes.kubernetes.serviceAccounts = change ? [aServiceAccount(change)] : [];
    await expectError(
      create(fakes),
      'ServiceAccountChanged',
      /^Another principal has .*\. It was left alone\. Find out who changed it, then migrate again\.$/,
    );
    expect([fakes.journal.mutations(), fakes.eks.associations]).toEqual([[], []]);
  });

  it('does not ask the API server where what EKS says is enough, nor for what was not seen', async () => {
    for (const change of [
      { request: { verification: 'api' as const } },
      { snapshot: { serviceAccount: undefined }, plan: { serviceAccount: undefined }, request: { roleArn: ROLE } },
    ]) {
      const fakes = await begunAccount(change);
      fakes.kubernetes.serviceAccounts = [];
      fakes.settings.roleGrants = GRANTED;
      expect(await create(fakes)).toMatchObject({ created: true });
      expect(fakes.journal.names().filter((name) => name.startsWith('kubernetes.'))).toEqual([]);
    }
  });

  it.each([[[]], [[plannedAccount, plannedAccount]]])('makes one association alone: %j', async (planned) => {
    const fakes = await begunAccount({ snapshot: { planned } });
    await expectError(create(fakes), 'BadInput', `plans ${planned.length} associations`);
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('is not for a way that the plan has not', async ({ fakes }) => {
    await expectError(invoke(createAssociationStep, { ...fakes.input, attempt: 1 }, fakes), 'BadInput');
    expect(fakes.journal.mutations()).toEqual([]);
  });
});
