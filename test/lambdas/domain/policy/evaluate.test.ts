import { describe, expect, it } from 'vitest';
import { irsaRequest, podIdentityRequests } from '../../../../lambdas/domain/policy/contexts.ts';
import { parseTrustPolicy } from '../../../../lambdas/domain/policy/document.ts';
import { evaluateTrust, type Evaluation } from '../../../../lambdas/domain/policy/evaluate.ts';
import { ACCOUNT, CLUSTER, irsaStatement, ISSUER, NAMESPACE, podIdentityStatement, policyText, SERVICE_ACCOUNT, target } from '../../fixtures.ts';

const CLUSTER_ARN = `arn:aws:eks:eu-west-1:${ACCOUNT}:cluster/${CLUSTER}`;
const pod = podIdentityStatement;
const when = (Condition: unknown, change: object = {}): object => ({ ...pod, ...change, Condition });
const denied = (change: object): object => ({ ...pod, Sid: 'No', Effect: 'Deny', ...change });

function evaluate(statements: object[]): [assumeRole: Evaluation, tagSession: Evaluation] {
  const policy = parseTrustPolicy(policyText(...statements));
  const [assumeRole, tagSession] = podIdentityRequests(target, NAMESPACE, SERVICE_ACCOUNT).map((request) => evaluateTrust(policy, request));
  return [assumeRole!, tagSession!];
}
const verdicts = (statements: object[]): string => evaluate(statements).map((one) => one.verdict).join(' ');

