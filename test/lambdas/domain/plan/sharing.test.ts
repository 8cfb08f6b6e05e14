/** Who else uses a role: add-ons and associations of the cluster, and other identity providers. */
import { describe, expect, it } from 'vitest';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import type { AddonFacts as Facts, RoleUsersFact } from '../../../../lambdas/domain/plan/facts.ts';
import { planMigration } from '../../../../lambdas/domain/plan/plan.ts';
import { bothWays, irsaStatement, podIdentityStatement, policyText } from '../../trust-examples.ts';
import { aRequest, someFacts, trusting, ACCOUNT, OTHER_ROLE, ROLE, aCluster, anAssociation } from '../../fixtures.ts';
import { said } from '../../matchers.ts';

const checksOf = (change: Partial<Facts>): Check[] =>
  planMigration(someFacts(change)).checks.filter((check) => check.id === 'role-sharing');
const users = (change: Partial<RoleUsersFact>): Partial<Facts> => ({
  roleUsers: { addons: [], associations: [], more: false, ...change },
});
const federated = (...Federated: string[]): Partial<Facts> => {
  const others = { ...irsaStatement, Sid: 'Others', Principal: { Federated } };
  return { roles: trusting(policyText(irsaStatement, podIdentityStatement, others)) };
};
const provider = (name: string): Partial<Facts> => federated(`arn:aws:iam::${ACCOUNT}:oidc-provider/${name}`);
const CENTRAL = 'oidc.eks.eu-central-1.amazonaws.com/id/AAAA';
const DUAL_STACK = 'oidc-eks.eu-central-1.api.aws/id/AAAA';
const CI = 'token.actions.githubusercontent.com';
const shop = anAssociation({ id: 'a-shop', namespace: 'web', serviceAccount: 'shop' });

const targeting = users({ associations: [{ ...shop, roleArn: OTHER_ROLE, targetRoleArn: ROLE }] });

describe('check role-sharing', () => {
  it('passes where nobody else uses the role', () => {
    const own = anAssociation();
    const addons = [{ name: 'adot', roleArn: OTHER_ROLE }];
    const others = users({ addons, associations: [own, { ...shop, roleArn: OTHER_ROLE }] });
    expect(checksOf({ ...others, associations: [own] })).toMatchObject([said('pass', 'role ebs-csi')]);
  });

  it.each<[string, Partial<Facts>, string]>([
    ['another add-on', users({ addons: [{ name: 'aws-efs-csi-driver', roleArn: ROLE }] }), 'add-on aws-efs-csi-driver'],
    ['another association', users({ associations: [shop] }), 'association a-shop for web/shop.'],
    ['another association, as its target', targeting, 'association a-shop for web/shop (as its target role)'],
    ['another cluster', provider(CENTRAL), `an EKS cluster in eu-central-1 (OIDC provider ${CENTRAL}).`],
    ['one by its dual-stack issuer', provider(DUAL_STACK), `cluster in eu-central-1 (OIDC provider ${DUAL_STACK}).`],
    [
      'a cluster in China',
      federated('arn:aws-cn:iam::444455556666:oidc-provider/oidc.eks.cn-north-1.amazonaws.com.cn/id/BBBB'),
      'an EKS cluster in cn-north-1 (OIDC provider oidc.eks.cn-north-1.amazonaws.com.cn/id/BBBB of account 444455556666)',
    ],
    ['CI', provider(CI), `OIDC provider ${CI}, which does not belong to an EKS cluster`],
    [
      'people',
      federated(`arn:aws:iam::${ACCOUNT}:saml-provider/corp`, 'cognito-identity.amazonaws.com'),
      `identity provider arn:aws:iam::${ACCOUNT}:saml-provider/corp, identity provider cognito-identity.amazonaws.com`,
    ],
  ])('warns of %s, by name', (_, change, name) => {
    const [check] = checksOf(change);
    expect(check).toMatchObject(said('warn', name, /wait for each other.*OIDC statements must stay/));
    expect(planMigration(someFacts(change)).verdict).toBe('migrate');
  });

  it("does not take this cluster's own provider, nor one that a Deny names, for another", () => {
    const Principal = { Federated: 'arn:aws:iam::444455556666:oidc-provider/x.example' };
    const deny = { Effect: 'Deny', Principal, Action: '*' };
    const trustPolicy = parseTrust(policyText(irsaStatement, podIdentityStatement, deny));
    expect(checksOf({ roles: { [ROLE]: { trustPolicy } } })[0]?.status).toBe('pass');
    const [check] = checksOf({ cluster: aCluster({ oidcIssuer: undefined }) });
    expect(check).toMatchObject(said('warn', 'oidc.eks.eu-west-1'));
  });

  it('reports what was not read, with or without other users', () => {
    const unseen = {
      more: true,
      associations: Array.from({ length: 100 }, (_, index) => ({ ...shop, id: `a-${index}`, roleArn: OTHER_ROLE })),
      error: 'eks:ListAddons: AccessDenied: no.',
    };
    const gap =
      'It is not known whether there are others: the cluster has more associations than the 100 that were read; eks:ListAddons: AccessDenied: no.';
    expect(checksOf(users(unseen))).toMatchObject([said('warn', /^No other user of role/, /\w/)]);
    expect(checksOf(users(unseen))[0]?.message).toContain(gap);
    const [check] = checksOf(users({ ...unseen, addons: [{ name: 'adot', roleArn: ROLE }] }));
    expect(check?.message).toContain('add-on adot. It is not known whether there are others');
  });

  it('looks at the planned roles and the one of IRSA, each once', () => {
    const roles = { ...trusting(bothWays), [OTHER_ROLE]: { trustPolicy: parseTrust(bothWays) } };
    const found = checksOf({ roles, request: aRequest({ roleArn: OTHER_ROLE }) });
    expect(found.map(({ message }) => /role ([\w-]+)/.exec(message)?.[1])).toEqual(['third-party', 'ebs-csi']);
    expect(checksOf({})).toHaveLength(1);
  });
  it('says nothing of roles that were not read', () =>
    expect([checksOf({ roles: {} }), checksOf({ roleUsers: undefined })]).toEqual([[], []]));
});
