import { describe, expect, it } from 'vitest';
import { parseTrust } from '../../../../lambdas/domain/trust/policy.ts';
import { proposeRepair, type RepairRequest, samePolicy, undoRepair } from '../../../../lambdas/domain/trust/repair.ts';
import type { JsonObject } from '../../../../lambdas/domain/trust/statements.ts';
import { ACCOUNT, ISSUER, NAMESPACE, ROLE, target } from '../../example.ts';
import { bothWays, irsaStatement, podIdentityStatement, policyText } from '../../trust-examples.ts';
import {
  controller,
  ec2,
  irsa,
  irsaOfOtherClusters,
  PROVIDER,
  shop,
  statementsIn,
  subject,
  verdicts,
} from './policies.ts';
import { containing, matching } from '../../matchers.ts';

const CLUSTER_ARN = `arn:aws:eks:eu-west-1:${ACCOUNT}:cluster/dev`;
const request = (trustPolicy: string, change: Partial<RepairRequest> = {}): RepairRequest => ({
  trustPolicy: parseTrust(trustPolicy),
  target,
  serviceAccounts: [controller],
  oidcIssuer: ISSUER,
  ...change,
});
const propose = (trustPolicy: string, change: Partial<RepairRequest> = {}) =>
  proposeRepair(request(trustPolicy, change));
type Given = Parameters<typeof propose>;
function repaired(...given: Given): { statement: JsonObject; after: string; length: number } {
  const proposal = propose(...given);
  if (proposal.do !== 'repair') throw new Error(JSON.stringify(proposal));
  return proposal;
}
function refused(...given: Given): { why: string; remedy: string } {
  const proposal = propose(...given);
  if (proposal.do !== 'refuse') throw new Error(JSON.stringify(proposal));
  return proposal;
}
const denying = (Sid: string, Condition: JsonObject): JsonObject => {
  return { Sid, Effect: 'Deny', Principal: { AWS: '*' }, Action: 'sts:AssumeRole', Condition };
};
const irsaOnly = policyText(irsaStatement);

describe('the added statement', () => {
  it('is restricted to this account, cluster, namespace and service account', () => {
    const { statement, after, length } = repaired(irsaOnly);
    expect(statement).toEqual({
      Sid: matching(/^PodIdentity[0-9a-f]{12}$/),
      Effect: 'Allow',
      Principal: { Service: 'pods.eks.amazonaws.com' },
      Action: ['sts:AssumeRole', 'sts:TagSession'],
      Condition: {
        StringEquals: {
          'aws:SourceAccount': ACCOUNT,
          'aws:RequestTag/kubernetes-namespace': 'kube-system',
          'aws:RequestTag/kubernetes-service-account': 'ebs-csi-controller-sa',
        },
        ArnEquals: { 'aws:SourceArn': CLUSTER_ARN },
      },
    });
    expect([after, length]).toEqual([policyText(irsaStatement, statement), after.length]);
    expect(verdicts(after, controller)).toEqual({ podIdentity: 'allowed', irsa: 'allowed' });
    expect(verdicts(after, shop)).toEqual({ podIdentity: 'denied', irsa: 'denied' });
  });

  it('names all service accounts of the namespace that lack access, and no others', () => {
    const node = { ...controller, serviceAccount: 'ebs-csi-node-sa' };
    const { statement, after } = repaired(irsaOnly, { serviceAccounts: [node, controller, node] });
    const names = ['StringEquals', 'aws:RequestTag/kubernetes-service-account'];
    expect(statement['Condition']).toHaveProperty(names, ['ebs-csi-controller-sa', 'ebs-csi-node-sa']);
    const second = repaired(repaired(irsaOnly).after, { serviceAccounts: [controller, node] });
    expect(second.statement['Condition']).toHaveProperty(names, 'ebs-csi-node-sa');
    expect(verdicts(after, node).podIdentity).toBe('allowed');
  });

  it('has no condition on tags if the association has session tags disabled', () => {
    const account = { ...controller, disableSessionTags: true };
    const { statement, after } = repaired(irsaOnly, { serviceAccounts: [account] });
    expect(statement['Condition']).toEqual({
      StringEquals: { 'aws:SourceAccount': ACCOUNT },
      ArnEquals: { 'aws:SourceArn': CLUSTER_ARN },
    });
    expect(verdicts(after, account).podIdentity).toBe('allowed');
  });

  it('is in the partition of the cluster', () => {
    const china = { account: ACCOUNT, region: 'cn-north-1', cluster: 'dev' };
    const { statement } = repaired(policyText(ec2), { target: china });
    const arn = `arn:aws-cn:eks:cn-north-1:${ACCOUNT}:cluster/dev`;
    expect(statement['Condition']).toHaveProperty(['ArnEquals', 'aws:SourceArn'], arn);
  });

  it('has a unique Sid, and the same one each time', () => {
    const first = repaired(irsaOnly).statement;
    expect(repaired(policyText(ec2)).statement['Sid']).toBe(first['Sid']);
    const second = repaired(policyText(irsaStatement, { ...first, Action: 'sts:AssumeRole' })).statement;
    expect(second['Sid']).not.toBe(first['Sid']);
    expect({ ...second, Sid: first['Sid'] }).toEqual(first);
  });
});

