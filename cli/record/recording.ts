/** What `record` reads of a cluster: the answers of EKS, IAM and the API server, before they become a scenario. */
import type {
  AccessEntry,
  Addon,
  AddonInfo,
  AssociatedAccessPolicy,
  CapabilitySummary,
  Cluster,
  DescribeAddonConfigurationResponse,
  FargateProfile,
  PodIdentityAssociation,
} from '@aws-sdk/client-eks';
import type { Role } from '@aws-sdk/client-iam';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import type { RolePolicy } from '../../lambdas/ports/index.ts';
import type { KubernetesObjects } from './read-kubernetes.ts';
import type { Unread } from './reader.ts';

export interface AddonAnswers {
  name: string;
  /** Absent for the Pod Identity agent if it is not installed. */
  addon?: Addon;
  /** DescribeAddonVersions, for the cluster's Kubernetes version. */
  offered?: AddonInfo;
  /** DescribeAddonConfiguration, by version. */
  configurations: Map<string, DescribeAddonConfigurationResponse>;
}

export interface EntryAnswers {
  entry: AccessEntry;
  policies: AssociatedAccessPolicy[];
}

export interface RoleAnswers {
  role: Role;
  trustPolicy: string;
  policies: RolePolicy[];
  boundary?: RolePolicy;
}

export interface EksAnswers {
  cluster: Cluster;
  addons: AddonAnswers[];
  associations: PodIdentityAssociation[];
  /** Absent if they could not be read, or if the cluster has none because of its authentication mode. */
  entries?: EntryAnswers[];
  fargateProfiles: FargateProfile[];
  capabilities: CapabilitySummary[];
}

export interface Recording {
  target: Target;
  /** When the recording began, ISO 8601. */
  at: string;
  eks: EksAnswers;
  roles: RoleAnswers[];
  oidcProvider: 'exists' | 'absent';
  /** Absent if the API server could not be read. */
  kubernetes?: KubernetesObjects;
  /** The API server gave no answer. */
  unreachable: boolean;
  unread: Unread[];
}
