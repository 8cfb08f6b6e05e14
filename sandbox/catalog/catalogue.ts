import type { AddonObjects } from '../objects/objects.ts';

export interface CatalogueVersion {
  version: string;
  /** Kubernetes versions for which it is offered. */
  kubernetesVersions: string[];
  /** Kubernetes versions for which it is the default. */
  defaultFor: string[];
  /** Service accounts that support an association; undefined if the version does not support Pod Identity. */
  podIdentity?: { serviceAccount: string; recommendedManagedPolicies: string[] }[];
  requiresIamPermissions: boolean;
  /** Its own schema of configuration values; defaults to the add-on's. */
  configurationSchema?: string;
  /** False once EKS has withdrawn the version: existing add-ons keep it, new ones cannot be created with it. */
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
  /** JSON Schema as text, as DescribeAddonConfiguration returns it. */
  configurationSchema: string;
  /** Newest first. */
  versions: CatalogueVersion[];
}

/** The add-ons that EKS offers, by name. */
export type Catalogue = Map<string, CatalogueAddon>;