describe('proposeRepair', () => {
  it('changes nothing if Pod Identity is already allowed', () => {
    expect([propose(bothWays), propose(encodeURIComponent(bothWays))]).toEqual([{ do: 'nothing' }, { do: 'nothing' }]);
    expect(propose(repaired(irsaOnly).after)).toEqual({ do: 'nothing' });
  });

  it('adds the statement if TagSession is not allowed, or if only another cluster is', () => {
    const half = policyText({ ...podIdentityStatement, Action: 'sts:AssumeRole' });
    expect(verdicts(repaired(half).after, controller).podIdentity).toBe('allowed');
    const other = { ...podIdentityStatement, Condition: { ArnEquals: { 'aws:SourceArn': `${CLUSTER_ARN}-two` } } };
    expect(statementsIn(repaired(policyText(other)).after)[0]).toEqual(other);
  });

  it('keeps everything that a careless copy would lose', () => {
    const odd = `{ "Id": "ein Schlüssel", "Version": "2012-10-17",\n "Statement": { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::${ACCOUNT}:root" }, "Action": "sts:AssumeRole", "Condition": { "StringEquals": { "__proto__": "a", "constructor": "b", "aws:PrincipalTag/x": "\\u00e4 \\"q\\"" }, "NumericLessThan": { "aws:MultiFactorAuthAge": 3600 } } } }`;
    const { after, statement } = repaired(odd);
    const added = (_: string, one: string) => `"Statement":[${one},${JSON.stringify(statement)}]}`;
    expect(after).toBe(JSON.stringify(JSON.parse(odd)).replace(/"Statement":(.*)}$/s, added));
    expect(after).toContain('"__proto__":"a"');
  });

  it('accepts a URL-encoded policy', () => expect(repaired(encodeURIComponent(irsaOnly))).toEqual(repaired(irsaOnly)));

  it('refuses a policy that it could not write back unchanged', () => {
    const twice = irsaOnly.replace('"Effect":"Allow"', '"Effect":"Deny","Effect":"Allow"');
    expect(refused(twice).remedy).toContain('by hand');
    const aged = policyText({ ...ec2, Condition: { NumericEquals: { 'aws:MultiFactorAuthAge': 0 } } });
    const digits = '12345678901234567890';
    expect(refused(aged.replace(':0}', `:${digits}}`)).why).toContain(digits);
  });

  it('refuses a policy that is not valid, and reports where', () => {
    expect(refused('{').why).toContain('line 1');
    expect(refused(policyText({ ...irsaStatement, Effect: 'allow' })).why).toContain('Statement[0].Effect');
  });

  it('refuses a policy that IAM does not accept', () => {
    const { Principal, ...rest } = podIdentityStatement;
    const excepting = { ...rest, Sid: 'Others', Effect: 'Deny', NotPrincipal: Principal };
    for (const [statement, path] of [
      [excepting, 'Statement[1].NotPrincipal'],
      [{ ...excepting, Effect: 'Allow', NotPrincipal: { AWS: '444455556666' } }, 'Statement[1].NotPrincipal'],
      [{ ...rest, Principal: '*' }, 'Statement[1].Principal'],
      [{ ...rest, Principal, Action: 's?s:*' }, 'Statement[1].Action'],
      [{ ...rest, Principal: { Service: '*' } }, 'Statement[1].Principal.Service'],
    ] as const)
      expect(refused(policyText(irsaStatement, statement)).why).toContain(`not valid at ${path}: `);
  });

  it("adds Pod Identity next to a condition key with the provider's ARN, and does not change IRSA", () => {
    const misnamed = { ...irsaStatement, Condition: { StringEquals: { [`${PROVIDER}:sub`]: subject(controller) } } };
    const { after } = repaired(policyText(misnamed));
    expect(verdicts(after, controller)).toEqual({ podIdentity: 'allowed', irsa: 'denied' });
    expect(JSON.parse(after)).toMatchObject({ Statement: [misnamed, { Effect: 'Allow' }] });
  });

  it('adds a certain Allow next to one with an undecided condition', () => {
    const tagKeys = ['kubernetes-namespace', 'kubernetes-service-account', 'eks-cluster-arn'];
    const plain = { ...podIdentityStatement, Condition: { StringLike: { 'aws:TagKeys': [...tagKeys, '*'] } } };
    expect(verdicts(policyText(plain), controller).podIdentity).toBe('unknown');
    expect(verdicts(repaired(policyText(plain)).after, controller).podIdentity).toBe('allowed');
  });

  it('explains a Deny and never removes it', () => {
    const deny = denying('NoServices', { StringNotEquals: { 'aws:SourceAccount': '999999999999' } });
    const { why, remedy } = refused(policyText(irsaStatement, deny));
    expect(why).toContain('would still not be allowed for kube-system/ebs-csi-controller-sa');
    expect([why, remedy]).toEqual([containing('NoServices'), containing('Change NoServices by hand')]);
    // A Deny next to an Allow is just as final.
    expect(refused(policyText(podIdentityStatement, deny)).why).toContain('NoServices');
  });

  it('refuses if a Deny may apply, unless its key is accepted by name', () => {
    const deny = denying('Office', { NotIpAddress: { 'aws:SourceIp': '203.0.113.0/24' } });
    const { why, remedy } = refused(policyText(irsaStatement, deny));
    expect(why).toContain('might still not be allowed');
    for (const part of ['aws:SourceIp', '--accept condition-key:aws:SourceIp']) expect(remedy).toContain(part);
    expect(propose(policyText(irsaStatement, deny), { acceptedKeys: ['aws:SourceIp'] }).do).toBe('repair');
  });

  it('refuses service accounts of several namespaces, which one statement cannot keep apart', () => {
    const { why, remedy } = refused(irsaOnly, { serviceAccounts: [controller, shop] });
    expect([why, remedy]).toEqual([containing('kube-system/ebs-csi-controller-sa, shop/checkout'), containing('shop')]);
    expect(propose(bothWays, { serviceAccounts: [controller, shop] })).toEqual({ do: 'nothing' });
  });
});

