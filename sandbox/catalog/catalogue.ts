import type { AddonObjects } from '../kubernetes/objects.ts';

export interface CatalogueVersion {
  version: string;
  /** Kubernetes versions that it is offered for. */
  kubernetesVersions: string[];
  /** Kubernetes versions for which it is the default. */
  defaultFor: string[];
  /** Service accounts that take an association; absent: Pod Identity is not supported. */
  podIdentity?: { serviceAccount: string; recommendedManagedPolicies: string[] }[];
  requiresIamPermissions: boolean;
  /** False once EKS has withdrawn it: existing add-ons go on, creates are refused. */
  offered: boolean;
}

export interface CatalogueAddon {
  name: string;
  type: string;
  publisher: string;
  owner: string;
  objects: AddonObjects;
  /** The service accounts that IRSA annotates. */
  irsaServiceAccounts: string[];
  /** JSON schema text, as DescribeAddonConfiguration gives it. */
  configurationSchema: string;
  /** Newest first. */
  versions: CatalogueVersion[];
}

/** What EKS offers, by add-on name. */
export type Catalogue = Map<string, CatalogueAddon>;
