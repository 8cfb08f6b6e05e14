/** The EBS CSI driver as EKS and the API server of its cluster have it: builders that take what a test changes. */
import type { AddonConfiguration, Cluster, OfferedVersion } from '../../lambdas/domain/aws/eks.ts';
import type {
  Container,
  Mount,
  MutatingWebhook,
  Node,
  Pod,
  ServiceAccountDetail,
  Workload,
} from '../../lambdas/domain/kubernetes/objects.ts';
import type { Addon, Association } from '../../lambdas/domain/terms/observed.ts';
import type { PlannedAssociation } from '../../lambdas/domain/terms/planned.ts';
import type { PodIdentity } from '../../lambdas/domain/terms/evidence.ts';
import type { RolePoliciesFact } from '../../lambdas/domain/plan/facts.ts';
import {
  ACCOUNT,
  ADDON,
  addonArn,
  CLUSTER,
  ISSUER,
  NAMESPACE,
  NODE_ROLE,
  ROLE,
  SERVICE_ACCOUNT,
  VERSION,
} from './example.ts';
import { at } from './run-examples.ts';

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

/** The driver on EKS Pod Identity, by the associations with those ARNs. */
export const aMigratedAddon = (podIdentityAssociations: string[], change: Partial<Addon> = {}): Addon =>
  anAddon({ serviceAccountRoleArn: undefined, podIdentityAssociations, ...change });

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