describe('the length', () => {
  const filler = (count: number): JsonObject[] =>
    Array.from({ length: count }, (_, index) => irsa(`system:serviceaccount:team-${index}:app`));
  const tooMuch = policyText(...filler(2), irsaOfOtherClusters, { Sid: 'Again', ...irsaOfOtherClusters });

  it('is limited by the quota of IAM, without white space', () => {
    const { length } = repaired(irsaOnly);
    expect(repaired(JSON.stringify(JSON.parse(irsaOnly), undefined, 8), { maxLength: length }).length).toBe(length);
    expect(refused(irsaOnly, { maxLength: length - 1 }).why).toContain(`${length} characters`);
  });

  it('has remedies if the policy is too long', () => {
    const { why, remedy } = refused(tooMuch);
    expect([why, remedy]).toEqual([containing('IAM allows 2048'), matching(/^The policy is \d+ characters too long/)]);
    expect(remedy).toContain(
      'aws service-quotas request-service-quota-increase --service-code iam --quota-code L-C07B4B0D --desired-value 4096 --region us-east-1',
    );
    expect(remedy).toContain('statement 4 (Again) repeats statement 3');
    expect(remedy).toContain('statement 3 is for OIDC provider oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF');
    expect(remedy).toContain('a separate role');
    const inChina = refused(tooMuch, { target: { account: ACCOUNT, region: 'cn-northwest-1', cluster: 'dev' } });
    expect(inChina.remedy).toContain('--region cn-north-1');
  });

  it('may be longer if the policy itself shows that the quota was raised, up to the highest quota', () => {
    expect(repaired(policyText(...filler(6))).length).toBeGreaterThan(2048);
    const { why, remedy } = refused(policyText(...filler(11)));
    expect(why).toContain('IAM allows 4096');
    expect(remedy).not.toContain('request-service-quota-increase');
  });
});

