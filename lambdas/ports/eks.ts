import type {
  AccessEntry,
  AddonConfiguration,
  AssociationRef,
  Capability,
  Cluster,
  FargateProfile,
  OfferedVersion,
} from '../domain/aws/eks.ts';
import type { Addon, Association } from '../domain/terms/observed.ts';
import type { PlannedAssociation } from '../domain/terms/planned.ts';

export type * from '../domain/aws/eks.ts';

export interface CreateAddonRequest {
  addon: string;
  version: string;
  /** If absent, the add-on gets its default namespace. */
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
  /** If absent, the role is detached. An empty string would be refused as a cross-account PassRole. */
  serviceAccountRoleArn?: string;
  /** If absent, associations do not change. If empty, those that the add-on owns are deleted. */
  podIdentityAssociations?: PlannedAssociation[];
  resolveConflicts?: 'NONE' | 'OVERWRITE' | 'PRESERVE';
  clientRequestToken: string;
}

/** The fields of an association that a caller sets; EKS sets all others. */
export type NewAssociation = Pick<
  Association,
  'namespace' | 'serviceAccount' | 'roleArn' | 'targetRoleArn' | 'disableSessionTags' | 'policy' | 'tags'
>;

/**
 * EKS for a single cluster. What does not exist is returned as `undefined` or an empty list. Every other refusal is
 * thrown as a `MigrationError` (see `domain/failures/errors.ts`) whose message includes AWS's own text.
 */
export interface Eks {
  describeCluster(): Promise<Cluster | undefined>;
  /**
   * Returns the cluster as this invocation described it last, and describes it if it has not yet. For properties that
   * never change, such as the issuer.
   */
  knownCluster(): Promise<Cluster | undefined>;
  describeAddon(addon: string): Promise<Addon | undefined>;
  /** Returns the versions offered for a Kubernetes version, newest first; none for an add-on that EKS does not know. */
  listOfferedVersions(addon: string, kubernetesVersion: string): Promise<OfferedVersion[]>;
  /** Returns `undefined` if EKS does not know the version. */
  describeConfiguration(addon: string, version: string): Promise<AddonConfiguration | undefined>;
  /** Creates the add-on and returns the ARN of the new copy. */
  createAddon(request: CreateAddonRequest): Promise<string>;
  updateAddon(request: UpdateAddonRequest): Promise<void>;
  /** Returns false if the add-on did not exist. */
  deleteAddon(addon: string, options: { preserve: boolean }): Promise<boolean>;
  /** Returns the associations of a service account with all fields: at most one in steady state. */
  listAssociations(namespace: string, serviceAccount: string): Promise<Association[]>;
  /** Returns the number of associations in the cluster, for all service accounts. */
  countAssociations(): Promise<number>;
  /** Lists the associations of all service accounts without describing each. */
  listAssociationRefs(): Promise<AssociationRef[]>;
  /** Returns an association with all fields, by its id. */
  describeAssociation(id: string): Promise<Association | undefined>;
  /** Returns the names of all add-ons of the cluster. */
  listAddons(): Promise<string[]>;
  /**
   * Returns at most `limit` associations of all service accounts with all fields. `more` is true if there are others.
   */
  listAllAssociations(limit: number): Promise<{ associations: Association[]; more: boolean }>;
  /**
   * Returns at most `limit` ARNs of principals with access entries, except for those that no node can have according to
   * their ARN. `more` is true if there are others. Throws `InvalidRequest` if the cluster's authentication mode has no
   * access entries.
   */
  listNodeCandidates(limit: number): Promise<{ arns: string[]; more: boolean }>;
  /**
   * Returns the controllers that AWS runs for the cluster, as this invocation listed them last. Throws `AccessDenied` if
   * listing them is not allowed.
   */
  listCapabilities(): Promise<Capability[]>;
  /**
   * Returns the Fargate profiles that select pods, which are those that are not being deleted, as this invocation read them
   * last. Throws `AccessDenied` if reading them is not allowed.
   */
  listFargateProfiles(): Promise<FargateProfile[]>;
  /** Returns a principal's access entry with its type, or `undefined` if it has none. */
  describeAccessEntry(principalArn: string): Promise<AccessEntry | undefined>;
  /** Sets the fields that an association in an add-on request cannot have. The role does not change. */
  updateAssociation(
    id: string,
    change: { targetRoleArn?: string; disableSessionTags?: boolean; policy?: string },
    clientRequestToken: string,
  ): Promise<Association>;
  /** Adds tags to an add-on or an association. */
  tagResource(arn: string, tags: Record<string, string>): Promise<void>;
  createAssociation(association: NewAssociation, clientRequestToken: string): Promise<Association>;
  /** Returns false if the association did not exist. */
  deleteAssociation(id: string): Promise<boolean>;
}
