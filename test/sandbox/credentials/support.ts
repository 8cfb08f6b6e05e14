/** A world with a cluster whose pods have AWS identities, and functions to request their credentials. */
import { CreatePodIdentityAssociationCommand } from '@aws-sdk/client-eks';
import { SignatureV4 } from '@smithy/signature-v4';
import { Sha256 } from '@aws-crypto/sha256-js';
import type { AwsCredentialIdentity } from '@smithy/types';
import { createEksAuthService } from '../../../sandbox/eks-auth/service.ts';
import { createEksService } from '../../../sandbox/eks/service.ts';
import { credentialsOfPod } from '../../../sandbox/credentials/sessions.ts';
import type { Gateway } from '../../../sandbox/gateway/gateway.ts';
import { deletePod } from '../../../sandbox/kubernetes/controllers.ts';
import type { Pod } from '../../../sandbox/objects/objects.ts';
import { isActive, isReady } from '../../../sandbox/kubernetes/pods.ts';
import { listObjects } from '../../../sandbox/objects/store.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import {
  ACCOUNT,
  clientsOf,
  clusterWorld,
  openGateway,
  operator,
  podIdentityTrust,
  policyOf,
  REGION,
  ROLE,
} from '../support.ts';

export const OIDC = '0123456789ABCDEF0123456789ABCDEF';
export const ISSUER = `oidc.eks.${REGION}.amazonaws.com/id/${OIDC}`;
export const NODES = `arn:aws:iam::${ACCOUNT}:role/dev-nodes`;
export const CONTROLLER = 'ebs-csi-controller-sa';
const OF_CONTROLLER = { namespace: 'kube-system', serviceAccount: CONTROLLER };
export const CLUSTER_ARN = `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/dev`;