describe('a pod that asks EKS Auth for a role', () => {
  it.each<[string, object[], string]>([
    ['both actions, no condition', [pod], 'allowed allowed'],
    ['without sts:TagSession', [{ ...pod, Action: 'sts:AssumeRole' }], 'allowed denied'],
    ['each action in its own statement', [{ ...pod, Action: 'sts:AssumeRole' }, { ...pod, Action: 'sts:TagSession' }], 'allowed allowed'],
    ['aws:SourceAccount and aws:SourceArn right', [when({ StringEquals: { 'aws:SourceAccount': ACCOUNT }, ArnEquals: { 'aws:SourceArn': CLUSTER_ARN } })], 'allowed allowed'],
    ['aws:SourceAccount wrong', [when({ StringEquals: { 'aws:SourceAccount': '444455556666' } })], 'denied denied'],
    ['aws:SourceArn of another cluster', [when({ ArnEquals: { 'aws:SourceArn': `${CLUSTER_ARN}-2` } })], 'denied denied'],
    ['one of two conditions wrong', [when({ StringEquals: { 'aws:SourceAccount': ACCOUNT }, ArnEquals: { 'aws:SourceArn': `${CLUSTER_ARN}-2` } })], 'denied denied'],
    ['aws:RequestTag/kubernetes-namespace right', [when({ StringEquals: { 'aws:RequestTag/kubernetes-namespace': NAMESPACE } })], 'allowed allowed'],
    ['aws:RequestTag/kubernetes-namespace one of a list', [when({ StringEquals: { 'aws:RequestTag/kubernetes-namespace': ['web', NAMESPACE] } })], 'allowed allowed'],
    ['aws:RequestTag/kubernetes-namespace wrong', [when({ StringEquals: { 'aws:RequestTag/kubernetes-namespace': 'web' } })], 'denied denied'],
    ['the namespace right, plus a Deny for the other namespaces', [pod, denied({ Condition: { StringNotEquals: { 'aws:RequestTag/kubernetes-namespace': NAMESPACE } } })], 'allowed allowed'],
    ['plus a Deny for this namespace', [pod, denied({ Condition: { StringEquals: { 'aws:RequestTag/kubernetes-namespace': NAMESPACE } } })], 'denied denied'],
    ['the service account in another case', [when({ StringEquals: { 'aws:RequestTag/kubernetes-service-account': SERVICE_ACCOUNT.toUpperCase() } })], 'denied denied'],
    ['ignoring the case', [when({ StringEqualsIgnoreCase: { 'aws:RequestTag/kubernetes-service-account': SERVICE_ACCOUNT.toUpperCase() } })], 'allowed allowed'],
    ['the key in another case', [when({ StringEquals: { 'AWS:sourceACCOUNT': ACCOUNT } })], 'allowed allowed'],
    ['IRSA only', [irsaStatement], 'denied denied'],
    ['IRSA and Pod Identity side by side', [irsaStatement, pod], 'allowed allowed'],
    ['another service', [{ ...pod, Principal: { Service: 'ec2.amazonaws.com' } }], 'denied denied'],
    ['several services', [{ ...pod, Principal: { Service: ['ec2.amazonaws.com', 'pods.eks.amazonaws.com'] } }], 'allowed allowed'],
    ['everybody', [{ ...pod, Principal: '*' }], 'denied denied'],
    ['action sts:*', [{ ...pod, Action: 'sts:*' }], 'allowed allowed'],
    ['action *', [{ ...pod, Action: '*' }], 'allowed allowed'],
    ['action in another case', [{ ...pod, Action: ['STS:assumerole', 'sts:TAG*'] }], 'allowed allowed'],
    ['action sts:Assume*', [{ ...pod, Action: 'sts:Assume*' }], 'allowed denied'],
    ['everything but TagSession', [{ Effect: 'Allow', Principal: pod.Principal, NotAction: 'sts:TagSession' }], 'allowed denied'],
    ['Deny over Allow', [pod, denied({})], 'denied denied'],
    ['Deny of TagSession alone', [pod, denied({ Action: 'sts:TagSession' })], 'allowed denied'],
    ['Deny for everybody', [pod, denied({ Principal: '*' })], 'denied denied'],
    ['Deny for everybody, written for AWS', [pod, denied({ Principal: { AWS: '*' } })], 'denied denied'],
    ['Deny for another service', [pod, denied({ Principal: { Service: 'ec2.amazonaws.com' } })], 'allowed allowed'],
    ['Deny for everybody in other accounts', [pod, denied({ Principal: '*', Condition: { StringNotEquals: { 'aws:SourceAccount': ACCOUNT } } })], 'allowed allowed'],
    ['Deny on a key that nobody knows', [pod, denied({ Principal: '*', Condition: { Bool: { 'aws:PrincipalIsAWSService': 'false' } } })], 'unknown unknown'],
    ['Allow on the pod\'s name', [when({ StringLike: { 'aws:RequestTag/kubernetes-pod-name': 'ebs-*' } })], 'unknown unknown'],
    ['Allow on an unknown key, another Allow without', [when({ StringEquals: { 'aws:PrincipalOrgID': 'o-1' } }), pod], 'allowed allowed'],
    ['an unknown key beside a wrong one', [when({ StringEquals: { 'aws:PrincipalOrgID': 'o-1', 'aws:SourceAccount': '444455556666' } })], 'denied denied'],
    ['an operator that is not evaluated', [when({ DateGreaterThan: { 'aws:SourceAccount': '2020-01-01T00:00:00Z' } })], 'unknown unknown'],
    ['an operator with the name of an object\'s member', [when({ constructor: { 'aws:SourceAccount': 'x' } })], 'unknown unknown'],
    ['ForAllValues', [when({ 'ForAllValues:StringEquals': { 'aws:SourceAccount': ACCOUNT } })], 'unknown unknown'],
    ['a policy variable', [when({ StringEquals: { 'aws:SourceAccount': '${aws:PrincipalAccount}' } })], 'unknown unknown'],
    ['NotPrincipal', [{ Effect: 'Allow', NotPrincipal: { AWS: 'arn:aws:iam::444455556666:root' }, Action: pod.Action }], 'unknown unknown'],
    ['NotPrincipal in a Deny', [pod, { Effect: 'Deny', NotPrincipal: { Service: 'pods.eks.amazonaws.com' }, Action: 'sts:*' }], 'unknown unknown'],
    ['NotPrincipal of another action', [pod, { Effect: 'Deny', NotPrincipal: { AWS: 'x' }, Action: 's3:*' }], 'allowed allowed'],
    ['IfExists, the key there and wrong', [when({ StringEqualsIfExists: { 'aws:SourceAccount': '444455556666' } })], 'denied denied'],
    ['IfExists, the key there and right', [when({ StringEqualsIfExists: { 'aws:SourceAccount': ACCOUNT } })], 'allowed allowed'],
    ['IfExists on an unknown key', [when({ StringEqualsIfExists: { 'aws:PrincipalOrgID': 'o-1' } })], 'unknown unknown'],
    ['Null: it must be there, and is', [when({ Null: { 'aws:SourceArn': 'false' } })], 'allowed allowed'],
    ['Null: it must not be there, but is', [when({ Null: { 'aws:SourceArn': true } })], 'denied denied'],
    ['StringLike with wildcards', [when({ StringLike: { 'aws:RequestTag/eks-cluster-name': 'd?v', 'aws:SourceArn': 'arn:aws:eks:*' } })], 'allowed allowed'],
    ['StringEquals takes wildcards literally', [when({ StringEquals: { 'aws:RequestTag/eks-cluster-name': 'd*' } })], 'denied denied'],
    ['StringNotLike', [when({ StringNotLike: { 'aws:RequestTag/eks-cluster-name': 'prod-*' } })], 'allowed allowed'],
    ['ArnLike with wildcards in its parts', [when({ ArnLike: { 'aws:SourceArn': `arn:aws:eks:*:${ACCOUNT}:cluster/d*` } })], 'allowed allowed'],
    ['ArnEquals takes wildcards too', [when({ ArnEquals: { 'aws:SourceArn': 'arn:aws:eks:eu-*:*:cluster/*' } })], 'allowed allowed'],
    ['a wildcard of ArnLike stops at a colon', [when({ ArnLike: { 'aws:SourceArn': `arn:aws:*:${ACCOUNT}::cluster/dev` } })], 'denied denied'],
    ['ArnLike with what is no ARN', [when({ ArnLike: { 'aws:SourceArn': '*' } })], 'unknown unknown'],
    ['ArnNotLike with what is no ARN', [when({ ArnNotLike: { 'aws:SourceArn': '*' } })], 'unknown unknown'],
    ['ArnNotLike', [when({ ArnNotLike: { 'aws:SourceArn': `arn:aws:eks:*:*:cluster/${CLUSTER}` } })], 'denied denied'],
    ['no statement at all', [], 'denied denied'],
  ])('%s', (_, statements, expected) => {
    expect(verdicts(statements)).toBe(expected);
  });

  it('knows a policy that can not be read as invalid', () => {
    const [request] = podIdentityRequests(target, NAMESPACE, SERVICE_ACCOUNT);
    expect(evaluateTrust(parseTrustPolicy('{'), request!)).toEqual({ verdict: 'invalid', reasons: ['the trust policy is not JSON'] });
  });

  it('judges a key that is known to be absent', () => {
    const [request] = podIdentityRequests(target, NAMESPACE, SERVICE_ACCOUNT);
    const without = (Condition: unknown): string =>
      evaluateTrust(parseTrustPolicy(policyText(when(Condition))), { ...request!, context: { ...request!.context, 'aws:sourcearn': undefined } }).verdict;
    expect(without({ ArnEquals: { 'aws:SourceArn': CLUSTER_ARN } })).toBe('denied');
    expect(without({ ArnEqualsIfExists: { 'aws:SourceArn': CLUSTER_ARN } })).toBe('allowed');
    expect(without({ ArnNotEquals: { 'aws:SourceArn': CLUSTER_ARN } })).toBe('allowed');
    expect(without({ Null: { 'aws:SourceArn': 'true' } })).toBe('allowed');
    expect(without({ Null: { 'aws:SourceArn': 'false' } })).toBe('denied');
  });

  it('names the statement, the key, what was wanted and what is there', () => {
    const [assumeRole] = evaluate([when({ StringEquals: { 'aws:SourceAccount': '444455556666' } })]);
    expect(assumeRole.reasons).toEqual([`"PodIdentity": aws:SourceAccount is ${ACCOUNT}, StringEquals wants 444455556666`]);
    expect(evaluate([pod, denied({})])[0].reasons).toEqual(['"No": denies sts:AssumeRole']);
    expect(evaluate([irsaStatement])[1].reasons).toEqual(['no statement allows sts:TagSession to pods.eks.amazonaws.com']);
    expect(evaluate([when({ StringEquals: { 'aws:PrincipalOrgID': 'o' } })])[0].reasons).toEqual(['"PodIdentity": aws:PrincipalOrgID can\'t be known beforehand']);
  });
});

