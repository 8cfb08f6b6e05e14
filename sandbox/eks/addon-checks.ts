/**
 * Checks of CreateAddon and UpdateAddon before anything changes. All errors are synchronous; messages are from user
 * reports.
 */
import type { CatalogueAddon, CatalogueVersion } from '../catalog/catalogue.ts';
import type { AddonState, ClusterState } from '../world/world.ts';
import { hasAgent, NO_AGENT } from './agent.ts';
import { checkQuota, holderOf, isLive, refuseDuplicate } from './association-state.ts';
import type { AddonAssociation } from './association-state.ts';
import type { EksCall } from './call.ts';
import { checkConfiguration } from './configuration.ts';
import { EksError } from './errors.ts';
import type { ErrorFields } from './errors.ts';
import { checkAssociationRole, checkRoleAccount } from './roles.ts';

interface AddonInput {
  serviceAccountRoleArn?: string;
  configurationValues?: string;
  podIdentityAssociations?: AddonAssociation[];
}

/** Checks the accounts of the request's roles. EKS does this before it validates anything else. */
export const checkPassedRoles = (call: EksCall, input: AddonInput): void => {
  checkRoleAccount(call.account, input.serviceAccountRoleArn);
  for (const { roleArn } of input.podIdentityAssociations ?? []) checkRoleAccount(call.account, roleArn);
};

/** Returns the add-on in the catalogue. Message if it is missing: aws/containers-roadmap#1429. */
export const requireOffered = (call: EksCall, name: string, fields: ErrorFields): CatalogueAddon => {
  const offered = call.world.catalogue.get(name);
  if (!offered) throw new EksError('InvalidParameterException', 'Addon specified is not supported', fields);
  return offered;
};

/** Add-ons in this namespace may have a fixed namespace. */
const FIXED = 'kube-system';

/** Returns the requested namespace. Throws EksError if the add-on's namespace is fixed; AWS's message is not known. */
export const requireNamespace = (
  { world }: EksCall,
  offered: CatalogueAddon,
  chosen: string | undefined,
  fields: ErrorFields,
): string | undefined => {
  if (chosen !== undefined && world.knobs.fixedNamespaces === 'refuse' && offered.objects.namespace === FIXED)
    throw new EksError('InvalidParameterException', 'Namespace configuration is not supported for this addon', fields);
  return chosen;
};

/**
 * Returns the requested version, or the default for the cluster. Throws EksError if the version is not, or no longer,
 * offered for the cluster's Kubernetes version (hashicorp/terraform-provider-aws#32238).
 */
export const requireVersion = (
  offered: CatalogueAddon,
  cluster: ClusterState,
  version: string | undefined,
): CatalogueVersion => {
  const usable = offered.versions.filter(
    (candidate) => candidate.offered && candidate.kubernetesVersions.includes(cluster.version),
  );
  const chosen =
    usable.find((candidate) =>
      version === undefined ? candidate.defaultFor.includes(cluster.version) : candidate.version === version,
    ) ?? (version === undefined ? usable[0] : undefined);
  if (!chosen)
    throw new EksError('InvalidParameterException', 'Addon version specified is not supported', {
      clusterName: cluster.name,
      addonName: offered.name,
    });
  return chosen;
};

/** Checks configuration and associations. `owner`: ARN of the add-on whose own associations may be replaced. */
export const checkParameters = (
  call: EksCall,
  cluster: ClusterState,
  addon: { offered: CatalogueAddon; version: CatalogueVersion; namespace: string; owner?: string },
  input: AddonInput,
): void => {
  const { offered, version, namespace, owner } = addon;
  const fields = { clusterName: cluster.name, addonName: offered.name };
  const refuse = (message: string): EksError => new EksError('InvalidParameterException', message, fields);
  checkConfiguration(input.configurationValues, version.configurationSchema ?? offered.configurationSchema, fields);
  const wanted = input.podIdentityAssociations ?? [];
  // terraform-aws-modules/terraform-aws-eks#3520 has both messages.
  if (wanted.length > 0 && !version.podIdentity)
    throw refuse(`Pod Identity feature is not supported for addon version: ${version.version}`);
  for (const { serviceAccount } of wanted) {
    if (!version.podIdentity?.some((supported) => supported.serviceAccount === serviceAccount)) {
      throw refuse(
        `Service account ${serviceAccount} in pod identity configuration is not supported for addon ${offered.name}`,
      );
    }
    // AWS's message for a service account that is named twice is not known.
    if (wanted.filter((other) => other.serviceAccount === serviceAccount).length > 1)
      throw refuse(`Service account ${serviceAccount} is specified more than once in pod identity configuration`);
  }
  if (wanted.length > 0 && call.world.knobs.withoutAgent === 'refuse' && !hasAgent(cluster)) throw refuse(NO_AGENT);
  for (const { roleArn, serviceAccount } of wanted)
    checkAssociationRole(call.world, roleArn, { cluster, namespace, serviceAccount }, fields);
  let own = 0;
  for (const { serviceAccount } of wanted) {
    const holder = holderOf(cluster, namespace, serviceAccount);
    if (holder && isLive(holder) && owner !== undefined && holder.ownerArn === owner) own += 1;
    else refuseDuplicate(holder, fields);
  }
  checkQuota(cluster, wanted.length - own);
};

/** Returns the status that operations check, although DescribeAddon may still show the previous one. */
export const statusFor = (call: EksCall, addon: AddonState): AddonState['status'] =>
  call.deleting.has(addon) ? 'DELETING' : addon.status;

export const isBusy = (status: AddonState['status']): boolean =>
  status === 'CREATING' || status === 'UPDATING' || status === 'DELETING';
