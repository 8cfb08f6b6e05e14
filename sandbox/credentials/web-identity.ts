/**
 * Decides whether STS grants a role for a service account token: by IAM's OIDC provider for the cluster's issuer, the
 * token's audience, and the role's trust policy. Sources: STS API Reference, AssumeRoleWithWebIdentity; messages as
 * reported by users (aws/amazon-eks-pod-identity-webhook#30, eksctl-io/eksctl#1910, aws/karpenter-provider-aws#2534).
 */
import { clusterArn, oidcProviderArn } from '../../lambdas/domain/aws/arn.ts';
import { irsaRequest, issuerName } from '../../lambdas/domain/policy/index.ts';
import { findRole, type ClusterState, type OidcProviderState, type World } from '../world/world.ts';
import { type Granted, type Refusal, refused } from './refusal.ts';
import { trusts } from '../trust/pods.ts';

/** The part of a token that STS checks. */
export interface WebIdentity {
  namespace: string;
  serviceAccount: string;
  audiences: readonly string[];
}

/** The role that STS has decided to grant. */
export interface WebIdentityGrant extends Granted {
  provider: OidcProviderState;
  audience: string;
}

/** Returns STS's answer for a token of a cluster and a role. */
export const evaluateWebIdentity = (
  world: World,
  cluster: ClusterState,
  { namespace, serviceAccount, audiences }: WebIdentity,
  { roleArn, sessionName }: Granted,
): WebIdentityGrant | { refused: Refusal } => {
  const denied = refused('AccessDenied', 403, 'Not authorized to perform sts:AssumeRoleWithWebIdentity');
  const { oidcIssuer, region, name } = cluster;
  if (oidcIssuer === undefined)
    return refused('InvalidIdentityToken', 400, "Couldn't retrieve verification key from your identity provider");
  const role = findRole(world, roleArn);
  const account = roleArn.split(':')[4] ?? '';
  const provider = world.accounts.get(account)?.oidcProviders?.get(oidcProviderArn({ account, region }, oidcIssuer));
  if (!provider)
    return refused('InvalidIdentityToken', 400, `No OpenIDConnect provider found in your account for ${oidcIssuer}`);
  const audience = audiences.find((each) => provider.clientIds.includes(each));
  if (audience === undefined) return refused('InvalidIdentityToken', 400, 'Incorrect token audience');
  if (!role) return denied;
  const request = irsaRequest({
    clusterArn: clusterArn({ account: cluster.account, region, cluster: name }),
    namespace,
    serviceAccount,
    oidcIssuer,
    roleAccount: account,
  });
  const isTrusted = trusts(world, role, [request], {
    [`${issuerName(oidcIssuer)}:aud`]: audience,
    'sts:RoleSessionName': sessionName,
  });
  return isTrusted ? { roleArn, sessionName, provider, audience } : denied;
};
