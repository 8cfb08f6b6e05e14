import { describe, expect, it } from 'vitest';
import { irsaRequest, podIdentityRequests } from '../../../../lambdas/domain/policy/contexts.ts';
import { ISSUER, NAMESPACE, SERVICE_ACCOUNT, target } from '../../fixtures.ts';

describe('what decides whether a role can be used', () => {
  it('asks as EKS Auth does: both actions, the session tags, the cluster as source', () => {
    const requests = podIdentityRequests(target, NAMESPACE, SERVICE_ACCOUNT);
    expect(requests.map((one) => one.action)).toEqual(['sts:AssumeRole', 'sts:TagSession']);
    for (const { principal, context } of requests) {
      expect(principal).toEqual({ type: 'Service', value: 'pods.eks.amazonaws.com' });
      expect(context).toEqual({
        'aws:sourceaccount': ['111122223333'],
        'aws:sourcearn': ['arn:aws:eks:eu-west-1:111122223333:cluster/dev'],
        'aws:requesttag/eks-cluster-arn': ['arn:aws:eks:eu-west-1:111122223333:cluster/dev'],
        'aws:requesttag/eks-cluster-name': ['dev'],
        'aws:requesttag/kubernetes-namespace': [NAMESPACE],
        'aws:requesttag/kubernetes-service-account': [SERVICE_ACCOUNT],
      });
    }
  });

  it('leaves out what is not known before the pod is there', () => {
    const keys = podIdentityRequests(target, NAMESPACE, SERVICE_ACCOUNT).flatMap((one) => Object.keys(one.context));
    expect(keys.filter((key) => key.includes('pod-name') || key.includes('pod-uid'))).toEqual([]);
  });

  it('asks as STS does for an IRSA token', () => {
    expect(irsaRequest({ ...target, region: 'cn-north-1' }, ISSUER, NAMESPACE, SERVICE_ACCOUNT)).toEqual({
      action: 'sts:AssumeRoleWithWebIdentity',
      principal: { type: 'Federated', value: 'arn:aws-cn:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE' },
      context: {
        'oidc.eks.eu-west-1.amazonaws.com/id/exampled539d4633e53de1b71example:sub': ['system:serviceaccount:kube-system:ebs-csi-controller-sa'],
        'oidc.eks.eu-west-1.amazonaws.com/id/exampled539d4633e53de1b71example:aud': ['sts.amazonaws.com'],
      },
    });
  });
});
