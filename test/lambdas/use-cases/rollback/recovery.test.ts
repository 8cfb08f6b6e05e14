/** Whether a migration that keeps no locks can still go back: the OIDC trust of its IRSA role decides. */
import { describe, expect, it } from 'vitest';
import type { Migration } from '../../../../lambdas/domain/record/migration.ts';
import { rollbackClosed } from '../../../../lambdas/use-cases/rollback/recovery.ts';
import { newFakes, type Fakes } from '../../fakes.ts';
import { OTHER_ROLE, ROLE } from '../../example.ts';
import { at, MIGRATION_ID } from '../../run-examples.ts';
import { bothWays, irsaStatement, podIdentityStatement, policyText } from '../../trust-examples.ts';
import { aCluster } from '../../eks-fixtures.ts';
import { aMigration, aRequest, aSnapshot } from '../../fixtures.ts';

const closed = (fakes: Fakes, record: Partial<Migration> = {}): Promise<string | undefined> =>
  rollbackClosed(aMigration(record), aSnapshot(), fakes.dependencies);
const trusting = (trustPolicy: string | undefined): Fakes => {
  const fakes = newFakes();
  fakes.roles.trust[ROLE] = trustPolicy;
  return fakes;
};
const withoutOidc = policyText(podIdentityStatement);
const retirement = {
  roleArn: ROLE,
  before: bothWays,
  after: withoutOidc,
  removed: [{ statement: irsaStatement }],
  notedAt: at(0),
  writtenAt: at(1),
};

const office = { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } };
const fromOffice = { ...irsaStatement, Condition: { ...irsaStatement.Condition, ...office } };

describe('rollbackClosed', () => {
  it('is open while the OIDC trust lets the pods in', async () => {
    expect(await closed(trusting(bothWays))).toBeUndefined();
    expect(await closed(trusting(encodeURIComponent(bothWays)))).toBeUndefined();
  });
  it.each<[string, string | undefined, RegExp]>([
    [
      'the statement is gone',
      withoutOidc,
      /allows these service accounts: kube-system\/ebs-csi-controller-sa \(.*AssumeRoleWithWebIdentity.*\)\. Restore that first \(aws iam update-assume-role-policy .*\), then roll back again$/,
    ],
    ['it can not be decided', policyText(fromOffice), /aws:SourceIp/],
    ['the policy is none', '{', /line 1/],
    ['the role is gone', undefined, /no longer exists/],
  ])('is closed where %s, and says why', async (_, trustPolicy, why) =>
    expect(await closed(trusting(trustPolicy))).toMatch(why),
  );
  it('explains a condition key that begins with the ARN of the provider', async () => {
    const { Federated } = irsaStatement.Principal;
    const misnamed = { ...irsaStatement, Condition: { StringEquals: { [`${Federated}:aud`]: 'sts.amazonaws.com' } } };
    expect(await closed(trusting(policyText(misnamed)))).toContain(
      `no request has a key that begins with the ARN of an OIDC provider; write ${Federated.replace(/^.*oidc-provider\//, '')}:aud instead`,
    );
  });
  it('is open by a role of another account, which has the provider of its own account', async () => {
    const other = ROLE.replace('111122223333', '444455556666');
    const ofOther = JSON.parse(policyText(irsaStatement).replaceAll('111122223333', '444455556666')) as {
      Statement: object[];
    };
    const fakes = newFakes();
    fakes.roles.trust[other] = JSON.stringify(ofOther);
    const snapshot = aSnapshot({ addon: { ...aSnapshot().addon, serviceAccountRoleArn: other } });
    fakes.eks.addons.set(snapshot.addon.name, snapshot.addon);
    expect(await rollbackClosed(aMigration(), snapshot, fakes.dependencies)).toBeUndefined();
    fakes.roles.trust[other] = policyText(irsaStatement);
    expect(await rollbackClosed(aMigration(), snapshot, fakes.dependencies)).toContain(`the OIDC trust of ${other}`);
  });
  it('is closed where the cluster shows no issuer', async () => {
    const fakes = trusting(bothWays);
    fakes.eks.cluster = aCluster({ oidcIssuer: undefined });
    expect(await closed(fakes)).toContain('no OIDC issuer');
  });
  it('counts a key that the request accepts as met', async () => {
    const address = policyText({
      ...irsaStatement,
      Condition: { ...irsaStatement.Condition, IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
    });
    expect(
      await closed(trusting(address), { request: aRequest({ accept: ['condition-key:aws:SourceIp'] }) }),
    ).toBeUndefined();
  });

  it('says how to put back what was retired', async () =>
    expect(await closed(trusting(withoutOidc), { retirements: [retirement] })).toContain(
      `pod-identity retire ${MIGRATION_ID} --undo --apply), then roll back again`,
    ));
  it.each<[string, Partial<typeof retirement> & { undoneAt?: string }]>([
    ['was not written', { writtenAt: undefined }],
    ['was undone', { undoneAt: at(2) }],
    ['was of another role', { roleArn: OTHER_ROLE }],
  ])('does not speak of a retirement that %s', async (_, change) =>
    expect(await closed(trusting(withoutOidc), { retirements: [{ ...retirement, ...change }] })).toMatch(
      /Restore that first \(aws iam update-assume-role-policy .*\), then roll back again$/,
    ),
  );
});
