import { describe, expect, it } from 'vitest';
import { proposeRetirement, type RetirementRequest } from '../../../../lambdas/domain/trust/retire.ts';
import type { JsonObject } from '../../../../lambdas/domain/trust/statements.ts';
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

const propose = (statements: readonly JsonObject[], change: Partial<RetirementRequest> = {}) =>
  proposeRetirement({
    trustPolicy: policyText(...statements),
    target,
    oidcIssuer: ISSUER,
    serviceAccounts: [controller],
    ...change,
  });
function removal(
  statements: readonly JsonObject[],
  change: Partial<RetirementRequest> = {},
): { after: string; removed: { statement: JsonObject; kept?: JsonObject }[] } {
  const proposal = propose(statements, change);
  if (proposal.do !== 'remove') throw new Error(JSON.stringify(proposal));
  return proposal;
}
function refusal(
  statements: readonly JsonObject[],
  change: Partial<RetirementRequest> = {},
): { why: string; remedy: string } {
  const proposal = propose(statements, change);
  if (proposal.do !== 'refuse') throw new Error(JSON.stringify(proposal));
  return proposal;
}
const open = podIdentityStatement;
const ARN_SUB = `${PROVIDER}:sub`;
const both = [subject(controller), subject(shop)];

describe('a statement that names only those that retire', () => {
  it.each<[string, JsonObject]>([
    ['as eksctl writes it', irsa(subject(controller))],
    ['under a Sid', irsaStatement],
    ['in a list of one', irsa([subject(controller)])],
    ['with StringLike and no pattern', irsa(subject(controller), {}, 'StringLike')],
    [
      'with StringEqualsIgnoreCase, in other case',
      irsa(subject(controller).toUpperCase(), {}, 'StringEqualsIgnoreCase'),
    ],
    ['with ForAnyValue:', irsa([subject(controller)], {}, 'ForAnyValue:StringEquals')],
    ['with IfExists', irsa(subject(controller), {}, 'StringEqualsIfExists')],
    [
      'with the key in other case',
      irsa('', { Condition: { StringEquals: { [SUB.toUpperCase()]: subject(controller) } } }),
    ],
    ['with a list of principals', irsa(subject(controller), { Principal: { Federated: [PROVIDER] } })],
    [
      'with tags for the session',
      irsa(subject(controller), { Action: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession'] }),
    ],
    ['with a wide action', irsa(subject(controller), { Action: 'sts:Assume*' })],
    [
      'for an audience of its own',
      irsa(subject(controller), { Condition: { StringEquals: { [SUB]: subject(controller), [AUD]: 'vault' } } }),
    ],
    [
      'with a condition that nobody can know',
      irsa(subject(controller), {
        Condition: { StringEquals: { [SUB]: subject(controller) }, IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } },
      }),
    ],
  ])('goes: %s', (_, statement) => {
    const { after, removed } = removal([ec2, statement, irsaOfOtherClusters, open]);
    expect(removed).toEqual([{ statement }]);
    expect(after).toBe(policyText(ec2, irsaOfOtherClusters, open));
    expect(verdicts(after, controller)).toEqual({ podIdentity: 'allowed', irsa: 'denied' });
  });

  it('goes with all service accounts that retire, and each one of several', () => {
    const first = irsa(both);
    const second = irsa(subject(shop));
    expect(removal([first, second, open], { serviceAccounts: [shop, controller, shop] })).toEqual({
      do: 'remove',
      after: policyText(open),
      removed: [{ statement: first }, { statement: second }],
    });
  });

  it('goes by the provider of the partition', () => {
    const china = { account: ACCOUNT, region: 'cn-north-1', cluster: 'dev' };
    const name = 'oidc.eks.cn-north-1.amazonaws.com.cn/id/EXAMPLE';
    const statement = {
      ...irsaStatement,
      Principal: { Federated: `arn:aws-cn:iam::${ACCOUNT}:oidc-provider/${name}` },
      Condition: { StringEquals: { [`${name}:sub`]: subject(controller) } },
    };
    expect(removal([statement, open], { target: china, oidcIssuer: `https://${name}` }).removed).toEqual([
      { statement },
    ]);
    expect(propose([statement, open], { oidcIssuer: `https://${name}` }).do).toBe('nothing');
  });
});

describe('a statement that names others too', () => {
  it('stays for them', () => {
    const statement = irsa(
      [subject(shop), subject(controller), 'system:serviceaccount:web:*'],
      { Sid: 'Irsa' },
      'StringLike',
    );
    const kept = irsa([subject(shop), 'system:serviceaccount:web:*'], { Sid: 'Irsa' }, 'StringLike');
    const { after, removed } = removal([statement, open]);
    expect(removed).toEqual([{ statement, kept }]);
    expect(after).toBe(policyText(kept, open));
    expect(verdicts(after, shop).irsa).toBe('allowed');
    expect(verdicts(after, controller).irsa).toBe('denied');
  });
});

describe('what is not touched', () => {
  it.each<[string, JsonObject]>([
    ["another cluster's provider", irsaOfOtherClusters],
    ['other service accounts', irsa(subject(shop))],
    ['other service accounts by pattern', irsa('system:serviceaccount:web:*', {}, 'StringLike')],
    ['a pattern under StringEquals, which is none', irsa('system:serviceaccount:kube-system:*')],
    ['a Deny', irsa(subject(controller), { Effect: 'Deny' })],
    ['another action', irsa(subject(controller), { Action: 'sts:AssumeRoleWithSAML' })],
    ['what excepts the service account', irsa(subject(controller), {}, 'StringNotEquals')],
    // No request has such a key, so that it allows nobody.
    ["a subject under the provider's ARN", irsa('', { Condition: { StringEquals: { [ARN_SUB]: both } } })],
    ['a subject under the URL', irsa('', { Condition: { StringEquals: { [`https://${SUB}`]: subject(controller) } } })],
  ])('%s', (_, statement) => {
    expect(propose([statement, open])).toEqual({
      do: 'nothing',
      why: `No statement lets kube-system/ebs-csi-controller-sa in by ${PROVIDER}`,
    });
    expect(removal([statement, irsaStatement, open]).after).toBe(policyText(statement, open));
  });
});

describe("what can't be separated is refused", () => {
  it.each<[string, JsonObject, RegExp, RegExp]>([
    [
      'a pattern that covers others',
      irsa('system:serviceaccount:kube-system:*', {}, 'StringLike'),
      /"system:serviceaccount:kube-system:\*", which covers others/,
      /system:serviceaccount:NAMESPACE:NAME/,
    ],
    [
      'a pattern beside the name',
      irsa([subject(controller), 'system:serviceaccount:*:ebs-csi-controller-sa'], {}, 'StringLike'),
      /covers others/,
      /by hand/,
    ],
    [
      'a policy variable',
      irsa('system:serviceaccount:kube-system:${aws:userid}', {}, 'StringLike'),
      /covers others/,
      /by hand/,
    ],
    [
      'no condition on the subject',
      irsa('', { Condition: { StringEquals: { [AUD]: 'sts.amazonaws.com' } } }),
      /every service account of the cluster/,
      /"StringEquals"/,
    ],
    [
      'no condition at all',
      { Effect: 'Allow', Principal: { Federated: PROVIDER }, Action: 'sts:AssumeRoleWithWebIdentity' },
      /every service account of the cluster/,
      /Add/,
    ],
    [
      "a subject under the provider's ARN that is excepted, so that it allows everybody",
      irsa('', { Condition: { StringNotEquals: { [ARN_SUB]: subject(shop) } } }),
      /every service account of the cluster/,
      /"StringEquals"/,
    ],
    [
      'several providers',
      irsa(subject(controller), { Principal: { Federated: [PROVIDER, OTHER_PROVIDER] } }),
      /other principals as well/,
      /Split statement 1 by hand/,
    ],
    [
      'several types of principals',
      irsa(subject(controller), {
        Principal: { Federated: PROVIDER, Service: 'ec2.amazonaws.com' },
        Action: ['sts:AssumeRoleWithWebIdentity', 'sts:AssumeRole'],
      }),
      /other principals/,
      /Split/,
    ],
    [
      'two conditions on the subject',
      irsa('', {
        Condition: { StringLike: { [SUB]: 'system:serviceaccount:kube-system:*' }, StringEquals: { [SUB]: both } },
      }),
      /StringLike and StringEquals/,
      /one "StringEquals"/,
    ],
    ['a negation', irsa(subject(shop), {}, 'StringNotEquals'), /by StringNotEquals/, /one "StringEquals"/],
    [
      'ForAllValues:',
      irsa([subject(controller)], {}, 'ForAllValues:StringEquals'),
      /by ForAllValues:StringEquals/,
      /one "StringEquals"/,
    ],
    [
      'everybody',
      { Sid: 'Open', Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRoleWithWebIdentity' },
      /not for this cluster's provider alone/,
      /Change Open by hand/,
    ],
  ])('%s', (_, statement, why, remedy) => {
    for (const statements of [
      [statement, open],
      [statement, irsaStatement, open],
    ]) {
      const refused = refusal(statements);
      expect(refused.why).toMatch(why);
      expect(refused.remedy).toMatch(remedy);
    }
  });

  it('and every such statement is named', () => {
    const { why } = refusal([
      irsa('*', {}, 'StringLike'),
      irsa(subject(controller), { Sid: 'Two', Principal: { Federated: [PROVIDER, OTHER_PROVIDER] } }),
      open,
    ]);
    expect(why).toMatch(/statement 1 lets.*statement 2 \(Two\) lets/s);
  });
});

describe('Pod Identity', () => {
  it('must be allowed, or nothing would be left', () => {
    const { why, remedy } = refusal([irsaStatement]);
    expect(why).toMatch(/^Nothing would certainly let kube-system\/ebs-csi-controller-sa use the role any more/);
    expect(remedy).toContain('trust repair');
    expect(refusal([irsaStatement, { ...open, Action: 'sts:AssumeRole' }]).why).toContain('denied');
  });

  it('may rest on a key that the migration accepted by name', () => {
    const office = { ...open, Condition: { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } } };
    expect(refusal([irsaStatement, office]).why).toContain('unknown');
    expect(removal([irsaStatement, office], { acceptedKeys: ['aws:SourceIp'] }).after).toBe(policyText(office));
  });
});

it('refuses a policy with NotPrincipal, which IAM would not take again', () => {
  const excepting = { Sid: 'Others', Effect: 'Deny', NotPrincipal: { AWS: ACCOUNT }, Action: 'sts:SetSourceIdentity' };
  expect(refusal([irsaStatement, open, excepting]).why).toBe(
    'IAM takes no trust policy with NotPrincipal, which "Others" has',
  );
});

it('refuses a policy that is not valid', () => {
  expect(refusal([{ ...irsaStatement, Effect: 'allow' }, open]).why).toContain('Statement[0].Effect');
});

it('takes a policy in its URL-encoded form', () => {
  expect(propose([], { trustPolicy: encodeURIComponent(bothWays) })).toEqual({
    do: 'remove',
    after: policyText(podIdentityStatement),
    removed: [{ statement: irsaStatement }],
  });
});
