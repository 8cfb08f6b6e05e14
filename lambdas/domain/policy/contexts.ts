/** The requests that decide whether a role can be used: what EKS Auth and STS see when a pod asks for credentials. */
import type { Target } from '../model.ts';
import { clusterArn, partitionOf } from '../arn.ts';
import type { TrustRequest } from './evaluate.ts';

export const POD_IDENTITY_PRINCIPAL = 'pods.eks.amazonaws.com';

/**
 * EKS Auth on behalf of a pod. Pod name and uid are not known beforehand, so their tags are left out of the context
 * and a condition on them stays undecided. Source: EKS User Guide, "Pod Identity role" and "Grant pods access based on tags".
 */
export function podIdentityRequests(target: Target, namespace: string, serviceAccount: string): TrustRequest[] {
  const arn = clusterArn(target);
  const tags = {
    'eks-cluster-arn': arn,
    'eks-cluster-name': target.cluster,
    'kubernetes-namespace': namespace,
    'kubernetes-service-account': serviceAccount,
  };
  const context: TrustRequest['context'] = {
    'aws:sourceaccount': [target.account],
    'aws:sourcearn': [arn],
    ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:requesttag/${key}`, [value]])),
  };
  return ['sts:AssumeRole', 'sts:TagSession'].map((action) => ({
    action,
    principal: { type: 'Service', value: POD_IDENTITY_PRINCIPAL },
    context,
  }));
}

/** A pod with an IRSA token. Source: EKS User Guide, "IAM roles for service accounts". */
export function irsaRequest(target: Target, oidcIssuer: string, namespace: string, serviceAccount: string): TrustRequest {
  const issuer = oidcIssuer.replace(/^https:\/\//, '');
  return {
    action: 'sts:AssumeRoleWithWebIdentity',
    principal: { type: 'Federated', value: `arn:${partitionOf(target.region)}:iam::${target.account}:oidc-provider/${issuer}` },
    context: {
      [`${issuer}:sub`.toLowerCase()]: [`system:serviceaccount:${namespace}:${serviceAccount}`],
      [`${issuer}:aud`.toLowerCase()]: ['sts.amazonaws.com'],
    },
  };
}
