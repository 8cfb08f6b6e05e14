/** The operations on the catalogue of add-ons that EKS offers. */
import type * as eks from '@aws-sdk/client-eks';
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import { paginate } from './call.ts';
import type { Handler } from './call.ts';
import { requireOffered } from './addon-checks.ts';
import { EksError } from './errors.ts';

/**
 * Returns versions that are still offered, newest first. Add-ons without a version for the Kubernetes version are
 * omitted.
 */
export const describeAddonVersions: Handler<eks.DescribeAddonVersionsRequest, eks.DescribeAddonVersionsResponse> = (
  call,
  input,
) => {
  const { addonName, kubernetesVersion, types, publishers, owners } = input;
  const passes = (filter: string[] | undefined, value: string): boolean =>
    filter === undefined || filter.length === 0 || filter.includes(value);
  const matching = [...call.world.catalogue.values()].flatMap((addon) => {
    if (addonName !== undefined && addon.name !== addonName) return [];
    if (!passes(types, addon.type) || !passes(publishers, addon.publisher) || !passes(owners, addon.owner)) return [];
    const addonVersions = addon.versions
      .filter(
        (version) =>
          version.offered &&
          (kubernetesVersion === undefined || version.kubernetesVersions.includes(kubernetesVersion)),
      )
      .map((version) => ({
        addonVersion: version.version,
        architecture: ['amd64', 'arm64'],
        computeTypes: ['ec2'],
        compatibilities: version.kubernetesVersions
          .filter((offered) => kubernetesVersion === undefined || offered === kubernetesVersion)
          .map((clusterVersion) => ({
            clusterVersion,
            platformVersions: ['*'],
            defaultVersion: version.defaultFor.includes(clusterVersion),
          })),
        requiresConfiguration: false,
        requiresIamPermissions: version.requiresIamPermissions,
      }));
    const { name, type, publisher, owner, objects } = addon;
    return addonVersions.length > 0
      ? [
          {
            addonName: name,
            type,
            addonVersions,
            publisher,
            owner,
            ...(call.world.knobs.defaultNamespaceShown ? { defaultNamespace: objects.namespace } : {}),
          },
        ]
      : [];
  });
  const { page, nextToken } = paginate(matching, (addon) => addon.addonName, input);
  return { addons: page, nextToken };
};

/** Returns the configuration of a version, even if it is no longer offered: users may still have it installed. */
export const describeAddonConfiguration: Handler<
  eks.DescribeAddonConfigurationRequest,
  eks.DescribeAddonConfigurationResponse
> = (call, input) => {
  const addon = requireOffered(call, input.addonName, { addonName: input.addonName });
  const version = addon.versions.find((candidate) => candidate.version === input.addonVersion);
  if (!version)
    throw new EksError('InvalidParameterException', 'Addon version specified is not supported', {
      addonName: addon.name,
    });
  const podIdentityConfiguration = version.podIdentity?.map(({ serviceAccount, recommendedManagedPolicies }) => ({
    serviceAccount,
    recommendedManagedPolicies: recommendedManagedPolicies.map((arn) =>
      arn.replace('arn:aws:', `arn:${partitionOf(call.region)}:`),
    ),
  }));
  return {
    addonName: addon.name,
    addonVersion: version.version,
    configurationSchema: version.configurationSchema ?? addon.configurationSchema,
    podIdentityConfiguration,
  };
};
