/** The state that all services of the sandbox share: plain data, keyed by account, region and name. */
import type { CallLog } from './call-log.ts';
import type { Catalogue } from '../catalog/catalogue.ts';
import type { Json } from '../json.ts';
import type { KubeState } from '../kubernetes/kube-state.ts';
import type { PodSettings } from '../kubernetes/objects.ts';
import type { Faults } from './faults.ts';
import type { Random } from './random.ts';
import type { Knobs } from './scenario.ts';
import type { Schedule } from './schedule.ts';
import type { Throttles } from './throttles.ts';

export interface RoleState {
  arn: string;
  name: string;
  path: string;
  roleId: string;
  /** Milliseconds since 1970, as all times of the world. */
  createdAt: number;
  /** Decoded JSON text. */
  trustPolicy: string;
  /** Trust policies that it had before, oldest first: others than IAM see them a little longer. */
  pastTrust: { text: string; replacedAt: number }[];
  /** Inline ones; JSON text. */
  policies: { name: string; document: string }[];
  attachedPolicies: AttachedPolicyState[];
  /** A managed policy too; left out: nothing bounds what the role's own policies allow. */
  permissionsBoundary?: AttachedPolicyState;
  tags: Record<string, string>;
}

/** A managed policy that a role has. `document`: JSON text; left out where nobody has said what it says. */
export interface AttachedPolicyState {
  arn: string;
  document?: string;
}

export interface AssociationState {
  id: string;
  arn: string;
  namespace: string;
  serviceAccount: string;
  roleArn: string;
  ownerArn?: string;
  targetRoleArn?: string;
  externalId?: string;
  disableSessionTags?: boolean;
  policy?: string;
  tags: Record<string, string>;
  createdAt: number;
  modifiedAt: number;
  /** The webhook never learns of it: pods go on as if it were not there. */
  unknownToWebhook?: boolean;
  /** Set once it is deleted: not listed any more, but its key stays taken until then. */
  deletedUntil?: number;
}

export type AddonStatus =
  | 'CREATING'
  | 'ACTIVE'
  | 'CREATE_FAILED'
  | 'UPDATING'
  | 'DELETING'
  | 'DELETE_FAILED'
  | 'DEGRADED'
  | 'UPDATE_FAILED';

export interface AddonState {
  name: string;
  arn: string;
  version: string;
  status: AddonStatus;
  issues: { code: string; message: string; resourceIds: string[] }[];
  namespace: string;
  /** Its namespace was chosen when it was created. */
  namespaceChosen?: true;
  serviceAccountRoleArn?: string;
  configurationValues?: string;
  /** Ids of the associations that it owns. */
  associationIds: string[];
  /** ARNs of those that were deleted directly and are shown all the same: see the knob `deletedOwnedAssociation`. */
  deletedAssociationArns?: string[];
  tags: Record<string, string>;
  createdAt: number;
  modifiedAt: number;
  /** Grows with each change, so that an event scheduled before can see that it is out of date. */
  generation: number;
}

export interface UpdateState {
  id: string;
  addonName: string;
  status: 'InProgress' | 'Failed' | 'Cancelled' | 'Successful';
  type: 'AddonUpdate';
  params: { type: string; value: string }[];
  errors: { errorCode: string; errorMessage: string; resourceIds: string[] }[];
  createdAt: number;
}

/** Who may do what on the API server, as an access entry says it. */
export interface AccessEntryState {
  /** ARN of an IAM role or user, never of an assumed role. */
  principalArn: string;
  kubernetesGroups: string[];
  /** Left out: EKS makes one of the ARN. */
  username?: string;
  /** STANDARD, or one of the node types (EC2_LINUX, …). */
  type: string;
  tags: Record<string, string>;
  createdAt: number;
  /** Left out: not changed since it was made. */
  modifiedAt?: number;
  /** Each policy is there once. */
  policies: AccessPolicyState[];
}

export interface AccessPolicyState {
  policyArn: string;
  /** `namespaces` is empty for the whole cluster. */
  scope: { type: 'cluster' | 'namespace'; namespaces: string[] };
  associatedAt: number;
  /** Left out: its scope is still the first. */
  modifiedAt?: number;
}

/** A field of an add-on's object that another manager than EKS owns, with another value than EKS would set. */
export interface ForeignField {
  /** As EKS names it in a conflict: `Deployment.apps coredns - .spec.replicas`. */
  field: string;
  /** Field manager: `kubectl-edit`, `helm`, … */
  manager: string;
  /** Through which it set the field; left out: it has written the object itself. */
  subresource?: 'scale';
}

/** Sends the pods of Deployments to Fargate whose namespace is this and whose labels have these. */
export interface FargateProfile {
  name: string;
  namespace: string;
  labels: Record<string, string>;
}

