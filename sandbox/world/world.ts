/** The state that all services of the sandbox share: plain data, keyed by account, region and name. */
import type { CallLog } from '../calls/call-log.ts';
import type { CapabilityState } from './capabilities.ts';
import type { ControllerState } from './controllers.ts';
import type { Catalogue } from '../catalog/catalogue.ts';
import type { Json } from '../json.ts';
import type { KubeState } from '../objects/kube-state.ts';
import type { PodSettings } from '../objects/objects.ts';
import type { Faults } from '../calls/faults.ts';
import type { Random } from '../random.ts';
import type { Knobs } from '../scenario/scenario.ts';
import type { Schedule } from '../clock/schedule.ts';
import type { Throttles } from '../calls/throttles.ts';

export interface RoleState {
  arn: string;
  name: string;
  path: string;
  roleId: string;
  /** Milliseconds since 1970, like all times of the world. */
  createdAt: number;
  /** Decoded JSON text. */
  trustPolicy: string;
  /** Its earlier trust policies, oldest first: services other than IAM still use them for a while. */
  pastTrust: { text: string; replacedAt: number }[];
  /** Inline policies; JSON text. */
  policies: { name: string; document: string }[];
  attachedPolicies: AttachedPolicyState[];
  /** Also a managed policy; omitted: nothing limits the role's own policies. */
  permissionsBoundary?: AttachedPolicyState;
  description?: string;
  /** Longest session that AssumeRole may request, in seconds; omitted: an hour, IAM's default. */
  maxSessionDuration?: number;
  tags: Record<string, string>;
}

/** A managed policy of a role. `document` is JSON text; omitted if it is not known. */
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
  /** Set if the webhook never uses it: pods behave as if it did not exist. */
  unknownToWebhook?: boolean;
  /** Set once it is deleted: it is no longer listed, but its key stays in use until then. */
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
  /** Set if the namespace was chosen on creation. */
  namespaceChosen?: true;
  serviceAccountRoleArn?: string;
  configurationValues?: string;
  /** Ids of the associations that it owns. */
  associationIds: string[];
  /** ARNs of associations that were deleted directly but are still shown: see the knobs `deletedOwnedAssociation`, `ownedAssociationLagSeconds`. */
  deletedAssociationArns?: string[];
  tags: Record<string, string>;
  createdAt: number;
  modifiedAt: number;
  /** Incremented with each change, so that an event scheduled earlier can detect that it is out of date. */
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

/** An access entry, which defines a principal's permissions on the API server. */
export interface AccessEntryState {
  /** ARN of an IAM role or user, never of an assumed role. */
  principalArn: string;
  kubernetesGroups: string[];
  /** Omitted: EKS derives it from the ARN. */
  username?: string;
  /** STANDARD, or one of the node types (EC2_LINUX, …). */
  type: string;
  tags: Record<string, string>;
  createdAt: number;
  /** Omitted: not modified since its creation. */
  modifiedAt?: number;
  /** Each policy occurs once. */
  policies: AccessPolicyState[];
}

export interface AccessPolicyState {
  policyArn: string;
  /** `namespaces` is empty for the whole cluster. */
  scope: { type: 'cluster' | 'namespace'; namespaces: string[] };
  associatedAt: number;
  /** Omitted: still the original scope. */
  modifiedAt?: number;
}

/** A field of an add-on's object that a manager other than EKS owns, with a different value than EKS would set. */
export interface ForeignField {
  /** The field, as EKS reports it in a conflict: `Deployment.apps coredns - .spec.replicas`. */
  field: string;
  /** Field manager: `kubectl-edit`, `helm`, … */
  manager: string;
  /** The subresource through which the manager set the field; omitted: the object itself. */
  subresource?: 'scale';
}

