import type { Cluster, OfferedVersion, PodIdentityServiceAccount } from '../aws/eks.ts';
import type {
  AttributedServiceAccount,
  CustomResourceKind,
  MutatingWebhook,
  Node,
  Pod,
  Workload,
} from '../kubernetes/objects.ts';
import type {
  Addon,
  AddonRequest,
  Association,
  MigrationRequest,
  Outcome,
  ServiceAccountRequest,
  ServiceAccountState,
} from '../migration/model.ts';
import type { ParsedPolicy } from '../policy/index.ts';
import type { RoleGrant } from '../settings/role-grants.ts';
import type { TrustPolicy } from '../trust/policy.ts';
import type { ActingStep } from './acting.ts';

/** Who holds the lock of what shall migrate, where it is another execution. */
export interface LockFact {
  migrationId: string;
  executionArn: string;
  since: string;
  /** Whether that execution is still at work. */
  running: boolean;
  /** Whether it is Recover's, which puts back what the migration changed. */
  recovering: boolean;
  /** How its migration ended, where it did. */
  outcome?: Outcome;
}

/** Instances of one kind that the add-on's own definitions have; `error` instead where they could not be listed. */
export interface CustomResourceFact {
  kind: CustomResourceKind;
  /** `namespace/name` of each. */
  instances: string[];
  error?: string;
}

/** Who uses which role, of the whole cluster. */
export interface RoleUsersFact {
  /**
   * Other add-ons, with the roles that they have by IRSA; absent where they were not read, since the roles' trust
   * policies allow IRSA for none of them.
   */
  addons?: { name: string; roleArn: string }[];
  /** Of all service accounts, the planned ones among them. */
  associations: Association[];
  /** The cluster has more associations than these. */
  more: boolean;
  /** Why some of it could not be read. */
  error?: string;
}

/** A policy of a role. `document`: absent for one that AWS manages, which is not read. */
export interface PolicyFact {
  name: string;
  arn?: string;
  document?: ParsedPolicy;
}

/** The policies of one role. `error`: why they could not be read. */
export interface RolePoliciesFact {
  policies: PolicyFact[];
  error?: string;
}

/** What could be read, or why it could not be. */
export type Seen<T> = { seen: T } | { error: string };

/**
 * A role that nodes of the cluster have, or could have. `simulated`: IAM's simulation says that it may fetch credentials
 * for pods; then neither its policies nor, as a rule, its access entry were read.
 */
export type NodeRoleFact = { arn: string } & ({ simulated: true } | RolePoliciesFact);

/** The roles of the cluster's nodes, as its access entries name them. */
export interface NodeRolesFact {
  roles: NodeRoleFact[];
  /** Which of them nodes have was not read: each of them may fetch credentials for pods. */
  areCandidates?: true;
  /** Why there may be others. */
  error?: string;
}

/** What IAM says to one call of a step's role. `why`: of a refusal, and of what can't be told. */
export interface CallAnswer {
  decision: 'allowed' | 'denied' | 'unknown';
  why?: string;
}

/** Whether the steps may make their calls. */
export interface RightsFact {
  /** The role of each step; a step that the deployment does not name can't be asked about. */
  roles: Partial<Record<ActingStep, string>>;
  /** By `callKey`. */
  answers: Record<string, CallAnswer>;
}

/** What the plan is decided from, as it was read; later facts are absent where an earlier one made them pointless. */
export interface Facts {
  request: MigrationRequest;
  /** When it was read, ISO 8601; absent where nobody asks how old pods are. */
  readAt?: string;
  /** Absent where the lock is free; where it is held, nothing else was read. */
  lock?: LockFact;
  cluster?: Cluster;
  addon?: Addon;
  /** Of a request for one; absent where there is none, and where the API server could not be read. */
  serviceAccount?: ServiceAccountState;
  /** The add-on whose service account it is, where it is one's. */
  ownerAddon?: string;
  /** The Pod Identity agent's add-on. */
  agentAddon?: Addon;
  /** Its versions offered for the cluster's Kubernetes version; read only where it may have to be installed. */
  agentOffered?: OfferedVersion[];
  /** Versions offered for the cluster's Kubernetes version. */
  offered: OfferedVersion[];
  /**
   * Service accounts that the installed version takes associations for; of a request for a service account, that one.
   */
  podIdentity: PodIdentityServiceAccount[];
  /** JSON Schema of the installed version's configuration values, as text; absent where EKS gives none. */
  configurationSchema?: string;
  /** The newest offered version that takes associations, where the installed one does not. */
  newerVersionWithPodIdentity?: string;
  /** Absent where nothing says which namespace the add-on runs in; then nothing after it was read. */
  namespace?: string;
  /** By ARN; `undefined`: IAM has no such role. Roles of other accounts are not asked for. */
  roles: Record<string, { trustPolicy: TrustPolicy } | undefined>;
  /** ARN patterns of the roles that the service may pass. */
  passableRoleArns: string[];
  /** ARN patterns of the roles whose trust policy the service may change; empty where that was not enabled. */
  repairableRoleArns: string[];
  /** Whether IAM has an OIDC provider for the cluster's issuer; absent where no planned role's trust depends on it. */
  oidcProvider?: Seen<boolean>;
  /** The deployment's setting: which roles its owners have agreed to give to which service accounts. */
  roleGrants?: readonly RoleGrant[];
  /** Ids of those associations that an unfinished migration made: they give nobody a claim to their role. */
  unfinished?: readonly string[];
  /** Absent where no association is planned. */
  roleUsers?: RoleUsersFact;
  /** By ARN, of the planned roles that IAM has. */
  rolePolicies: Record<string, RolePoliciesFact>;
  /** What IAM says to the calls of each way that nothing else excludes, and of its rollback. */
  rights: RightsFact;
  associations: Association[];
  /** Associations of the whole cluster; absent where none is added. */
  associationCount?: number;
  /** Of the definitions that the registry says the add-on owns; read only where a way would delete them. */
  customResources: CustomResourceFact[];
  /** Absent where the API server could not be read; then `kubernetesError` says why. */
  pods?: Pod[];
  /** Of the add-on's namespace. */
  workloads?: Workload[];
  /** Service accounts of the add-on's namespace with the IRSA annotation; absent where the API server could not be read. */
  annotated?: Seen<AttributedServiceAccount[]>;
  /** Of the service accounts that have the add-on's identity, and for which it takes no association. */
  bystanderAssociations: Association[];
  agentWorkload?: Workload;
  kubernetesError?: string;
  /** Of the whole cluster; absent where the API server could not be read at all. */
  nodes?: Seen<Node[]>;
  /** Pods of the Pod Identity agent, where it has any. */
  agentPods?: Seen<Pod[]>;
  webhooks?: Seen<MutatingWebhook[]>;
  /** Absent where no association is planned. */
  nodeRoles?: NodeRolesFact;
}

/** Of a request for an add-on. */
export type AddonFacts = Facts & { request: AddonRequest };
/** Of a request for a service account that is no add-on's. */
export type ServiceAccountFacts = Facts & { request: ServiceAccountRequest };
