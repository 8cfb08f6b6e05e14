/** verify-pods for a request that is content with what EKS says: the API server is never asked. */
import { describe, expect, test } from 'vitest';
import type { Addon } from '../../../lambdas/domain/terms/observed.ts';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import { EVIDENCE_BEFORE, EVIDENCE_LATEST } from '../../../lambdas/use-cases/migration/report.ts';
import { verifyPodsStep } from '../../../lambdas/steps/verify-pods/handler.ts';
import { invoke } from '../fakes.ts';
import { ADDON, addonArn, OTHER_ROLE, ROLE, SERVICE_ACCOUNT } from '../example.ts';
import { at, MIGRATION_ID } from '../run-examples.ts';
import { anAddon, anAssociation, aPod, aMigratedAddon } from '../eks-fixtures.ts';
import { anEvidence, aRequest, IN_PLACE, RECREATE, RECREATE_PRESERVING } from '../fixtures.ts';
import { containing, expectError } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const it = test.extend('fakes', () => byApi());
const OWNED = anAssociation({ id: 'a-new', ownerArn: addonArn(1) });
const migrated = (change: Partial<Addon> = {}): Addon => aMigratedAddon([OWNED.arn], change);
const ISSUE = {
  code: 'InsufficientNumberOfReplicas',
  message: 'The add-on is unhealthy because it does not have the desired number of replicas.',
  resourceIds: [],
};
const OLD_ISSUE = { code: 'K8sResourceNotFound', message: 'of before', resourceIds: [] };

/** The driver, migrated in place; its pods have kept their identity, which nobody looks at. */
async function byApi(record: Partial<Migration> = {}): Promise<Begun> {
  const fakes = await begun({
    plan: { attempts: [IN_PLACE, RECREATE_PRESERVING] },
    record: { request: aRequest({ verification: 'api' }), ...record },
    snapshot: { addon: anAddon({ issues: [OLD_ISSUE] }) },
  });
  fakes.eks.addons.set(ADDON, migrated({ issues: [OLD_ISSUE] }));
  fakes.eks.associations = [OWNED];
  fakes.kubernetes.pods = [aPod('irsa', { ready: false })];
  return fakes;
}
const verify = (fakes: Begun, change: object = {}): Promise<unknown> =>
  invoke(verifyPodsStep, { ...fakes.input, towards: 'pod-identity', round: 1, ...change }, fakes);
const asked = ({ journal }: Begun): string[] => journal.names().filter((name) => name.startsWith('kubernetes.'));

describe('verify-pods, by the API alone', () => {
  it('is content with a healthy add-on and its associations, and says that no pod was seen', async ({ fakes }) => {
    expect([await verify(fakes), asked(fakes)]).toEqual([{ verdict: 'verified' }, []]);
    expect(await fakes.ledger.getEvidence(MIGRATION_ID, EVIDENCE_LATEST)).toEqual([]);
    const { verified, warnings } = await fakes.record();
    expect(verified).toBe('api');
    expect(warnings).toMatchObject([{ id: 'pods-not-seen', status: 'warn', remedy: containing(SERVICE_ACCOUNT) }]);
    expect(fakes.journal.mutations()).toEqual([]);
  });

  it('warns once, and of the role that is still shown without a word of the pods', async ({ fakes }) => {
    fakes.eks.addons.set(ADDON, migrated({ serviceAccountRoleArn: ROLE }));
    await verify(fakes);
    await verify(fakes);
    const { warnings } = await fakes.record();
    expect(warnings.map(({ id }) => id)).toEqual(['irsa-role-still-set', 'pods-not-seen']);
    expect(warnings[0]!.message).not.toMatch(/All pods/);
  });

  it.each<[string, Partial<Addon>, RegExp]>([
    ['DEGRADED', { status: 'DEGRADED' }, /is DEGRADED again/],
    [
      'ACTIVE with a health issue that it had not before',
      { issues: [OLD_ISSUE, ISSUE] },
      /is ACTIVE, but not healthy: InsufficientNumberOfReplicas: The add-on is unhealthy/,
    ],
  ])('comes again while the add-on is %s', async (_, change, message) => {
    const fakes = await byApi();
    fakes.eks.addons.set(ADDON, migrated(change));
    await expectError(verify(fakes), 'PodsNotSettled', message);
    expect((await fakes.record()).verified).toBe('none');
  });

  const taken = anAssociation({ id: 'a-new' });
  const other = { ...OWNED, roleArn: OTHER_ROLE };
  it.each<[string, (fakes: Begun) => void, string]>([
    ['deleted the association', ({ eks }) => (eks.associations = []), 'AssociationChanged'],
    ['changed its role', ({ eks }) => (eks.associations = [other]), 'AssociationChanged'],
    ['taken it from the add-on', ({ eks }) => (eks.associations = [taken]), 'AssociationChanged'],
    ['created the add-on again', ({ eks }) => eks.addons.set(ADDON, migrated({ arn: addonArn(2) })), 'AddonChanged'],
    ['deleted the add-on', ({ eks }) => eks.addons.delete(ADDON), 'AddonChanged'],
  ])('does not report the migration as verified if another principal has %s', async (_, change, name) => {
    const fakes = await byApi();
    change(fakes);
    await expectError(verify(fakes), name);
    expect((await fakes.record()).verified).toBe('none');
  });

  it('never asks for a restart or the next attempt, in any round', async ({ fakes }) => {
    for (const round of [1, 2, 3]) expect(await verify(fakes, { round })).toEqual({ verdict: 'verified' });
  });

  it('does not take it for verified before that is in the ledger', async ({ fakes }) => {
    fakes.journal.failNext('ledger.updateMigration');
    await expectError(verify(fakes), 'ConnectionLost');
    expect((await fakes.record()).verified).toBe('none');
  });
});

describe('towards what was before, by the API alone', () => {
  async function putBack(now: Addon | undefined): Promise<Begun> {
    const fakes = await begun({
      plan: { attempts: [RECREATE] },
      record: { request: aRequest({ verification: 'api' }), removed: [addonArn(1)], made: [addonArn(2)] },
    });
    if (now) fakes.eks.addons.set(ADDON, now);
    else fakes.eks.addons.delete(ADDON);
    fakes.kubernetes.pods = [aPod('pod-identity')];
    await fakes.ledger.putEvidence(MIGRATION_ID, EVIDENCE_BEFORE, [anEvidence({ identity: 'irsa' })], at(0));
    return fakes;
  }

  it('is content with the add-on as it was put back', async () => {
    const fakes = await putBack(anAddon({ arn: addonArn(2) }));
    expect([await verify(fakes, { towards: 'before' }), asked(fakes)]).toEqual([{ verdict: 'verified' }, []]);
    // Who finds it there would end the migration as migrated.
    expect(await fakes.record()).toMatchObject({ verified: 'none', warnings: [] });
  });
  it('waits for its health', async () => {
    const fakes = await putBack(anAddon({ arn: addonArn(2), issues: [ISSUE] }));
    await expectError(verify(fakes, { towards: 'before' }), 'PodsNotSettled');
  });
  it.each<[string, Addon | undefined]>([
    ['deleted', undefined],
    ['given another role', anAddon({ arn: addonArn(2), serviceAccountRoleArn: OTHER_ROLE })],
  ])(
    'needs a person if another principal has %s it since',
    async (_, now) => await expectError(verify(await putBack(now), { towards: 'before' }), 'RestoreRefused'),
  );
});