export interface ClusterState {
  name: string;
  arn: string;
  account: string;
  region: string;
  version: string;
  platformVersion: string;
  status: string;
  createdAt: number;
  /** https URL; the loopback transport puts its own address here (`moveApiServer`). */
  endpoint: string;
  /** PEM; what the loopback transport's certificate is signed by. */
  certificateAuthority: string;
  /** Its API server answers nobody from outside; EKS itself still reaches it. */
  unreachable?: true;
  oidcIssuer?: string;
  autoMode: boolean;
  /** IAM role of its nodes. Left out: not known. */
  nodeRoleArn?: string;
  authenticationMode: 'API' | 'API_AND_CONFIG_MAP' | 'CONFIG_MAP';
  tags: Record<string, string>;
  addons: Map<string, AddonState>;
  associations: Map<string, AssociationState>;
  /** Those that are gone and that the webhook still knows, by id, until when. Left out: none. */
  stillKnown?: Map<string, { association: AssociationState; until: number }>;
  updates: Map<string, UpdateState>;
  /** Add-ons deleted with preserve: their objects are still there, by add-on name. */
  preserved: Set<string>;
  /** By add-on name; a create over preserved objects with NONE fails on them (UG kubernetes-field-management). */
  foreignFields: Map<string, ForeignField[]>;
  /**
   * What people have set of the pods of add-ons, by add-on name; stays with the cluster, as configuration values do.
   */
  podSettings?: ReadonlyMap<string, PodSettings>;
  /** In the order in which they are asked; none where it is left out. */
  fargateProfiles?: readonly FargateProfile[];
  /** By principal ARN. */
  accessEntries: Map<string, AccessEntryState>;
  kube: KubeState;
}

/** An OIDC provider of IAM. */
export interface OidcProviderState {
  arn: string;
  /** Of the issuer, without `https://`. */
  url: string;
  clientIds: string[];
  thumbprints: string[];
  tags: Record<string, string>;
  createdAt: number;
}

export interface AccountState {
  id: string;
  /** By role name. */
  roles: Map<string, RoleState>;
  /** By ARN. Left out: none. */
  oidcProviders?: Map<string, OidcProviderState>;
  /** By `region/name`. */
  clusters: Map<string, ClusterState>;
  /** Where its credentials are good for nothing. Left out: nowhere. */
  disabledRegions?: readonly string[];
}

/** A key pair that the sandbox has handed out. */
export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  principalArn: string;
  account: string;
  /** Name of the session that AssumeRole made them for; the world's own keys have none. */
  sessionName?: string;
  /** Session policies, JSON text: the session may do what its role may do and all of these allow. Left out: none. */
  policies?: string[];
  /** When they stop working, by the clock of those who sign: milliseconds since 1970. The world's own keys never do. */
  expiresAt?: number;
}

/** One object of a bucket. */
export interface ObjectState {
  body: Uint8Array;
  /** As it was put, or S3's own. */
  contentType: string;
  /** MD5 of the body, hexadecimal, without quotation marks. */
  etag: string;
  modifiedAt: number;
  /** In a bucket with versions. */
  versionId?: string;
}

/** What a key was before, in a bucket with versions: an object, or nothing (a delete marker). */
export type OlderVersion = ObjectState | { versionId: string; isDeleteMarker: true };

export interface BucketState {
  account: string;
  region: string;
  /** By key. */
  objects: Map<string, ObjectState>;
  /** Of a bucket with versions: by key, what it was before, the oldest first. No lifecycle rule takes any away. */
  older?: Map<string, OlderVersion[]>;
  /** Of the same: by key, the version id of the delete marker that an object that is gone has. */
  deleted?: Map<string, string>;
}

/** What somebody has put on a default bus, as it was delivered. */
export interface PutEvent {
  /** The world's time, ISO 8601. */
  at: string;
  id: string;
  source: string;
  detailType: string;
  detail: Json;
  resources: string[];
  /** Of the bus. */
  account: string;
  region: string;
}

/** A message that a topic has taken; nobody gets it. */
export interface Notification {
  at: string;
  topicArn: string;
  message: string;
  subject?: string;
}

/** What a dead-letter queue, or a queue for failed invocations, has taken. */
export interface DeadLetter {
  at: string;
  queueArn: string;
  /** The event, or the record of an invocation. */
  event: unknown;
  /** A code and what was said: `NO_PERMISSIONS: User: …`. */
  why: string;
}

export interface World {
  seed: number;
  random: Random;
  schedule: Schedule;
  knobs: Knobs;
  catalogue: Catalogue;
  accounts: Map<string, AccountState>;
  accessKeys: Map<string, AccessKey>;
  log: CallLog;
  /** What goes wrong with the calls of the service's own functions. */
  faults: Faults;
  /** How many calls services take. */
  throttles: Throttles;
  /** Events that were put, messages of topics, and dead letters: each in order, for ever. */
  events: PutEvent[];
  notifications: Notification[];
  deadLetters: DeadLetter[];
  /** S3's, by name: one namespace for all accounts. */
  buckets: Map<string, BucketState>;
  home: { account: string; region: string };
}

export const findCluster = (world: World, account: string, region: string, name: string): ClusterState | undefined =>
  world.accounts.get(account)?.clusters.get(`${region}/${name}`);

export const findRole = (world: World, arn: string): RoleState | undefined => {
  const [, , , , account = '', resource = ''] = arn.split(':');
  const role = world.accounts.get(account)?.roles.get(resource.split('/').at(-1) ?? '');
  return role?.arn === arn ? role : undefined;
};