describe('undoRepair', () => {
  const before = JSON.stringify(JSON.parse(policyText(irsaStatement)), undefined, 4);
  const { after, statement } = repaired(before);
  const change = { roleArn: ROLE, before, after, statement, notedAt: '2026-01-05T09:00:00.000Z' };

  it('writes the policy of before, byte for byte, if it has not changed since', () => {
    expect(undoRepair(change, after)).toEqual({ do: 'write', document: before });
    const spelled = encodeURIComponent(JSON.stringify(JSON.parse(after), undefined, 2));
    expect(undoRepair(change, spelled)).toEqual({ do: 'write', document: before });
  });

  it('removes only the added statement if the policy has changed since', () => {
    const current = policyText(ec2, statement, irsaStatement, irsaOfOtherClusters);
    const left = policyText(ec2, irsaStatement, irsaOfOtherClusters);
    expect(undoRepair(change, current)).toEqual({ do: 'write', document: left });
  });

  it('does nothing if the added statement is gone', () => {
    for (const now of [before, policyText(ec2), policyText(ec2, podIdentityStatement)])
      expect(undoRepair(change, now)).toEqual({ do: 'nothing' });
  });

  it('refuses if the added statement was changed or is the last one, or if the policy is not valid', () => {
    const refusal = (why: string) => ({ do: 'refuse', why: containing(why) });
    const changed = undoRepair(change, policyText(irsaStatement, { ...statement, Action: 'sts:AssumeRole' }));
    expect(changed).toMatchObject(refusal(String(statement['Sid'])));
    expect(undoRepair(change, policyText(statement))).toMatchObject(refusal('without statements'));
    expect(undoRepair(change, '{}')).toMatchObject(refusal('Statement'));
  });
});

describe('samePolicy', () => {
  it.each<[string, string, string, boolean]>([
    ['white space and order of keys', '{"a":1,"b":[{"c":2}]}', '{ "b": [ { "c": 2 } ], "a": 1 }', true],
    ['order of a list', '[1,2]', '[2,1]', false],
    ['a text and a list of one text', '{"a":"x"}', '{"a":["x"]}', false],
    ['an additional key', '{"a":1}', '{"a":1,"b":1}', false],
    ['another key', '{"a":1}', '{"b":1}', false],
    ['a key that JavaScript objects inherit', '{"a":1}', '{"toString":1}', false],
    ['null and an object', '{"a":null}', '{"a":{}}', false],
    ['URL-encoded', `{"a":"${NAMESPACE}"}`, '%7B%22a%22%3A%22kube-system%22%7D', true],
    ['the same text that is not JSON', 'x', 'x', true],
    ['different texts that are not JSON', 'x', 'y', false],
  ])('%s', (_, a, b, same) => expect([samePolicy(a, b), samePolicy(b, a)]).toEqual([same, same]));

  it('distinguishes subjects', () =>
    expect(samePolicy(policyText(irsa(subject(controller))), policyText(irsa(subject(shop))))).toBe(false));
});