describe('a pod with an IRSA token', () => {
  const verdict = (...statements: object[]): string => evaluateTrust(parseTrustPolicy(policyText(...statements)), irsaRequest(target, ISSUER, NAMESPACE, SERVICE_ACCOUNT)).verdict;
  const subject = `${ISSUER.replace('https://', '')}:sub`;

  it.each<[string, object[], string]>([
    ['its own service account', [irsaStatement], 'allowed'],
    ['its own service account by a pattern', [{ ...irsaStatement, Condition: { StringLike: { [subject]: 'system:serviceaccount:kube-system:ebs-*' } } }], 'allowed'],
    ['another service account', [{ ...irsaStatement, Condition: { StringEquals: { [subject]: 'system:serviceaccount:web:shop' } } }], 'denied'],
    ['another cluster\'s provider', [{ ...irsaStatement, Principal: { Federated: 'arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/OTHER' } }], 'denied'],
    ['Pod Identity only', [podIdentityStatement], 'denied'],
    ['everybody', [{ ...irsaStatement, Principal: '*' }], 'allowed'],
    ['Deny for everybody', [irsaStatement, { ...irsaStatement, Effect: 'Deny', Principal: { AWS: '*' } }], 'denied'],
  ])('%s', (_, statements, expected) => {
    expect(verdict(...statements)).toBe(expected);
  });
});
