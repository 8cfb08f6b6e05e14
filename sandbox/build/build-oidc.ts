/** Builds the OIDC providers of a world: those that the scenario lists, and one for each cluster's issuer. */
import { hostOf, partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import type { Scenario, ScenarioCluster } from '../scenario/scenario.ts';
import type { OidcProviderState } from '../world/world.ts';

/**
 * Thumbprint of the authority that signed the certificates of EKS's issuers, which eksctl and Terraform modules used to
 * look up.
 */
const EKS_THUMBPRINT = '9e99a48a9960b14926bb7f3b02e22da2b0ab7280';

/** Returns the URL of a cluster's issuer. */
export const issuerOf = (region: string, oidcId: string): string =>
  `https://${hostOf('oidc.eks', region)}/id/${oidcId}`;

/** IAM shows the URL without its scheme; the ARN ends with that form. */
const withoutScheme = (url: string): string => url.replace(/^https:\/\//, '');

type Provider = NonNullable<Scenario['accounts'][number]['oidcProviders']>[number];

const provider = (account: string, partition: string, spec: Provider): OidcProviderState => {
  const { url, clientIds, thumbprints, tags, createdAt } = spec;
  return {
    arn: `arn:${partition}:iam::${account}:oidc-provider/${withoutScheme(url)}`,
    url: withoutScheme(url),
    clientIds: [...clientIds],
    thumbprints: [...thumbprints],
    tags: { ...tags },
    createdAt: Date.parse(createdAt),
  };
};

/** Returns IAM's provider for the cluster's issuer, as `eksctl utils associate-iam-oidc-provider` creates it. */
const ofCluster = (account: string, cluster: ScenarioCluster): OidcProviderState[] => {
  const { oidcId, region, createdAt } = cluster;
  if (oidcId === undefined || cluster.oidcProvider === 'absent') return [];
  return [
    provider(account, partitionOf(region), {
      url: issuerOf(region, oidcId),
      clientIds: ['sts.amazonaws.com'],
      thumbprints: [EKS_THUMBPRINT],
      tags: {},
      createdAt,
    }),
  ];
};

/** Returns the providers by ARN. `partition` is the account's. */
export const buildOidcProviders = (
  { id, clusters, oidcProviders = [] }: Scenario['accounts'][number],
  partition: string,
): Map<string, OidcProviderState> => {
  const all = [
    ...clusters.flatMap((cluster) => ofCluster(id, cluster)),
    ...oidcProviders.map((spec) => provider(id, partition, spec)),
  ];
  return new Map(all.map((each) => [each.arn, each]));
};
