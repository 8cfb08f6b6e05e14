/** One EBS CSI driver on one cluster, in the shapes of the domain: builders that take what a test changes. */
import type { AddonConfiguration, Cluster, OfferedVersion } from '../../lambdas/domain/aws/eks.ts';
import { parseTrust } from '../../lambdas/domain/trust/policy.ts';
import type {
  Container,
  Mount,
  MutatingWebhook,
  Node,
  Pod,
  ServiceAccountDetail,
  Workload,
} from '../../lambdas/domain/kubernetes/objects.ts';
import {
  migrationRequest,
  newMigration,
  type Retirement,
  type Rollback,
} from '../../lambdas/domain/migration/model.ts';
import type {
  Addon,
  Association,
  Migration,
  AddonRequest,
  MigrationRequest,
  MigrationRequestInput,
  Plan,
  PlannedAssociation,
  PodEvidence,
  PodIdentity,
  Attempt,
  AddonSnapshot,
} from '../../lambdas/domain/migration/model.ts';
import { ACTING_STEPS, type ActingStep } from '../../lambdas/domain/plan/acting.ts';
import { type Call, callKey } from '../../lambdas/domain/plan/calls.ts';
import type { AddonFacts, CallAnswer, Facts, RolePoliciesFact, RightsFact } from '../../lambdas/domain/plan/facts.ts';
import { hashOf } from '../../lambdas/domain/plan/hash.ts';
import { ASSOCIATE } from '../../lambdas/domain/plan/attempts.ts';
import { plannedAssociations } from '../../lambdas/domain/plan/plan.ts';
import { callsOf } from '../../lambdas/domain/plan/rights.ts';
import type { RoleGrant } from '../../lambdas/domain/settings/role-grants.ts';
import {
  ACCOUNT,
  ADDON,
  addonArn,
  at,
  bothWays,
  CLUSTER,
  EXECUTION,
  executionArn,
  ISSUER,
  MIGRATION_ID,
  NAMESPACE,
  NODE_ROLE,
  RECOVERY_EXECUTION,
  ROLE,
  ROLES_OF_ACCOUNT,
  SERVICE_ACCOUNT,
  target,
  VERSION,
} from './example.ts';

export * from './example.ts';

export const aCluster = (change: Partial<Cluster> = {}): Cluster => ({
  name: CLUSTER,
  arn: `arn:aws:eks:eu-west-1:${ACCOUNT}:cluster/${CLUSTER}`,
  version: '1.31',
  platformVersion: 'eks.12',
  status: 'ACTIVE',
  oidcIssuer: ISSUER,
  autoMode: false,
  tags: {},
  ...change,
});

/** The driver on IRSA, as it is before a migration. */
export const anAddon = (change: Partial<Addon> = {}): Addon => ({
  name: ADDON,
  arn: addonArn(1),
  version: VERSION,
  status: 'ACTIVE',
  serviceAccountRoleArn: ROLE,
  configurationValues: 'controller:\n  replicaCount: 2 # as it was\n',
  podIdentityAssociations: [],
  tags: { team: 'storage' },
  issues: [],
  ...change,
});

export const anAgentAddon = (change: Partial<Addon> = {}): Addon =>
  anAddon({
    name: 'eks-pod-identity-agent',
    arn: addonArn(1, 'eks-pod-identity-agent'),
    version: 'v1.3.4-eksbuild.1',
    serviceAccountRoleArn: undefined,
    configurationValues: undefined,
    tags: {},
    ...change,
  });

/** Newest first. */
export const offeredVersions = (): OfferedVersion[] => [
  { version: 'v1.40.0-eksbuild.1', default: true, requiresIamPermissions: true, owner: 'aws' },
  { version: VERSION, default: false, requiresIamPermissions: true, owner: 'aws' },
];

export const aConfiguration = (change: Partial<AddonConfiguration> = {}): AddonConfiguration => ({
  podIdentity: [
    {
      serviceAccount: SERVICE_ACCOUNT,
      recommendedManagedPolicies: ['arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy'],
    },
  ],
  configurationSchema: JSON.stringify({
    $schema: 'https://json-schema.org/draft/2019-09/schema',
    type: 'object',
    properties: {
      controller: { type: 'object', properties: { replicaCount: { type: 'integer' } }, additionalProperties: false },
    },
    additionalProperties: false,
  }),
  ...change,
});

export const associationArn = (id: string): string =>
  `arn:aws:eks:eu-west-1:${ACCOUNT}:podidentityassociation/${CLUSTER}/${id}`;
