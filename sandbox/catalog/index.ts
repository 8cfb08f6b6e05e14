/**
 * The add-ons that EKS offers in the sandbox. Versions and schemas are a small, realistic selection for Kubernetes 1.29
 * to 1.36, not a copy of what AWS publishes: names, namespaces, service accounts and the first versions with Pod
 * Identity are correct (EKS User Guide), the rest is only plausible. Versions for 1.34 to 1.36 occur in public
 * Terraform and CloudFormation code for clusters of these versions (aws-ebs-csi-driver v1.55.0-eksbuild.2,
 * eks-pod-identity-agent v1.3.10-eksbuild.2, kube-proxy v1.36.0-eksbuild.13, …); for which other Kubernetes versions EKS offers them, and which are the
 * defaults, is a guess.
 */
import { frozen } from '../json.ts';
import type { Catalogue, CatalogueAddon } from './catalogue.ts';
import { communityAddons } from './community.ts';
import { networking } from './networking.ts';
import { observability } from './observability.ts';
import { storage } from './storage.ts';

/** All worlds share what never changes of an add-on: its workloads are most of the catalogue. */
const ADDONS: readonly CatalogueAddon[] = frozen(
  [...storage, ...networking, ...observability, ...communityAddons].map((addon) => ({ ...addon })),
);

/** Returns new add-ons and versions for each world, since a scenario can withdraw versions. */
export const loadCatalogue = (): Catalogue =>
  new Map(
    ADDONS.map(({ objects, versions, ...addon }) => [
      addon.name,
      { ...addon, objects: { ...objects }, versions: versions.map((version) => ({ ...version })) },
    ]),
  );
