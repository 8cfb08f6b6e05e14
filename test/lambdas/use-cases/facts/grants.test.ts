/** What counts as a grant of a role while migrations are running. */
import { describe, expect, it } from 'vitest';
import { clusterArn, oidcProviderArn } from '../../../../lambdas/domain/aws/arn.ts';
import { MIGRATION_TAG } from '../../../../lambdas/domain/migration/service-account.ts';
import type { Association } from '../../../../lambdas/domain/terms/observed.ts';
import type { Outcome } from '../../../../lambdas/domain/terms/outcome.ts';
import type { Plan } from '../../../../lambdas/domain/record/plan.ts';
import { assertGranted, unfinishedAmong } from '../../../../lambdas/use-cases/facts/grants.ts';
import { newFakes } from '../../fakes.ts';
import { addonArn, ISSUER, ROLE, target } from '../../example.ts';
import { MIGRATION_ID, endedAs } from '../../run-examples.ts';
import { podIdentityStatement, policyText } from '../../trust-examples.ts';
import { anAssociation, planned } from '../../eks-fixtures.ts';
import { aMigration, aRequest } from '../../fixtures.ts';
import { begun, type Begun } from '../../steps/begun.ts';
import { anError, expectError } from '../../matchers.ts';

const MADE = anAssociation({ tags: { [MIGRATION_TAG]: MIGRATION_ID } });
const ended = (outcome: Outcome) => endedAs(outcome, 9);

describe('an association gives a claim, unless a migration that is not over made it', () => {
  const unfinished = async (association: Association, record?: Parameters<typeof aMigration>[0]): Promise<boolean> => {
    const { ledger } = newFakes();
    if (record) await ledger.putMigration(aMigration(record));
    return (await unfinishedAmong(ledger, [association], aRequest())).includes(association.id);
  };

  it.each<[string, Association, Parameters<typeof aMigration>[0] | undefined, boolean]>([
    ['that nobody has tagged', anAssociation(), undefined, true],
    ['of a migration that the ledger has forgotten', MADE, undefined, true],
    ['of one that ended migrated', MADE, ended('migrated'), true],
    ['of one that was rolled back', MADE, ended('rolled-back'), true],
    ['of one at work', MADE, {}, false],
    ['of one that waits for a person', MADE, ended('needs-human'), false],
    ["of the add-on's own", anAssociation({ ownerArn: addonArn(1) }), undefined, true],
    ['of another add-on', anAssociation({ ownerArn: addonArn(1, 'adot') }), undefined, false],
  ])('%s', async (_, association, record, counts) => expect(await unfinished(association, record)).toBe(!counts));
});

describe('before a write', () => {
  /** Nothing but an association shows that the service account has the role. */
  const withAssociation = async (change: Parameters<typeof begun>[0] = {}): Promise<Begun> => {
    const fakes = await begun({ snapshot: { associations: [anAssociation()] }, ...change });
    fakes.roles.trust[ROLE] = policyText(podIdentityStatement);
    return fakes;
  };
  const go = async (fakes: Begun): Promise<void> => {
    const record = await fakes.record();
    const snapshot = (await fakes.ledger.getSnapshot(MIGRATION_ID))!;
    const { eks, roles, kubernetes, ledger, settings } = fakes;
    const portsFor = () => ({ eks, roles, kubernetes });
    await assertGranted(
      { record, plan: record.plan!, snapshot },
      { associations: [planned] },
      { portsFor, ledger, settings },
    );
  };
  const refused = anError('RoleNotGranted', /Plan again: .*role-grant/);

  it('one that was there counts while it is', async () => {
    const fakes = await withAssociation();
    fakes.eks.associations = [anAssociation()];
    await expect(go(fakes)).resolves.toBeUndefined();
  });
  it('and once this migration has deleted it, by itself or with a copy of the add-on', async () => {
    const fakes = await withAssociation();
    await fakes.ledger.recordAssociation(MIGRATION_ID, 'purged', anAssociation());
    await expect(go(fakes)).resolves.toBeUndefined();
    const owned = anAssociation({ ownerArn: addonArn(1) });
    const recreated = await withAssociation({
      snapshot: { associations: [owned] },
      record: { removed: [addonArn(1)] },
    });
    await expect(go(recreated)).resolves.toBeUndefined();
  });
  it('and not once another principal has deleted it, or given it another role', async () => {
    const fakes = await withAssociation();
    await expect(go(fakes)).rejects.toMatchObject(refused);
    fakes.eks.associations = [anAssociation({ roleArn: `${ROLE}-2` })];
    await expect(go(fakes)).rejects.toMatchObject(refused);
  });
  it('one that appeared since does not, no matter who created it', async () => {
    const fakes = await withAssociation({ snapshot: { associations: [] } });
    fakes.eks.associations = [anAssociation()];
    await expect(go(fakes)).rejects.toMatchObject(refused);
    // It is not even asked for.
    expect(fakes.journal.of('eks.listAssociations')).toEqual([]);
  });
  it('the annotation counts as begin has seen it', async () => {
    const { serviceAccount } = planned;
    const fakes = await withAssociation({ snapshot: { associations: [], annotated: [serviceAccount] } });
    await expect(go(fakes)).resolves.toBeUndefined();
    const other = await withAssociation({ snapshot: { associations: [], annotated: ['other'] } });
    await expect(go(other)).rejects.toMatchObject(refused);
  });
  it('a trust by session tags shows nothing where what is carried over takes them away', async () => {
    const { namespace, serviceAccount } = planned;
    const byTags = {
      ...podIdentityStatement,
      Condition: {
        StringEquals: {
          'aws:RequestTag/kubernetes-namespace': namespace,
          'aws:RequestTag/kubernetes-service-account': serviceAccount,
        },
        ArnEquals: { 'aws:SourceArn': clusterArn(target) },
      },
    };
    const carried = (change: object): object => ({ namespace, serviceAccount, from: 'a-1', tags: {}, ...change });
    const goWith = async (change: object): Promise<void> => {
      const fakes = await begun({ plan: { carryOver: [carried(change)] as Plan['carryOver'] } });
      fakes.roles.trust[ROLE] = policyText(byTags);
      await go(fakes);
    };
    await expect(goWith({})).resolves.toBeUndefined();
    await expect(goWith({ disableSessionTags: true })).rejects.toMatchObject(refused);
    for (const other of [{ serviceAccount: 'other' }, { namespace: 'shop' }, { disableSessionTags: false }])
      await expect(goWith({ disableSessionTags: true, ...other })).resolves.toBeUndefined();
  });
  it('IRSA of a cluster whose OIDC provider is gone shows nothing', async () => {
    const fakes = await begun();
    await expect(go(fakes)).resolves.toBeUndefined();
    fakes.roles.absentProviders.add(oidcProviderArn(target, ISSUER));
    await expectError(go(fakes), 'RoleNotGranted', "IAM has no OIDC provider for the cluster's issuer");
  });
});