/** Statement that trusts the cluster's tokens. */
export const irsaStatement = {
  Effect: 'Allow',
  Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/${ISSUER}` },
  Action: 'sts:AssumeRoleWithWebIdentity',
  Condition: {
    StringEquals: {
      [`${ISSUER}:sub`]: `system:serviceaccount:kube-system:${CONTROLLER}`,
      [`${ISSUER}:aud`]: 'sts.amazonaws.com',
    },
  },
};
/** Returns a statement that trusts EKS Auth, under these conditions. */
export const podsStatement = (Condition?: object) => ({
  ...podIdentityTrust.Statement[0],
  ...(Condition ? { Condition } : {}),
});

export interface Setting {
  trust?: object[];
  knobs?: Record<string, unknown>;
  faults?: object[];
  /** Changes the cluster of the scenario file. */
  cluster?: Record<string, unknown>;
  roles?: object[];
  /** The add-on's pods start with this association; with IRSA if undefined. */
  association?: Record<string, unknown>;
}

export interface CredentialLab {
  world: World;
  cluster: ClusterState;
  gateway: Gateway;
  eks: ReturnType<ReturnType<typeof clientsOf>['eks']>;
  iam: ReturnType<ReturnType<typeof clientsOf>['iam']>;
  pass: (seconds: number) => void;
  /** Returns the controller's active pods. */
  pods: () => Pod[];
  /** Returns the credentials of the first of them. */
  has: () => ReturnType<typeof credentialsOfPod>[number] | undefined;
  /** Replaces all of them. */
  restart: () => void;
}

export const openLab = ({
  trust = [irsaStatement, podsStatement()],
  knobs = {},
  faults = [],
  cluster,
  roles = [],
  association,
}: Setting = {}): CredentialLab => {
  const addon = { name: 'aws-ebs-csi-driver', version: 'v1.38.1-eksbuild.1', createdAt: '2025-06-01T00:00:00.000Z' };
  const agent = { name: 'eks-pod-identity-agent', version: 'v1.3.4-eksbuild.1', createdAt: '2025-06-01T00:00:00.000Z' };
  const createdAt = '2025-05-01T00:00:00.000Z';
  const associations = association ? [{ ...OF_CONTROLLER, roleArn: ROLE, createdAt, ...association }] : [];
  const addons = [{ ...addon, ...(association ? {} : { serviceAccountRoleArn: ROLE }) }, agent];
  const { world, cluster: state } = clusterWorld(
    { nodes: 2, oidcId: OIDC, addons, associations, ...cluster },
    { roles: [{ arn: ROLE, trustPolicy: policyOf(...trust) }, ...roles] },
    { knobs: { podReadySeconds: 2, podTerminationSeconds: 1, ...knobs }, faults },
  );
  const gateway = openGateway(world, { eks: createEksService(world), 'eks-auth': createEksAuthService(world) });
  const clients = clientsOf(gateway, world);
  const pass: CredentialLab['pass'] = (seconds) => world.schedule.advanceTo(world.schedule.now() + seconds * 1000);
  const pods: CredentialLab['pods'] = () =>
    listObjects(state.kube, 'Pod').filter(
      (pod) => pod.spec.serviceAccountName === CONTROLLER && isActive(pod) && isReady(pod),
    );
  return {
    world,
    cluster: state,
    gateway,
    eks: clients.eks(),
    iam: clients.iam(),
    pass,
    pods,
    has: () => {
      const [pod] = pods();
      return pod && credentialsOfPod(world, state, pod)[0];
    },
    restart: () => {
      for (const { metadata } of pods()) deletePod(world, state, { namespace: 'kube-system', name: metadata.name }, 1);
      pass(20);
    },
  };
};

/** Creates an association of the controller's service account with the role. */
export const associate = ({ eks }: CredentialLab) =>
  eks.send(new CreatePodIdentityAssociationCommand({ clusterName: 'dev', ...OF_CONTROLLER, roleArn: ROLE }));

/** Requests a service account token from the API server, like `kubectl create token`. */
export const tokenFor = async (
  { gateway, world, cluster }: CredentialLab,
  spec: Record<string, unknown>,
  serviceAccount = CONTROLLER,
): Promise<{ status: number; token: string; message: string }> => {
  const credentials = operator(world);
  const { transport } = clientsOf(gateway, world, credentials, 'direct').config;
  const { name, region } = cluster;
  const now = new Date(world.schedule.now());
  const bearer = await transport.eksToken!({ cluster: name, region, credentials, now });
  const answer = await transport.http({
    method: 'POST',
    url: `${cluster.endpoint}/api/v1/namespaces/kube-system/serviceaccounts/${serviceAccount}/token`,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }),
    certificateAuthority: cluster.certificateAuthority,
  });
  const document = JSON.parse(answer.body) as { status?: { token?: string }; message?: string };
  return { status: answer.status, token: document.status?.token ?? '', message: document.message ?? '' };
};

/** Requests a token as the kubelet does for the webhook: for EKS Auth and the first of the controller's pods. */
export const podToken = async (lab: CredentialLab, change: Record<string, unknown> = {}): Promise<string> => {
  const { name, uid } = lab.pods()[0]!.metadata;
  const spec = { audiences: ['pods.eks.amazonaws.com'], boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name, uid } };
  return (await tokenFor(lab, { ...spec, ...change })).token;
};

export interface Assumed {
  status: number;
  error: string | undefined;
  body: {
    message?: string;
    subject?: unknown;
    podIdentityAssociation?: { associationId: string };
    assumedRoleUser?: { arn: string };
    credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken: string; expiration: number };
  };
}

/** Calls AssumeRoleForPodIdentity over the wire, signed, as the agent on a node does. */
export const assumeForPod = async (
  { world, gateway }: CredentialLab,
  token: unknown,
  { cluster = 'dev', as = credentialsOf(world, NODES) }: { cluster?: string; as?: AwsCredentialIdentity } = {},
): Promise<Assumed> => {
  const signer = new SignatureV4({ service: 'eks-auth', region: REGION, credentials: as, sha256: Sha256 });
  const host = `eks-auth.${REGION}.api.aws`;
  const body = JSON.stringify({ token });
  const request = {
    method: 'POST',
    protocol: 'https:',
    hostname: host,
    path: `/clusters/${cluster}/assume-role-for-pod-identity`,
    headers: { host, 'content-type': 'application/json' },
    query: {},
    body,
  };
  const { headers } = await signer.sign(request);
  const answer = await gateway.handle({
    method: 'POST',
    host,
    path: request.path,
    query: {},
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: Buffer.from(body),
  });
  return {
    status: answer.status,
    error: answer.headers['x-amzn-errortype'],
    body: JSON.parse(String(answer.body)) as Assumed['body'],
  };
};
