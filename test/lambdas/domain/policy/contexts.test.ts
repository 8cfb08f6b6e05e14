import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterArn, parseClusterArn } from '../../../../lambdas/domain/aws/arn.ts';
import {
  assumeRoleRequest,
  closedWorld,
  irsaRequest,
  podIdentityRequests,
  type TrustUse,
} from '../../../../lambdas/domain/policy/contexts.ts';
import type { PolicyRequest } from '../../../../lambdas/domain/policy/request.ts';
import { containing } from '../../matchers.ts';
import { words } from '../../../words.ts';
import { forAll } from '../../../for-all.ts';

const ACCOUNT = '111122223333';
const NAMESPACE = 'kube-system';
const SERVICE_ACCOUNT = 'ebs-csi-controller-sa';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/app/ebs-csi`;
const ISSUER = 'https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE';
const CLUSTER_ARN = `arn:aws:eks:eu-west-1:${ACCOUNT}:cluster/dev`;
const SUBJECT = { namespace: NAMESPACE, serviceAccount: SERVICE_ACCOUNT };
const use: TrustUse = { ...SUBJECT, clusterArn: CLUSTER_ARN, oidcIssuer: ISSUER };
const NAME = ISSUER.replace('https://', '');
const TAGS = words`
  eks-cluster-arn eks-cluster-name kubernetes-namespace kubernetes-service-account kubernetes-pod-name
  kubernetes-pod-uid
