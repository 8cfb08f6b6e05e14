/** Converts EKS's answers to the domain's types. */
import type {
  Addon as SdkAddon,
  AddonInfo,
  Cluster as SdkCluster,
  FargateProfile as SdkFargateProfile,
  PodIdentityAssociation,
} from '@aws-sdk/client-eks';
import {
  addon as addonSchema,
  association as associationSchema,
  type Addon,
  type Association,
} from '../domain/terms/observed.ts';
import { printable } from '../domain/text/text.ts';
import type { Cluster, FargateProfile, OfferedVersion } from '../ports/eks.ts';

export const toCluster = (found: SdkCluster, name: string): Cluster => ({
  name: found.name ?? name,
  arn: found.arn ?? '',
  version: found.version ?? '',
  status: found.status ?? 'UNKNOWN',
  autoMode: found.computeConfig?.enabled ?? false,
  tags: found.tags ?? {},
  ...(found.outpostConfig ? { onOutposts: true } : {}),
  ...(found.kubernetesNetworkConfig?.ipFamily === 'ipv6' ? { ipv6: true } : {}),
  ...(found.platformVersion ? { platformVersion: found.platformVersion } : {}),
  ...(found.endpoint ? { endpoint: found.endpoint } : {}),
  ...(found.certificateAuthority?.data ? { certificateAuthority: found.certificateAuthority.data } : {}),
  ...(found.identity?.oidc?.issuer ? { oidcIssuer: found.identity.oidc.issuer } : {}),
});

/** Returns the versions of an add-on that are compatible with a Kubernetes version. */
export const toOfferedVersions = (
  { owner, defaultNamespace, addonVersions = [] }: AddonInfo,
  kubernetesVersion: string,
): OfferedVersion[] =>
  addonVersions.flatMap((offered) => {
    const fitting = (offered.compatibilities ?? []).filter((one) => one.clusterVersion === kubernetesVersion);
    if (!offered.addonVersion || fitting.length === 0) return [];
    return [
      {
        version: offered.addonVersion,
        default: fitting.some((one) => one.defaultVersion === true),
        requiresIamPermissions: offered.requiresIamPermissions ?? false,
        ...(owner ? { owner } : {}),
        ...(defaultNamespace ? { defaultNamespace } : {}),
      },
    ];
  });

export function toAddon(found: SdkAddon): Addon {
  return addonSchema.parse({
    name: found.addonName,
    arn: found.addonArn,
    version: found.addonVersion,
    status: found.status,
    namespace: found.namespaceConfig?.namespace,
    // EKS has been seen to answer "" for "none".
    serviceAccountRoleArn: found.serviceAccountRoleArn || undefined,
    configurationValues: found.configurationValues,
    podIdentityAssociations: found.podIdentityAssociations ?? [],
    tags: found.tags ?? {},
    issues: (found.health?.issues ?? []).map((issue) => ({
      code: printable(issue.code ?? 'Unknown'),
      message: printable(issue.message ?? ''),
      resourceIds: (issue.resourceIds ?? []).map(printable),
    })),
  });
}

/** Converts an association. EKS answers `disableSessionTags: false` where nobody has set it, which means the same as none. */
export function toAssociation(found: PodIdentityAssociation): Association {
  return associationSchema.parse({
    id: found.associationId,
    arn: found.associationArn,
    namespace: found.namespace,
    serviceAccount: found.serviceAccount,
    roleArn: found.roleArn,
    ownerArn: found.ownerArn,
    targetRoleArn: found.targetRoleArn,
    externalId: found.externalId,
    disableSessionTags: found.disableSessionTags === true ? true : undefined,
    policy: found.policy,
    tags: found.tags ?? {},
    createdAt: found.createdAt?.toISOString(),
    modifiedAt: found.modifiedAt?.toISOString(),
  });
}

/** Returns the profile, or none if it is gone or about to be: it selects no new pods then. */
export const toFargateProfiles = (name: string, profile: SdkFargateProfile | undefined): FargateProfile[] =>
  profile === undefined || profile.status === 'DELETING'
    ? []
    : [
        {
          name,
          selectors: (profile.selectors ?? []).map(({ namespace = '', labels = {} }) => ({ namespace, labels })),
        },
      ];
