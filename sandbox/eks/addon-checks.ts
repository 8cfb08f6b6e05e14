/**
 * What Create- and UpdateAddon check before anything changes. All refusals are synchronous; texts from users' reports.
 */
import type { CatalogueAddon, CatalogueVersion } from '../catalog/catalogue.ts';
import type { AddonState, ClusterState } from '../world/world.ts';
import { hasAgent, NO_AGENT } from './agent.ts';
import { checkQuota, holderOf, isLive, refuseHeldKey } from './association-state.ts';
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

/** Whose roles they are is decided before the request is looked at any further: nothing else about it matters then. */
export const checkPassedRoles = (call: EksCall, input: AddonInput): void => {
  checkRoleAccount(call.account, input.serviceAccountRoleArn);
  for (const { roleArn } of input.podIdentityAssociations ?? []) checkRoleAccount(call.account, roleArn);
};

/** aws/containers-roadmap#1429. */
export const requireOffered = (call: EksCall, name: string, fields: ErrorFields): CatalogueAddon => {
  const offered = call.world.catalogue.get(name);
  if (!offered) throw new EksError('InvalidParameterException', 'Addon specified is not supported', fields);
  return offered;
};

/** Namespace of the add-ons that may have a fixed one. */
const FIXED = 'kube-system';

/** The namespace that a create chooses, which an add-on with a fixed one may not take; the text is not known. */
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
 * The version that a request is for: the one it names, else the default for the cluster. A version that is not offered
 * for the cluster's Kubernetes version (any more) is refused: hashicorp/terraform-provider-aws#32238.
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

/** What configuration and associations must keep; `owner`: ARN of the add-on whose own associations may be replaced. */
export const checkParameters = (
  call: EksCall,
  cluster: ClusterState,
  addon: { offered: CatalogueAddon; version: CatalogueVersion; namespace: string; owner?: string },
  input: AddonInput,
): void => {
  const { offered, version, namespace, owner } = addon;
  const fields = { clusterName: cluster.name, addonName: offered.name };
  const refuse = (message: string): EksError => new EksError('InvalidParameterException', message, fields);
  checkConfiguration(input.configurationValues, offered.configurationSchema, fields);
  const wanted = input.podIdentityAssociations ?? [];
  // terraform-aws-modules/terraform-aws-eks#3520 has both texts.
  if (wanted.length > 0 && !version.podIdentity)
    throw refuse(`Pod Identity feature is not supported for addon version: ${version.version}`);
  for (const { serviceAccount } of wanted) {
    if (!version.podIdentity?.some((supported) => supported.serviceAccount === serviceAccount)) {
      throw refuse(
        `Service account ${serviceAccount} in pod identity configuration is not supported for addon ${offered.name}`,
      );
    }
    // AWS's text for one named twice is not known.
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
    else refuseHeldKey(holder, fields);
  }
  checkQuota(cluster, wanted.length - own);
};

/** What an operation sees of an add-on, though DescribeAddon may still show its old status. */
export const statusFor = (call: EksCall, addon: AddonState): AddonState['status'] =>
  call.deleting.has(addon) ? 'DELETING' : addon.status;

export const isBusy = (status: AddonState['status']): boolean =>
  status === 'CREATING' || status === 'UPDATING' || status === 'DELETING';