`;

/** Returns a key's values, or the name of its state. */
const asked = (request: PolicyRequest, key: string): string | readonly string[] => {
  const found = request.lookUp(key.toLowerCase());
  return found.state === 'values' ? found.values : found.state;
};
const podIdentity = (change: Partial<TrustUse> = {}): PolicyRequest => podIdentityRequests({ ...use, ...change })[0]!;
const irsa = (change: Partial<TrustUse> = {}): PolicyRequest => irsaRequest({ ...use, ...change });

describe('the request of EKS Auth', () => {
  it('has two actions of one service principal, both with the session tags', () => {
    const requests = podIdentityRequests(use);
    const principal = { type: 'Service', values: ['pods.eks.amazonaws.com'] };
    expect(requests.map(({ action }) => action)).toEqual(['sts:AssumeRole', 'sts:TagSession']);
    for (const request of requests) expect([request.principal, request.resource]).toEqual([principal, undefined]);
    for (const request of requests) expect(asked(request, 'aws:RequestTag/kubernetes-namespace')).toEqual([NAMESPACE]);
  });

  it.each<[string, string | string[]]>([
    ['aws:SourceAccount', [ACCOUNT]],
    ['aws:SourceArn', [CLUSTER_ARN]],
    ['aws:RequestTag/eks-cluster-arn', [CLUSTER_ARN]],
    ['aws:RequestTag/eks-cluster-name', ['dev']],
    ['aws:RequestTag/kubernetes-namespace', [NAMESPACE]],
    ['aws:RequestTag/kubernetes-service-account', [SERVICE_ACCOUNT]],
    ['aws:RequestTag/kubernetes-pod-name', 'present'],
    ['aws:RequestTag/kubernetes-pod-uid', 'present'],
    ['aws:RequestTag/team', 'absent'],
    ['aws:TagKeys', TAGS],
    ['sts:TransitiveTagKeys', TAGS],
    ['aws:PrincipalIsAWSService', ['true']],
    ['aws:PrincipalServiceName', ['pods.eks.amazonaws.com']],
    ['aws:PrincipalServiceNamesList', 'present'],
    ['aws:ViaAWSService', ['false']],
    ['aws:SecureTransport', ['true']],
    ['aws:ResourceAccount', [ACCOUNT]],
    ['aws:PrincipalArn', 'absent'],
    ['aws:PrincipalOrgID', 'absent'],
    ['aws:PrincipalOrgPaths', 'absent'],
    ['aws:PrincipalTag/team', 'absent'],
    ['aws:username', 'absent'],
    ['aws:MultiFactorAuthPresent', 'absent'],
    ['aws:FederatedProvider', 'absent'],
    ['sts:ExternalId', 'absent'],
    ['sts:SourceIdentity', 'absent'],
    ['aws:ResourceOrgPaths', 'unknown'],
    [`${NAME}:sub`, 'absent'],
    [`arn:aws:iam::${ACCOUNT}:oidc-provider/${NAME}:sub`, 'absent'],
    ['accounts.google.com:aud', 'absent'],
    ['saml:aud', 'absent'],
    ['aws:CurrentTime', 'present'],
    ['aws:EpochTime', 'present'],
    ['aws:RequestedRegion', 'present'],
    ['sts:RoleSessionName', 'present'],
    ['aws:PrincipalAccount', 'unknown'],
    ['aws:PrincipalType', 'unknown'],
    ['aws:userid', 'unknown'],
    ['aws:SourceIp', 'unknown'],
    ['aws:SourceVpc', 'unknown'],
    ['aws:SourceOrgID', 'unknown'],
    ['aws:ResourceOrgID', 'unknown'],
    ['aws:ResourceTag/team', 'unknown'],
    ['eks:clusterName', 'unknown'],
    ['kubernetes-namespace', 'unknown'],
    ['__proto__', 'unknown'],
    ['constructor', 'unknown'],
  ])('has %s: %s', (key, expected) => expect(asked(podIdentity(), key)).toEqual(expected));

  it('has no tags if the association has session tags disabled', () => {
    const request = podIdentity({ disableSessionTags: true });
    const tags = [...TAGS, 'team'].map((tag) => `aws:RequestTag/${tag}`);
    for (const key of [...tags, 'aws:TagKeys', 'sts:TransitiveTagKeys'])
      expect([key, asked(request, key)]).toEqual([key, 'absent']);
    expect(asked(request, 'aws:SourceArn')).toEqual([CLUSTER_ARN]);
  });

  it.each([
    ['cn-north-1', 'arn:aws-cn:eks:cn-north-1'],
    ['us-gov-west-1', 'arn:aws-us-gov:eks:us-gov-west-1'],
    ['us-isob-east-1', 'arn:aws-iso-b:eks:us-isob-east-1'],
    ['eusc-de-east-1', 'arn:aws-eusc:eks:eusc-de-east-1'],
  ])('names the cluster by the partition of %s', (region, start) => {
    const request = podIdentity({ clusterArn: clusterArn({ account: ACCOUNT, region, cluster: 'dev' }) });
    expect(asked(request, 'aws:SourceArn')).toEqual([`${start}:${ACCOUNT}:cluster/dev`]);
    expect(asked(request, 'aws:RequestTag/eks-cluster-arn')).toEqual([`${start}:${ACCOUNT}:cluster/dev`]);
  });
});

describe('the request of a pod with an IRSA token', () => {
  it.each(['', 'https://', 'HTTPS://'].flatMap((start) => ['', '/'].map((end) => `${start}${NAME}${end}`)))(
    'has the provider of the issuer %s as its principal',
    (oidcIssuer) => {
      const request = irsa({ oidcIssuer });
      expect(request).toMatchObject({
        action: 'sts:AssumeRoleWithWebIdentity',
        principal: { type: 'Federated', values: [`arn:aws:iam::${ACCOUNT}:oidc-provider/${NAME}`] },
      });
      expect(asked(request, `${NAME}:sub`)).toEqual([`system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}`]);
    },
  );

  it.each<[string, string | string[]]>([
    [`${NAME}:aud`, ['sts.amazonaws.com']],
    [`${NAME}:amr`, 'absent'],
    [`${NAME}:azp`, 'absent'],
    [`${NAME}:oaud`, 'unknown'],
    [`${NAME}:kubernetes.io`, 'unknown'],
    [`https://${NAME}:sub`, 'absent'],
    [`arn:aws:iam::${ACCOUNT}:oidc-provider/${NAME}:sub`, 'absent'],
    [`arn:aws:iam::${ACCOUNT}:oidc-provider/${NAME}:aud`, 'absent'],
    [`ARN:aws-cn:iam::${ACCOUNT}:OIDC-provider/${NAME}:sub`, 'absent'],
    [`arn:aws:iam::${ACCOUNT}:role/${NAME}:sub`, 'unknown'],
    ['aws:ResourceOrgID', 'unknown'],
    ['aws:ResourceOrgPaths', 'unknown'],
    [`${NAME}X:sub`, 'absent'],
    ['token.actions.githubusercontent.com:sub', 'absent'],
    ['cognito-identity.amazonaws.com:amr', 'absent'],
    ['saml:iss', 'absent'],
    ['aws:SourceArn', 'absent'],
    ['aws:SourceAccount', 'absent'],
    ['aws:SourceOrgID', 'absent'],
    ['aws:RequestTag/kubernetes-namespace', 'absent'],
    ['aws:TagKeys', 'absent'],
    ['sts:TransitiveTagKeys', 'absent'],
    ['aws:PrincipalIsAWSService', 'absent'],
    ['aws:PrincipalServiceName', 'absent'],
    ['aws:PrincipalOrgID', 'absent'],
    ['aws:MultiFactorAuthPresent', 'absent'],
    ['aws:ResourceAccount', [ACCOUNT]],
    ['aws:CurrentTime', 'present'],
    ['sts:RoleSessionName', 'present'],
    ['aws:SourceIp', 'unknown'],
    ['aws:SourceVpce', 'unknown'],
    ['aws:FederatedProvider', 'unknown'],
    ['aws:userid', 'unknown'],
  ])('has %s: %s', (key, expected) => expect(asked(irsa(), key)).toEqual(expected));

  it('has only the type of the provider without an issuer', () => {
    const request = irsa({ oidcIssuer: undefined });
    expect(request.principal).toEqual({ type: 'Federated', unknown: containing('OIDC provider') });
    expect(asked(request, `${NAME}:sub`)).toBe('unknown');
    expect(asked(request, `arn:aws:iam::${ACCOUNT}:oidc-provider/${NAME}:sub`)).toBe('absent');
    expect(asked(request, 'saml:iss')).toBe('absent');
  });

  it('has the same audience in China, and its own partition', () => {
    const name = 'oidc.eks.cn-north-1.amazonaws.com.cn/id/ABC';
    const inChina = `arn:aws-cn:eks:cn-north-1:${ACCOUNT}:cluster/dev`;
    const request = irsa({ clusterArn: inChina, oidcIssuer: `https://${name}` });
    expect(request.principal).toMatchObject({ values: [`arn:aws-cn:iam::${ACCOUNT}:oidc-provider/${name}`] });
    expect(asked(request, `${name}:aud`)).toEqual(['sts.amazonaws.com']);
  });
});

