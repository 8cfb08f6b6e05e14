/**
 * Whether STS gives the bearer of a service account's token a role: by IAM's OIDC provider for the cluster's issuer, the
 * token's audience, and the role's trust policy. Sources: STS API Reference, AssumeRoleWithWebIdentity; texts as users
 * report them (aws/amazon-eks-pod-identity-webhook#30, eksctl-io/eksctl#1910, aws/karpenter-provider-aws#2534).
 */
import { clusterArn, oidcProviderArn } from '../../lambdas/domain/arn.ts';
import { irsaRequest, issuerName } from '../../lambdas/domain/policy/index.ts';
import { findRole } from '../world/world.ts';
import type { ClusterState, OidcProviderState, World } from '../world/world.ts';
import { type Granted, type Refusal, refused } from './refusal.ts';
import { trusts } from './trust.ts';

/** What a token says, as far as STS looks at it. */
export interface WebIdentity {
  namespace: string;
  serviceAccount: string;
  audiences: readonly string[];
}

/** What STS has decided to give. */
export interface WebIdentityGrant extends Granted {
  provider: OidcProviderState;
  audience: string;
}

/** What STS answers for a token of that cluster, about a role. */
export const judgeWebIdentity = (
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
  const audience = audiences.find((one) => provider.clientIds.includes(one));
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
