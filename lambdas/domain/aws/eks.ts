/** The data of EKS that the decisions need, independent of the client that read it. */
export interface Cluster {
  name: string;
  arn: string;
  /** Kubernetes version, such as 1.31. */
  version: string;
  platformVersion?: string;
  status: string;
  /** https URL of the Kubernetes API server. */
  endpoint?: string;
  /** PEM in base64, as DescribeCluster returns it. */
  certificateAuthority?: string;
  /** https URL of the OIDC issuer; absent if the cluster has none. */
  oidcIssuer?: string;
  autoMode: boolean;
  /** The control plane runs on AWS Outposts. */
  onOutposts?: boolean;
  /** Pods have IPv6 addresses. */
  ipv6?: boolean;
  tags: Record<string, string>;
}

/** Gives a role or user access to the API server. All types except STANDARD are for nodes. */
export interface AccessEntry {
  principalArn: string;
  /** STANDARD, EC2_LINUX, EC2, HYBRID_LINUX, … */
  type: string;
}

/** A controller that AWS runs for a cluster, outside of it. */
export interface Capability {
  name: string;
  /** ACK, ARGOCD, KRO, or a type that EKS has added since. */
  type: string;
  status: string;
}

/** Sends new pods to AWS Fargate that match one of its selectors: the namespace, and all of the labels. */
export interface FargateProfile {
  name: string;
  /** `*` and `?` are wildcards, also in the keys and values of labels. */
  selectors: { namespace: string; labels: Readonly<Record<string, string>> }[];
}

/**
 * An association as ListPodIdentityAssociations returns it: without the role, the tags, and other fields that only
 * DescribePodIdentityAssociation returns.
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
  /** Namespace of the add-on if none is chosen. It belongs to the add-on, so it is the same for all versions. */
  defaultNamespace?: string;
}

/** Returns the default namespace of the add-on that these versions belong to. */
export const defaultNamespaceOf = (offered: readonly OfferedVersion[]): string | undefined =>
  offered.find((one) => one.defaultNamespace !== undefined)?.defaultNamespace;

/**
 * Returns the versions to which an add-on would be updated, the best first: EKS's default version, which it recommends,
 * and the newest one. Versions older than the installed one are left out; EKS lists versions from newest to oldest.
 */
export function updateCandidates(offered: readonly OfferedVersion[], installed: string): string[] {
  const at = offered.findIndex((one) => one.version === installed);
  const newer = at === -1 ? offered : offered.slice(0, at);
  const best = newer.find((one) => one.default) ?? newer[0];
  return [...new Set([best, newer[0]].flatMap((one) => one?.version ?? []))];
}

/** What DescribeAddonConfiguration returns for a version. */
export interface AddonConfiguration {
  podIdentity: PodIdentityServiceAccount[];
  /** JSON Schema of the configuration values, as text; absent if EKS returns none. */
  configurationSchema?: string;
}

/** A service account for which a version takes a Pod Identity association. */
export interface PodIdentityServiceAccount {
  serviceAccount: string;
  recommendedManagedPolicies: string[];
}
