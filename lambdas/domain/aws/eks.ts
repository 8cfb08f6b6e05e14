/** EKS as the decisions need it: plain data, whatever client read it. */
export interface Cluster {
  name: string;
  arn: string;
  /** Kubernetes version, such as 1.31. */
  version: string;
  platformVersion?: string;
  status: string;
  /** https URL of the Kubernetes API server. */
  endpoint?: string;
  /** PEM, base64 as DescribeCluster gives it. */
  certificateAuthority?: string;
  /** https URL of the OIDC issuer; absent where the cluster has none. */
  oidcIssuer?: string;
  autoMode: boolean;
  /** The control plane runs on AWS Outposts. */
  onOutposts?: boolean;
  /** Pods have IPv6 addresses. */
  ipv6?: boolean;
  tags: Record<string, string>;
}

/** Lets a role or user in to the API server; all types but STANDARD are those of nodes. */
export interface AccessEntry {
  principalArn: string;
  /** STANDARD, EC2_LINUX, EC2, HYBRID_LINUX, … */
  type: string;
}

/**
 * An association as ListPodIdentityAssociations has it: without its role, its tags, and what else only a look at it
 * says.
 */
export interface AssociationRef {
  id: string;
  namespace: string;
  serviceAccount: string;
}

/** A version of an add-on that EKS offers for a Kubernetes version. */
export interface OfferedVersion {
  version: string;
  default: boolean;
  requiresIamPermissions: boolean;
  /** Who publishes the add-on: `eks`, `aws`, or a vendor of the AWS Marketplace. */
  owner?: string;
  /** Where EKS installs the add-on unless a namespace is chosen: of the add-on, and so the same for each version. */
  defaultNamespace?: string;
}

/** The default namespace of the add-on whose versions these are. */
export const defaultNamespaceOf = (offered: readonly OfferedVersion[]): string | undefined =>
  offered.find((one) => one.defaultNamespace !== undefined)?.defaultNamespace;

/** What DescribeAddonConfiguration answers about a version. */
export interface AddonConfiguration {
  podIdentity: PodIdentityServiceAccount[];
  /** JSON Schema of the configuration values, as text; absent where EKS gives none. */
  configurationSchema?: string;
}

/** Service accounts for which a version takes Pod Identity associations. */
export interface PodIdentityServiceAccount {
  serviceAccount: string;
  recommendedManagedPolicies: string[];
}