/** A standalone one of the driver's service account, without anything that is lost in a purge. */
export const anAssociation = (change: Partial<Association> = {}): Association => {
  const id = change.id ?? 'a-left00000000000001';
  return {
    id,
    arn: associationArn(id),
    namespace: NAMESPACE,
    serviceAccount: SERVICE_ACCOUNT,
    roleArn: ROLE,
    tags: {},
    createdAt: at(-86_400),
    modifiedAt: at(-86_400),
    ...change,
  };
};

export const planned: PlannedAssociation = { namespace: NAMESPACE, serviceAccount: SERVICE_ACCOUNT, roleArn: ROLE };

const POD_IDENTITY_ENV = {
  AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials',
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE:
    '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token',
};
const IRSA_ENV = {
  AWS_ROLE_ARN: ROLE,
  AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/secrets/eks.amazonaws.com/serviceaccount/token',
};
/** What a container's env is for each identity: the webhook writes none that is `unknown`. */
export const envOf: Record<Exclude<PodIdentity, 'not-applicable'>, Record<string, string>> = {
  'pod-identity': POD_IDENTITY_ENV,
  irsa: IRSA_ENV,
  'node-role': {},
  mixed: { ...POD_IDENTITY_ENV, ...IRSA_ENV },
  unknown: { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials' },
};
export const TOKENS = {
  podIdentity: { volume: 'eks-pod-identity-token', audience: 'pods.eks.amazonaws.com', path: 'eks-pod-identity-token' },
  irsa: { volume: 'aws-iam-token', audience: 'sts.amazonaws.com', path: 'token' },
};

const POD_IDENTITY_MOUNT = {
  volume: 'eks-pod-identity-token',
  path: '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount',
};
const IRSA_MOUNT = { volume: 'aws-iam-token', path: '/var/run/secrets/eks.amazonaws.com/serviceaccount' };
/** What the webhook mounts for each identity. */
export const mountsOf: Record<Exclude<PodIdentity, 'not-applicable'>, Mount[]> = {
  'pod-identity': [POD_IDENTITY_MOUNT],
  irsa: [IRSA_MOUNT],
  'node-role': [],
  mixed: [POD_IDENTITY_MOUNT, IRSA_MOUNT],
  unknown: [],
};

export const aContainer = (change: Partial<Container> = {}): Container => ({
  name: 'ebs-plugin',
  image: 'ebs-plugin:v1',
  init: false,
  env: {},
  mounts: [],
  ...change,
});

/** The add-on's, as EKS annotates it. */
export const anAnnotatedAccount = (): ServiceAccountDetail => ({
  namespace: NAMESPACE,
  name: SERVICE_ACCOUNT,
  uid: 'uid-of-account',
  resourceVersion: '1',
  roleArn: ROLE,
  annotatedBy: ['eks'],
  labels: {},
  annotations: {},
  managers: ['eks'],
});
export const aPod = (identity: Exclude<PodIdentity, 'not-applicable'>, change: Partial<Pod> = {}): Pod => ({
  namespace: NAMESPACE,
  name: 'ebs-csi-controller-1',
  uid: `uid-of-${change.name ?? 'ebs-csi-controller-1'}`,
  createdAt: at(-3600),
  serviceAccount: SERVICE_ACCOUNT,
  node: 'node-1',
  labels: { 'app.kubernetes.io/name': ADDON },
  annotations: {},
  phase: 'Running',
  ready: true,
  terminating: false,
  hostNetwork: false,
  owner: { kind: 'Deployment', name: 'ebs-csi-controller' },
  containers: ['ebs-plugin', 'csi-provisioner'].map((name) =>
    aContainer({ name, env: envOf[identity], mounts: mountsOf[identity] }),
  ),
  tokens: [
    ...(identity === 'pod-identity' || identity === 'mixed' ? [TOKENS.podIdentity] : []),
    ...(identity === 'irsa' || identity === 'mixed' ? [TOKENS.irsa] : []),
  ],
  ...change,
});

/** A pod of the driver's DaemonSet: another service account, no AWS identity. */
export const aNodePod = (change: Partial<Pod> = {}): Pod =>
  aPod('node-role', {
    name: 'ebs-csi-node-1',
    uid: 'uid-of-ebs-csi-node-1',
    serviceAccount: 'ebs-csi-node-sa',
    owner: { kind: 'DaemonSet', name: 'ebs-csi-node' },
    ...change,
  });

export const aWorkload = (change: Partial<Workload> = {}): Workload => ({
  kind: 'Deployment',
  namespace: NAMESPACE,
  name: 'ebs-csi-controller',
  serviceAccount: SERVICE_ACCOUNT,
  desired: 1,
  ready: 1,
  settled: true,
  templateAnnotations: {},
  containers: [aContainer(), aContainer({ name: 'csi-provisioner' })],
  labels: { 'app.kubernetes.io/name': ADDON, 'app.kubernetes.io/managed-by': 'EKS' },
  managedFields: [
    {
      manager: 'eks',
      fields: [
        '.spec.replicas',
        '.spec.template.spec.serviceAccountName',
        '.spec.template.spec.containers[name="ebs-plugin"].image',
      ],
    },
  ],
  ...change,
});

export const agentDaemonSet = (change: Partial<Workload> = {}): Workload =>
  aWorkload({
    kind: 'DaemonSet',
    name: 'eks-pod-identity-agent',
    serviceAccount: 'default',
    desired: 2,
    ready: 2,
    labels: { 'app.kubernetes.io/name': 'eks-pod-identity-agent' },
    managedFields: [
      { manager: 'eks', fields: ['.spec.template.spec.containers[name="eks-pod-identity-agent"].image'] },
    ],
    ...change,
  });

export const aNode = (change: Partial<Node> = {}): Node => ({
  name: 'node-1',
  ready: true,
  os: 'linux',
  compute: 'ec2',
  nodeGroup: 'default',
  ...change,
});

/** The agent's pod on a node. */
export const anAgentPod = (node: string, change: Partial<Pod> = {}): Pod =>
  aPod('node-role', {
    name: `eks-pod-identity-agent-on-${node}`,
    serviceAccount: 'default',
    node,
    hostNetwork: true,
    labels: { 'app.kubernetes.io/name': 'eks-pod-identity-agent' },
    owner: { kind: 'DaemonSet', name: 'eks-pod-identity-agent' },
    containers: [aContainer({ name: 'eks-pod-identity-agent' })],
    ...change,
  });

/** EKS's own, as it makes it. */
export const podIdentityWebhook = (change: Partial<MutatingWebhook> = {}): MutatingWebhook => ({
  configuration: 'pod-identity-webhook',
  name: 'iam-for-pods.amazonaws.com',
  failurePolicy: 'Ignore',
  reviewVersions: ['v1beta1'],
  ...change,
});

/** What the driver's namespace has. */
export const someWorkloads = (): Workload[] => [
  aWorkload(),
  aWorkload({ kind: 'DaemonSet', name: 'ebs-csi-node', serviceAccount: 'ebs-csi-node-sa' }),
  agentDaemonSet(),
];

export const anEvidence = (change: Partial<PodEvidence> = {}): PodEvidence => ({
  namespace: NAMESPACE,
  name: 'ebs-csi-controller-1',
  uid: 'uid-1',
  serviceAccount: SERVICE_ACCOUNT,
  identity: 'pod-identity',
  ready: true,
  createdAt: at(0),
  evidence: 'AWS_CONTAINER_CREDENTIALS_FULL_URI in all 2 containers',
  ...change,
});

export const aRequest = (change: Partial<MigrationRequestInput> = {}): AddonRequest => ({
  ...migrationRequest.parse({ target, addon: ADDON, ...change }),
  addon: change.addon ?? ADDON,
});

/** The roles of the steps that change something in EKS, as a deployment names them. */
export const STEP_ROLES = Object.fromEntries(
  ACTING_STEPS.map((step) => [step, `arn:aws:iam::${ACCOUNT}:role/${step}`]),
) as Record<ActingStep, string>;

/** What IAM says to all calls of these ways; of those that there could be by default. */
export const answeredRights = (
  facts: Facts,
  answerOf: (call: Call) => CallAnswer = () => ({ decision: 'allowed' }),
  ways: readonly Attempt[] = [IN_PLACE, RECREATE_PRESERVING, RECREATE, ASSOCIATE],
): RightsFact => ({
  roles: STEP_ROLES,
  answers: Object.fromEntries(
    callsOf(facts, plannedAssociations(facts), ways).map((call) => [callKey(call), answerOf(call)]),
  ),
});

export const ofAws = (name: string): { name: string; arn: string } => ({
  name,
  arn: `arn:aws:iam::aws:policy/${name}`,
});
/** The role of the cluster's nodes, as its access entry and IAM have it. */
export const aNodeRole = (
  change: Partial<{ arn: string } & RolePoliciesFact> = {},
): { arn: string } & RolePoliciesFact => ({
  arn: NODE_ROLE,
  policies: [ofAws('AmazonEKSWorkerNodePolicy'), ofAws('AmazonEKS_CNI_Policy')],
  ...change,
});

/** Facts from which a plan says `migrate`. */
/** The setting `roleGrants` that names every role and everybody: for tests of anything else than who may be given a role. */
export const GRANTED: RoleGrant[] = [{ roles: ['*'], clusters: ['cluster/*'], serviceAccounts: ['*/*'] }];

export const someFacts = (change: Partial<AddonFacts> = {}): AddonFacts => {
  const facts = factsWithoutRights(change);
  return { ...facts, rights: change.rights ?? answeredRights(facts) };
};

const factsWithoutRights = (change: Partial<AddonFacts>): AddonFacts => ({
  request: aRequest(),
  cluster: aCluster(),
  addon: anAddon(),
  agentAddon: anAgentAddon(),
  offered: offeredVersions(),
  ...aConfiguration(),
  namespace: NAMESPACE,
  roles: { [ROLE]: { trustPolicy: parseTrust(bothWays) } },
  oidcProvider: { seen: true },
  passableRoleArns: [ROLES_OF_ACCOUNT],
  repairableRoleArns: [],
  roleUsers: { addons: [], associations: [], more: false },
  rolePolicies: { [ROLE]: { policies: [] } },
  rights: { roles: {}, answers: {} },
  associations: [],
  associationCount: 0,
  customResources: [],
  bystanderAssociations: [],
  annotated: { seen: [] },
  pods: [aPod('irsa'), aNodePod()],
  consumers: { objects: {}, unread: [] },
  workloads: someWorkloads(),
  agentWorkload: agentDaemonSet(),
  nodes: { seen: [aNode(), aNode({ name: 'node-2' })] },
  agentPods: { seen: [anAgentPod('node-1'), anAgentPod('node-2')] },
  webhooks: { seen: [podIdentityWebhook()] },
  nodeRoles: { roles: [aNodeRole()] },
  ...change,
});

/** The ways to make the change, least disturbing first. */
export const IN_PLACE: Attempt = {
  strategy: 'in-place',
  preserve: false,
  disruption: 'rolling',
  resolveConflicts: 'PRESERVE',
};
export const RECREATE_PRESERVING: Attempt = {
  strategy: 'recreate',
  preserve: true,
  disruption: 'rolling',
  resolveConflicts: 'NONE',
};
export const RECREATE: Attempt = {
  strategy: 'recreate',
  preserve: false,
  disruption: 'outage',
  resolveConflicts: 'NONE',
};

/** With the hash that its content and that request give, unless it has one. */
const sealed = (plan: Plan, request: MigrationRequest = aRequest()): Plan => ({
  ...plan,
  hash: plan.hash === '' ? hashOf(plan, request) : plan.hash,
});

/** A plan that allows the change, as the default request gets it. */
export const aPlan = (change: Partial<Plan> = {}): Plan =>
  sealed({
    verdict: 'migrate',
    strategy: 'auto',
    preserve: false,
    attempts: [IN_PLACE, RECREATE_PRESERVING],
    checks: [{ id: 'cluster-exists', status: 'pass', message: 'Cluster dev is ACTIVE.' }],
    steps: [],
    addon: anAddon(),
    namespace: NAMESPACE,
    associations: [planned],
    identityLosses: [],
    existing: [],
    purge: [],
    carryOver: [],
    trustRepairs: [],
    owners: [],
    found: 'f'.repeat(64),
    hash: '',
    ...change,
  });

export const aSnapshot = (change: Partial<AddonSnapshot> = {}): AddonSnapshot => ({
  takenAt: at(0),
  addon: anAddon(),
  namespace: NAMESPACE,
  planned: [planned],
  identityLosses: [],
  bystanders: [],
  associations: [],
  trustPolicies: { [ROLE]: bothWays },
  ...change,
});

/** Its plan has the hash that it has with its request. */
/** One that a person asked for after `needs-human`, and that Recover carries out. */
export const aRollback = (change: Partial<Rollback> = {}): Rollback => ({
  id: `${MIGRATION_ID}-1767603600`,
  state: 'running',
  cause: 'requested',
  after: 'needs-human',
  startedAt: at(0),
  executionArn: RECOVERY_EXECUTION,
  ...change,
});

export const aRetirement = (change: Partial<Retirement> = {}): Retirement => ({
  id: `${MIGRATION_ID}-01JD8Z5Q6R7S8T9V0W1X2Y3Z4C`,
  state: 'running',
  action: 'retire',
  dryRun: false,
  soakDays: 7,
  startedAt: at(0),
  executionArn: executionArn(`${MIGRATION_ID}-01JD8Z5Q6R7S8T9V0W1X2Y3Z4C`, 'Retire'),
  ...change,
});

export const aMigration = (change: Partial<Migration> = {}): Migration => {
  const record = aRecord(change);
  return record.plan ? { ...record, plan: sealed({ ...record.plan, hash: '' }, record.request) } : record;
};

const aRecord = (change: Partial<Migration>): Migration => ({
  ...newMigration({ migrationId: MIGRATION_ID, request: aRequest(), executionArn: EXECUTION, startedAt: at(0) }),
  plan: aPlan(),
  ...change,
});