describe('a role in an account other than the cluster', () => {
  const roleAccount = '444455556666';

  it('is the resource of both requests, and its account has the OIDC provider', () => {
    for (const request of [podIdentity({ roleAccount }), irsa({ roleAccount })])
      expect(asked(request, 'aws:ResourceAccount')).toEqual([roleAccount]);
    const values = [`arn:aws:iam::${roleAccount}:oidc-provider/${NAME}`];
    expect(irsa({ roleAccount }).principal).toMatchObject({ values });
  });

  it('does not change the keys about the cluster', () => {
    const request = podIdentity({ roleAccount });
    expect([asked(request, 'aws:SourceAccount'), asked(request, 'aws:SourceArn')]).toEqual([[ACCOUNT], [CLUSTER_ARN]]);
    for (const one of [request, irsa({ roleAccount })])
      for (const key of ['aws:ResourceOrgID', 'aws:ResourceOrgPaths'])
        expect([key, asked(one, key)]).toEqual([key, 'unknown']);
  });
});

describe('requests that are known completely', () => {
  const call = {
    roleArn: ROLE,
    sessionArn: `arn:aws:sts::${ACCOUNT}:assumed-role/ebs-csi/web`,
    account: ACCOUNT,
    partition: 'aws',
    resourceAccount: '444455556666',
    sessionName: 'deploy',
  };

  it('names the caller of AssumeRole by role, session and account', () =>
    expect(assumeRoleRequest(call)).toMatchObject({
      action: 'sts:AssumeRole',
      principal: { type: 'AWS', values: [ROLE, call.sessionArn, ACCOUNT, `arn:aws:iam::${ACCOUNT}:root`] },
    }));

  it.each<[string, string | string[]]>([
    ['aws:PrincipalArn', [ROLE]],
    ['aws:ResourceAccount', ['444455556666']],
    ['aws:PrincipalAccount', [ACCOUNT]],
    ['aws:PrincipalType', ['AssumedRole']],
    ['aws:PrincipalIsAWSService', ['false']],
    ['sts:RoleSessionName', ['deploy']],
    ['sts:ExternalId', 'absent'],
    ['aws:SourceAccount', 'absent'],
    ['aws:TagKeys', 'absent'],
    ['aws:CurrentTime', 'absent'],
    ['aws:PrincipalOrgID', 'absent'],
  ])('AssumeRole has %s: %s', (key, expected) => expect(asked(assumeRoleRequest(call), key)).toEqual(expected));

  it('have the parameters of the call: external ID, tags, time', () => {
    const now = Date.UTC(2026, 0, 5, 9);
    const tagging = { tags: { Team: 'a', stage: 'b' }, transitiveTagKeys: ['Team'] };
    const request = assumeRoleRequest({ ...call, externalId: 'x-1', ...tagging, now }, 'sts:TagSession');
    expect(request.action).toBe('sts:TagSession');
    const keys = words`
      sts:ExternalId aws:RequestTag/team aws:RequestTag/stage aws:TagKeys sts:TransitiveTagKeys aws:CurrentTime
      aws:EpochTime
    `;
    expect(keys.map((key) => asked(request, key))).toEqual([
      ['x-1'],
      ['a'],
      ['b'],
      ['Team', 'stage'],
      ['Team'],
      ['2026-01-05T09:00:00.000Z'],
      ['1767603600'],
    ]);
  });

  it('answer for every key, including names of object prototypes', () =>
    forAll(
      fc.dictionary(fc.string(), fc.string()),
      fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty')),
      (values, key) => {
        const there = Object.keys(values).some((name) => name.toLowerCase() === key.toLowerCase());
        fc.pre(there || !Object.keys(values).some((name) => name.endsWith('/')));
        expect(closedWorld(values)(key.toLowerCase()).state).toBe(there ? 'values' : 'absent');
      },
    ));
});

describe("a cluster's ARN", () => {
  const US_GOV = 'us-gov-west-1';
  it.each([
    [CLUSTER_ARN, { account: ACCOUNT, region: 'eu-west-1', cluster: 'dev' }],
    [`arn:aws-us-gov:eks:${US_GOV}:111122223333:cluster/a_b-1`, { account: ACCOUNT, region: US_GOV, cluster: 'a_b-1' }],
    ['arn:aws:eks:us-gov-west-1:111122223333:cluster/dev', undefined],
    ['arn:aws-cn:eks:eu-west-1:111122223333:cluster/dev', undefined],
    ['arn:aws:eks:eu-west-1:111122223333:nodegroup/dev', undefined],
    ['arn:aws:eks:eu-west-1:1111:cluster/dev', undefined],
    [`${CLUSTER_ARN}/x`, undefined],
    ['dev', undefined],
  ])('%s', (arn, expected) => expect(parseClusterArn(arn)).toEqual(expected));
});