/** Sends pods of Deployments with this namespace and these labels to Fargate. */
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
  /** https URL; the loopback transport replaces it with its own address (`moveApiServer`). */
  endpoint: string;
  /** PEM; the authority that signs the loopback transport's certificate. */
  certificateAuthority: string;
  /** Its API server never answers clients from outside; EKS itself still reaches it. */
  unreachable?: true;
  /** How its answers harm the functions that read them. */
  hostile?: import('./hostile.ts').HostileApiServer;
  oidcIssuer?: string;
  autoMode: boolean;
  /** IAM role of its nodes. Omitted: not known. */
  nodeRoleArn?: string;
  authenticationMode: 'API' | 'API_AND_CONFIG_MAP' | 'CONFIG_MAP';
  tags: Record<string, string>;
  addons: Map<string, AddonState>;
  associations: Map<string, AssociationState>;
  /** Deleted associations that the webhook still uses, by id, and until when. Omitted: none. */
  recentlyDeleted?: Map<string, { association: AssociationState; until: number }>;
  updates: Map<string, UpdateState>;
  /** Add-ons deleted with preserve, by add-on name: their objects still exist. */
  preserved: Set<string>;
  /**
   * By add-on name; a create over preserved objects with NONE fails (EKS User Guide, kubernetes-field-management).
   */
  foreignFields: Map<string, ForeignField[]>;
  /** User settings for the pods of add-ons, by add-on name; kept with the cluster, like configuration values. */
  podSettings?: ReadonlyMap<string, PodSettings>;
  /** In the order of evaluation; omitted: none. */
  fargateProfiles?: readonly FargateProfile[];
  /** Omitted: none; likewise the controllers. */
  capabilities?: readonly CapabilityState[];
  controllers?: readonly ControllerState[];
  /** By principal ARN. */
  accessEntries: Map<string, AccessEntryState>;
  kube: KubeState;
}

/** An OIDC provider in IAM. */
export interface OidcProviderState {
  arn: string;
  /** URL of the issuer, without `https://`. */
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
  /** By ARN. Omitted: none. */
  oidcProviders?: Map<string, OidcProviderState>;
  /** By `region/name`. */
  clusters: Map<string, ClusterState>;
  /** Regions in which the account's credentials are refused. Omitted: none. */
  disabledRegions?: readonly string[];
}

/** A key pair that the sandbox has issued. */
export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  principalArn: string;
  account: string;
  /** Name of the AssumeRole session that the key belongs to; the world's own keys have none. */
  sessionName?: string;
  /** Session policies, JSON text: the session may do what its role may do and all of these allow. Omitted: none. */
  policies?: string[];
  /** When the key expires, by the signers' clock, in milliseconds since 1970. The world's own keys never expire. */
  expiresAt?: number;
}

/** One object of a bucket. */
export interface ObjectState {
  body: Uint8Array;
  /** The content type of the put, or S3's default. */
  contentType: string;
  /** MD5 of the body, hexadecimal, without quotation marks. */
  etag: string;
  modifiedAt: number;
  /** Set in a versioned bucket. */
  versionId?: string;
}

/** An earlier version of a key in a versioned bucket: an object, or a delete marker. */
export type OlderVersion = ObjectState | { versionId: string; isDeleteMarker: true };

export interface BucketState {
  account: string;
  region: string;
  /** By key. */
  objects: Map<string, ObjectState>;
  /** Earlier versions by key in a versioned bucket, the oldest first. No lifecycle rule removes any. */
  older?: Map<string, OlderVersion[]>;
  /** In a versioned bucket, by key: the version id of a deleted object's delete marker. */
  deleted?: Map<string, string>;
}

/** A custom event on a default bus, as it was delivered. */
export interface PutEvent {
  /** The world's time, ISO 8601. */
  at: string;
  id: string;
  source: string;
  detailType: string;
  detail: Json;
  resources: string[];
  /** Account and region of the bus. */
  account: string;
  region: string;
}

/** A message that a topic has accepted; it is not delivered to any subscriber. */
export interface Notification {
  at: string;
  topicArn: string;
  message: string;
  subject?: string;
}

/** A message that a dead-letter queue, or a queue for failed invocations, has accepted. */
export interface DeadLetter {
  at: string;
  queueArn: string;
  /** The event, or the record of an invocation. */
  event: unknown;
  /** An error code and message: `NO_PERMISSIONS: User: …`. */
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
  /** Failures of the calls that the service's own functions make. */
  faults: Faults;
  /** Limits on calls to services. */
  throttles: Throttles;
  /** Custom events, messages of topics, and dead letters: each in order, never removed. */
  events: PutEvent[];
  notifications: Notification[];
  deadLetters: DeadLetter[];
  /** S3's buckets by name: one namespace for all accounts. */
  buckets: Map<string, BucketState>;
  home: { account: string; region: string };
}

export const findCluster = (world: World, account: string, region: string, name: string): ClusterState | undefined =>
  world.accounts.get(account)?.clusters.get(`${region}/${name}`);

export const findRole = (world: World, arn: string): RoleState | undefined => {
  const [, , , , account = ''] = arn.split(':', 5);
  const role = world.accounts.get(account)?.roles.get(arn.slice(arn.lastIndexOf('/') + 1));
  return role?.arn === arn ? role : undefined;
};
