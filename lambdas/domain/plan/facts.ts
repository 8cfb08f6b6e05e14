import type { ConsumerFacts } from '../consumers/model.ts';
import type { Capability, Cluster, FargateProfile, OfferedVersion, PodIdentityServiceAccount } from '../aws/eks.ts';
import type {
  AttributedServiceAccount,
  CustomResourceKind,
  MutatingWebhook,
  Node,
  Pod,
  ServiceAccount,
  Workload,
} from '../kubernetes/objects.ts';
import type { Addon, Association, ServiceAccountState } from '../terms/observed.ts';
import type { AddonRequest, MigrationRequest, ServiceAccountRequest } from '../request/request.ts';
import type { Outcome } from '../terms/outcome.ts';
import type { NetworkFacts } from '../network/model.ts';
import type { ObjectMarks } from '../owners/signs.ts';
import type { ParsedPolicy } from '../policy/index.ts';
import type { RoleGrant } from '../settings/role-grants.ts';
import type { Seen } from '../terms/seen.ts';
import type { ActingStep } from '../steps/work.ts';
import type { TrustPolicy } from '../trust/policy.ts';
import type { Preview } from './preview.ts';

/** Another execution that holds the subject's lock. */
export interface LockFact {
  migrationId: string;
  executionArn: string;
  since: string;
  /** Whether that execution is still running. */
  running: boolean;
  /** Whether it is an execution of Recover, which restores what the migration changed. */
  recovering: boolean;
  /** Outcome of its migration, if it has ended. */
  outcome?: Outcome;
}

/** Instances of a custom resource that the add-on defines, or `error` if they could not be listed. */
export interface CustomResourceFact {
  kind: CustomResourceKind;
  /** `namespace/name` of each. */
  instances: string[];
  error?: string;
}

/** The users of roles in the whole cluster. */
export interface RoleUsersFact {
  /**
   * Other add-ons, with their IRSA roles. Absent if they were not read, since the roles' trust policies allow IRSA for
   * none of them.
   */
  addons?: { name: string; roleArn: string }[];
  /** Associations of all service accounts, including the planned ones. */
  associations: Association[];
  /** Whether the cluster has more associations than these. */
  more: boolean;
  /** Why some of them could not be read. */
  error?: string;
}

/** A policy of a role. `document` is absent for AWS managed policies, which are not read. */
export interface PolicyFact {
  name: string;
  arn?: string;
  document?: ParsedPolicy;
}

/** The policies of one role, or `error` with the reason why they could not be read. */
export interface RolePoliciesFact {
  policies: PolicyFact[];
  error?: string;
}

/**
 * A role that nodes of the cluster have, or could have. `simulated`: IAM's simulation shows that it may fetch credentials
 * for pods; then neither its policies nor, usually, its access entry were read.
 */
export type NodeRoleFact = { arn: string } & ({ simulated: true } | RolePoliciesFact);

/** The roles of the cluster's nodes, as its access entries name them. */
export interface NodeRolesFact {
  roles: NodeRoleFact[];
  /** Which of them the nodes have was not read, since each of them may fetch credentials for pods. */
  areCandidates?: true;
  /** Why there may be other roles. */
  error?: string;
}

/** IAM's answer for one call of a step's role. `why` is the reason for a refusal or an unknown answer. */
export interface CallAnswer {
  decision: 'allowed' | 'denied' | 'unknown';
  why?: string;
}

/** The permissions of the steps for their calls. */
export interface RightsFact {
  /** The role of each step. IAM cannot be asked about a step without a role in the deployment. */
  roles: Partial<Record<ActingStep, string>>;
  /** Answers by `callKey`. */
  answers: Record<string, CallAnswer>;
}

