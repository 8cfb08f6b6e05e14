import { describe, expect, it } from 'vitest';
import { proposeRetirement, type RetirementRequest } from '../../../../lambdas/domain/trust/retire.ts';
import type { JsonObject, ServiceAccountUse } from '../../../../lambdas/domain/trust/statements.ts';
import { ACCOUNT, bothWays, ISSUER, irsaStatement, podIdentityStatement, policyText, target } from '../../fixtures.ts';
import {
  AUD,
  controller,
  ec2,
  irsa,
  irsaOfOtherClusters,
  OTHER_PROVIDER,
  PROVIDER,
  shop,
  SUB,
  subject,
  verdicts,
} from './policies.ts';
import { matching } from '../../matchers.ts';

const propose = (statements: readonly JsonObject[], change: Partial<RetirementRequest> = {}) =>
  proposeRetirement({
    trustPolicy: policyText(...statements),
    target,
    oidcIssuer: ISSUER,
    serviceAccounts: [controller],
    ...change,
  });
type Given = Parameters<typeof propose>;
function removal(...given: Given): { after: string; removed: { statement: JsonObject; kept?: JsonObject }[] } {
  const proposal = propose(...given);
  if (proposal.do !== 'remove') throw new Error(JSON.stringify(proposal));
  return proposal;
}
function refusal(...given: Given): { why: string; remedy: string } {
  const proposal = propose(...given);
  if (proposal.do !== 'refuse') throw new Error(JSON.stringify(proposal));
  return proposal;
}
const open = podIdentityStatement;
const ARN_SUB = `${PROVIDER}:sub`;
const both = [subject(controller), subject(shop)];

