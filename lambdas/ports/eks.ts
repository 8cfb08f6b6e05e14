import type { AccessEntry, AddonConfiguration, AssociationRef, Cluster, OfferedVersion } from '../domain/aws/eks.ts';
import type { Addon, Association, PlannedAssociation } from '../domain/migration/model.ts';

export type * from '../domain/aws/eks.ts';

export interface CreateAddonRequest {
  addon: string;
  version: string;
  /** Left out where nobody chose one: the add-on then gets its default namespace. */
  namespace?: string;
  serviceAccountRoleArn?: string;
  podIdentityAssociations?: PlannedAssociation[];
  configurationValues?: string;
  resolveConflicts?: 'NONE' | 'OVERWRITE' | 'PRESERVE';
  tags: Record<string, string>;
  clientRequestToken: string;
}

export interface UpdateAddonRequest {
  addon: string;
  /** Left out where it shall be detached: an empty string would be refused as a cross-account PassRole. */
  serviceAccountRoleArn?: string;
  /** Absent: unchanged. Empty: those that the add-on owns are deleted. */
  podIdentityAssociations?: PlannedAssociation[];
  resolveConflicts?: 'NONE' | 'OVERWRITE' | 'PRESERVE';
  clientRequestToken: string;
}

/** What of an association a caller can say; all else EKS gives. */
export type NewAssociation = Pick<
  Association,
  'namespace' | 'serviceAccount' | 'roleArn' | 'targetRoleArn' | 'disableSessionTags' | 'policy' | 'tags'
>;

/**
 * EKS of one account, region and cluster. Everything that is missing is `undefined` or an empty list; every other
 * refusal is a MigrationError (see `domain/failures/errors.ts`) whose message keeps AWS's own text.
 */
export interface Eks {
  describeCluster(): Promise<Cluster | undefined>;
  /**
   * As this invocation has described it last; described where it has not yet. For what stays the same as long as the
   * cluster is there, such as its issuer.
   */
  knownCluster(): Promise<Cluster | undefined>;
  describeAddon(addon: string): Promise<Addon | undefined>;
  /** Versions offered for that Kubernetes version, newest first; empty for an add-on that EKS does not know. */
  listOfferedVersions(addon: string, kubernetesVersion: string): Promise<OfferedVersion[]>;
  /** `undefined` where EKS does not know the version. */
  describeConfiguration(addon: string, version: string): Promise<AddonConfiguration | undefined>;
  /** Answers the ARN of the new copy. */
  createAddon(request: CreateAddonRequest): Promise<string>;
  updateAddon(request: UpdateAddonRequest): Promise<void>;
  /** False where there was no such add-on. */
  deleteAddon(addon: string, options: { preserve: boolean }): Promise<boolean>;
  /** Whole associations of one (namespace, service account): at most one in steady state. */
  listAssociations(namespace: string, serviceAccount: string): Promise<Association[]>;
  /** How many associations the cluster has, of all service accounts. */
  countAssociations(): Promise<number>;
  /** Of all service accounts, without a look at each. */
  listAssociationRefs(): Promise<AssociationRef[]>;
  /** Whole, by its id. */
  describeAssociation(id: string): Promise<Association | undefined>;
  /** Names of all add-ons of the cluster. */
  listAddons(): Promise<string[]>;
  /** Whole associations of all service accounts, at most `limit` of them; `more`: there are others. */
  listAllAssociations(limit: number): Promise<{ associations: Association[]; more: boolean }>;
  /**
   * ARNs of the principals that have access entries, at most `limit` of them, without those whose ARN says that no node
   * can have them; `more`: there are others. Throws InvalidRequest where the cluster's authentication mode knows none.
   */
  listNodeCandidates(limit: number): Promise<{ arns: string[]; more: boolean }>;
  /** With its type; `undefined` where the principal has no access entry. */
  describeAccessEntry(principalArn: string): Promise<AccessEntry | undefined>;
  /** Sets what the add-on form of an association can't carry; the role stays. */
  updateAssociation(
    id: string,
    change: { targetRoleArn?: string; disableSessionTags?: boolean; policy?: string },
    clientRequestToken: string,
  ): Promise<Association>;
  /** Adds tags to an add-on or an association. */
  tagResource(arn: string, tags: Record<string, string>): Promise<void>;
  createAssociation(association: NewAssociation, clientRequestToken: string): Promise<Association>;
  /** False where there was no such association. */
  deleteAssociation(id: string): Promise<boolean>;
}