/** The facts from which the plan is decided. Later facts are absent if an earlier one made them irrelevant. */
export interface Facts {
  request: MigrationRequest;
  /** Present if no deployed service takes part, whose settings and roles are then not known. */
  preview?: Preview;
  /** The request's options are those of many plans, such as of a whole cluster; not each of them concerns this one. */
  oneOfMany?: true;
  /** When the facts were read, ISO 8601. Absent if the age of pods is not needed. */
  readAt?: string;
  /** Absent if the lock is free. If it is held, nothing else was read. */
  lock?: LockFact;
  cluster?: Cluster;
  addon?: Addon;
  /** For a request about a service account. Absent if it does not exist, or if the API server could not be read. */
  serviceAccount?: ServiceAccountState;
  /** What shows the owner of the service account. */
  accountMarks?: ObjectMarks;
  /** The add-on that owns the service account, if any. */
  ownerAddon?: string;
  /** The Pod Identity agent's add-on. */
  agentAddon?: Addon;
  /** Versions of the agent offered for the cluster's Kubernetes version. Read only if it may have to be installed. */
  agentOffered?: OfferedVersion[];
  /** Versions offered for the cluster's Kubernetes version. */
  offered: OfferedVersion[];
  /**
   * Service accounts for which the installed version supports associations; for a request about a service account, that
   * service account.
   */
  podIdentity: PodIdentityServiceAccount[];
  /** JSON Schema of the installed version's configuration values, as text. Absent if EKS has none. */
  configurationSchema?: string;
  /** The version to update to if the installed one does not support associations: the default, or else the newest. */
  newerVersionWithPodIdentity?: string;
  /** Absent if the add-on's namespace is not known. Then nothing after it was read. */
  namespace?: string;
  /** Roles by ARN, `undefined` for a role that does not exist. Roles of other accounts are not read. */
  roles: Record<string, { trustPolicy: TrustPolicy; tags?: Record<string, string> } | undefined>;
  /** ARN patterns of the roles that the service may pass. */
  passableRoleArns: string[];
  /** ARN patterns of the roles whose trust policy the service may change. Empty if that is not enabled. */
  repairableRoleArns: string[];
  /** Whether IAM has an OIDC provider for the cluster's issuer. Absent if no planned role's trust depends on it. */
  oidcProvider?: Seen<boolean>;
  /** The deployment's setting: which roles its owners have agreed to give to which service accounts. */
  roleGrants?: readonly RoleGrant[];
  /** IDs of associations created by an unfinished migration, which give no service account a claim to their role. */
  unfinished?: readonly string[];
  /** Absent if no association is planned. */
  roleUsers?: RoleUsersFact;
  /** Policies of the existing planned roles, by ARN. */
  rolePolicies: Record<string, RolePoliciesFact>;
  /**
   * Trust policies of the roles of this account that the planned roles' policies name exactly for sts:AssumeRole, as many
   * as are read; `undefined` for one that does not exist. Absent if they were not read.
   */
  targetRoles?: Record<string, Seen<TrustPolicy | undefined>>;
  /** All service accounts of the cluster. Read only if the IRSA role's trust names some by a pattern. */
  serviceAccounts?: Seen<ServiceAccount[]>;
  /** IAM's answers for the calls of each attempt that nothing else excludes, and of its rollback. */
  rights: RightsFact;
  /** Controllers that AWS runs for the cluster. Absent if no association is planned. */
  capabilities?: Seen<Capability[]>;
  /** Absent if no association is planned, or if the API server could not be read. */
  fargateProfiles?: Seen<FargateProfile[]>;
  associations: Association[];
  /** Number of associations in the whole cluster. Absent if none is added. */
  associationCount?: number;
  /** Custom resources that the add-on owns according to the registry. Read only if an attempt would delete them. */
  customResources: CustomResourceFact[];
  /** Absent if the API server could not be read, in which case `kubernetesError` has the reason. */
  pods?: Pod[];
  /** Workloads of the add-on's namespace. */
  workloads?: Workload[];
  /** Service accounts of the add-on's namespace with the IRSA annotation. Absent if the API server could not be read. */
  annotated?: Seen<AttributedServiceAccount[]>;
  /** Associations of the service accounts that have the add-on's identity but are not supported by its version. */
  bystanderAssociations: Association[];
  agentWorkload?: Workload;
  kubernetesError?: string;
  /** Nodes of the whole cluster. Absent if the API server could not be read at all. */
  nodes?: Seen<Node[]>;
  /** Pods of the Pod Identity agent, if it has any. */
  agentPods?: Seen<Pod[]>;
  webhooks?: Seen<MutatingWebhook[]>;
  /** What may use the web identity of service accounts. Absent if the API server could not be read at all. */
  consumers?: ConsumerFacts;
  /** Network policies, and node pools. Absent if the API server could not be read at all. */
  network?: NetworkFacts;
  /** Absent if no association is planned. */
  nodeRoles?: NodeRolesFact;
}

/** Facts for a request about an add-on. */
export type AddonFacts = Facts & { request: AddonRequest };
/** Facts for a request about a service account that does not belong to an add-on. */
export type ServiceAccountFacts = Facts & { request: ServiceAccountRequest };