describe('a statement that names only the migrated service accounts', () => {
  const one = subject(controller);
  const onSubject = (more: JsonObject) => irsa(one, { Condition: { StringEquals: { [SUB]: one }, ...more } });
  it.each<[string, JsonObject]>([
    ['as eksctl writes it', irsa(one)],
    ['with a Sid', irsaStatement],
    ['in a list of one', irsa([one])],
    ['with StringLike and no wildcard', irsa(one, {}, 'StringLike')],
    ['with StringEqualsIgnoreCase, in other case', irsa(one.toUpperCase(), {}, 'StringEqualsIgnoreCase')],
    ['with ForAnyValue:', irsa([one], {}, 'ForAnyValue:StringEquals')],
    ['with IfExists', irsa(one, {}, 'StringEqualsIfExists')],
    ['with the key in other case', irsa('', { Condition: { StringEquals: { [SUB.toUpperCase()]: one } } })],
    ['with a list of principals', irsa(one, { Principal: { Federated: [PROVIDER] } })],
    ['with tags for the session', irsa(one, { Action: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession'] })],
    ['with a wildcard action', irsa(one, { Action: 'sts:Assume*' })],
    ['for a custom audience', onSubject({ StringEquals: { [SUB]: one, [AUD]: 'vault' } })],
    ['with a condition that cannot be decided', onSubject({ IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } })],
  ])('is removed: %s', (_, statement) => {
    const { after, removed } = removal([ec2, statement, irsaOfOtherClusters, open]);
    expect([removed, after]).toEqual([[{ statement }], policyText(ec2, irsaOfOtherClusters, open)]);
    expect(verdicts(after, controller)).toEqual({ podIdentity: 'allowed', irsa: 'denied' });
  });

  it('is removed if it names several service accounts, and so is each of several statements', () => {
    const first = irsa(both);
    const second = irsa(subject(shop));
    const removed = [{ statement: first }, { statement: second }];
    const found = removal([first, second, open], { serviceAccounts: [shop, controller, shop] });
    expect(found).toEqual({ do: 'remove', after: policyText(open), removed, patterns: [], others: [] });
  });

  it("is removed by the provider's ARN in the partition of the cluster", () => {
    const china = { account: ACCOUNT, region: 'cn-north-1', cluster: 'dev' };
    const name = 'oidc.eks.cn-north-1.amazonaws.com.cn/id/EXAMPLE';
    const Principal = { Federated: `arn:aws-cn:iam::${ACCOUNT}:oidc-provider/${name}` };
    const Condition = { StringEquals: { [`${name}:sub`]: subject(controller) } };
    const statement = { ...irsaStatement, Principal, Condition };
    const oidcIssuer = `https://${name}`;
    expect(removal([statement, open], { target: china, oidcIssuer }).removed).toEqual([{ statement }]);
    expect(propose([statement, open], { oidcIssuer }).do).toBe('nothing');
  });
});

it('a statement that names other service accounts too is kept for the others', () => {
  const list = (...subjects: string[]): JsonObject => irsa(subjects, { Sid: 'Irsa' }, 'StringLike');
  const statement = list(subject(shop), subject(controller), 'system:serviceaccount:web:*');
  const kept = list(subject(shop), 'system:serviceaccount:web:*');
  const { after, removed } = removal([statement, open]);
  expect([removed, after]).toEqual([[{ statement, kept }], policyText(kept, open)]);
  expect([verdicts(after, shop).irsa, verdicts(after, controller).irsa]).toEqual(['allowed', 'denied']);
});

it.each<[string, JsonObject]>([
  ["another cluster's provider", irsaOfOtherClusters],
  ['other service accounts', irsa(subject(shop))],
  ['other service accounts by pattern', irsa('system:serviceaccount:web:*', {}, 'StringLike')],
  ['a wildcard under StringEquals, where it is literal', irsa('system:serviceaccount:kube-system:*')],
  ['a Deny', irsa(subject(controller), { Effect: 'Deny' })],
  ['another action', irsa(subject(controller), { Action: 'sts:AssumeRoleWithSAML' })],
  ['a condition that excludes the service account', irsa(subject(controller), {}, 'StringNotEquals')],
  // No request has this key, so the statement allows no one.
  ["a subject under the provider's ARN", irsa('', { Condition: { StringEquals: { [ARN_SUB]: both } } })],
  ['a subject under the URL', irsa('', { Condition: { StringEquals: { [`https://${SUB}`]: subject(controller) } } })],
])('a statement is not changed if it has %s', (_, statement) => {
  const why = `No statement allows kube-system/ebs-csi-controller-sa through ${PROVIDER}`;
  expect(propose([statement, open])).toEqual({ do: 'nothing', why });
  expect(removal([statement, irsaStatement, open]).after).toBe(policyText(statement, open));
});

describe('a statement that cannot be split is refused', () => {
  const Principal = { Federated: PROVIDER, Service: 'ec2.amazonaws.com' };
  const several = { Principal, Action: ['sts:AssumeRoleWithWebIdentity', 'sts:AssumeRole'] };
  const variable = irsa('system:serviceaccount:kube-system:${aws:userid}', {}, 'StringLike');
  const providers = irsa(subject(controller), { Principal: { Federated: [PROVIDER, OTHER_PROVIDER] } });
  const twice = { StringLike: { [SUB]: 'system:serviceaccount:kube-system:*' }, StringEquals: { [SUB]: both } };
  const everybody = { Sid: 'Open', Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRoleWithWebIdentity' };
  const forAll = irsa([subject(controller)], {}, 'ForAllValues:StringEquals');
  it.each<[string, JsonObject, RegExp, RegExp]>([
    ['a policy variable', variable, /may match other/, /by hand/],
    ['several providers', providers, /trusts other principals/, /Split statement 1 by hand/],
    ['several types of principals', irsa(subject(controller), several), /other principals/, /Split/],
    ['two conditions on it', irsa('', { Condition: twice }), /StringLike and StringEquals/, /one "StringEquals"/],
    ['a negation', irsa(subject(shop), {}, 'StringNotEquals'), /by StringNotEquals/, /one "StringEquals"/],
    ['ForAllValues:', forAll, /by ForAllValues:StringEquals/, /one "StringEquals"/],
    ['a wildcard principal', everybody, /not for this cluster's provider alone/, /Change Open by hand/],
  ])('%s', (_, statement, why, remedy) => {
    for (const others of [[], [irsaStatement]]) {
      const refused = refusal([statement, ...others, open]);
      expect([refused.why, refused.remedy]).toEqual([matching(why), matching(remedy)]);
    }
  });

  it('and each of several statements is named', () => {
    const two = { ...providers, Sid: 'Two' };
    expect(refusal([irsa(subject(shop), {}, 'StringNotEquals'), two, open]).why).toMatch(
      /statement 1 restricts.*statement 2 \(Two\) trusts/s,
    );
  });
});

describe('a pattern', () => {
  const node = { namespace: 'kube-system', serviceAccount: 'ebs-csi-node-sa' };
  const existing = [controller, node, shop];
  const ofNamespace = 'system:serviceaccount:kube-system:*';
  const always = { Effect: 'Allow', Principal: { Federated: PROVIDER }, Action: 'sts:AssumeRoleWithWebIdentity' };

  const onAudience = { StringEquals: { [AUD]: 'sts.amazonaws.com' } };
  const ofVault = { StringLike: { [SUB]: ofNamespace }, StringEquals: { [AUD]: 'vault' } };
  const byArn = { StringNotEquals: { [ARN_SUB]: subject(shop) } };
  const ofOneCharacter = 'system:serviceaccount:kube-system:ebs-csi-controller-s?';
  it.each<[string, JsonObject, string[], ServiceAccountUse[]]>([
    ['of a namespace', irsa(ofNamespace, {}, 'StringLike'), [ofNamespace], [node]],
    ['of one character', irsa(ofOneCharacter, {}, 'StringLike'), [ofOneCharacter], []],
    ['for everything', irsa('*', {}, 'StringLike'), ['*'], [node, shop]],
    ['with IfExists', irsa(ofNamespace, {}, 'StringLikeIfExists'), [ofNamespace], [node]],
    ['in other case', irsa('SYSTEM:serviceaccount:kube-system:ebs-*', {}, 'ForAnyValue:StringLike'), [], []],
    ['as no condition on the subject', irsa('', { Condition: onAudience }), ['*'], [node, shop]],
    ['as no condition at all', always, ['*'], [node, shop]],
    ['of another audience, whose tokens others may have', irsa('', { Condition: ofVault }), [ofNamespace], [node]],
    ["as a negated condition on the provider's ARN", irsa('', { Condition: byArn }), ['*'], [node, shop]],
  ])('%s is removed, with the service accounts that lose it', (_, statement, patterns, others) => {
    const statements = patterns.length === 0 ? [statement, irsaStatement, open] : [statement, open];
    expect(propose(statements)).toMatchObject(patterns.length > 0 ? { do: 'list', patterns } : { do: 'remove' });
    expect(propose(statements, { existing })).toMatchObject({ do: 'remove', patterns, others });
  });

  it('leaves the rest of its list, also those that it matches', () => {
    const list = irsa([subject(shop), ofNamespace, subject(node), subject(controller)], {}, 'StringLike');
    const dns = { namespace: 'kube-system', serviceAccount: 'dns' };
    const found = propose([list, open], { existing: [...existing, dns] });
    const kept = irsa([subject(shop), subject(node)], {}, 'StringLike');
    const removed = [{ statement: list, kept }];
    const after = policyText(kept, open);
    expect(found).toEqual({ do: 'remove', after, removed, patterns: [ofNamespace], others: [dns] });
  });

  it('of another cluster stays, and so does one that matches none of those that leave', () => {
    const others = [irsa('system:serviceaccount:shop:*', {}, 'StringLike'), irsaOfOtherClusters];
    const found = propose([...others, irsaStatement, open], { existing });
    expect(found).toMatchObject({ do: 'remove', after: policyText(...others, open), patterns: [], others: [] });
  });

  it('is refused if the pods of those that leave have no Pod Identity', () =>
    expect(refusal([irsa(ofNamespace, {}, 'StringLike'), ec2], { existing }).why).toContain('might no longer be able'));
});

describe('Pod Identity', () => {
  it('must be allowed, or the pods would lose their access', () => {
    const { why, remedy } = refusal([irsaStatement]);
    expect(why).toMatch(/^kube-system\/ebs-csi-controller-sa might no longer be able to use the role/);
    expect(remedy).toContain('trust repair');
    expect(refusal([irsaStatement, { ...open, Action: 'sts:AssumeRole' }]).why).toContain('denied');
  });

  it('may depend on a key that the migration accepted by name', () => {
    const office = { ...open, Condition: { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } } };
    expect(refusal([irsaStatement, office]).why).toContain('unknown');
    expect(removal([irsaStatement, office], { acceptedKeys: ['aws:SourceIp'] }).after).toBe(policyText(office));
  });
});

it('refuses a policy with NotPrincipal, which IAM does not accept', () => {
  const excepting = { Sid: 'Others', Effect: 'Deny', NotPrincipal: { AWS: ACCOUNT }, Action: 'sts:SetSourceIdentity' };
  const why = 'The trust policy is not valid at Statement[2].NotPrincipal: is not supported in a trust policy';
  expect(refusal([irsaStatement, open, excepting]).why).toContain(why);
});

it('refuses a policy that is not valid', () =>
  expect(refusal([{ ...irsaStatement, Effect: 'allow' }, open]).why).toContain('Statement[0].Effect'));

it('accepts a URL-encoded policy', () => {
  const found = propose([], { trustPolicy: encodeURIComponent(bothWays) });
  const removed = [{ statement: irsaStatement }];
  expect(found).toEqual({ do: 'remove', after: policyText(open), removed, patterns: [], others: [] });
});
