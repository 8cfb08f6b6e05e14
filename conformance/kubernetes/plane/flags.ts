/** The flags of each program of a control plane, as a function of its files and ports. Pure. */
import type { KubernetesVersion } from '../build/tools.ts';
import type { ControlPlaneOptions } from './options.ts';

export interface Ports {
  etcd: number;
  etcdPeer: number;
  apiServer: number;
}

/** Paths of the files that the programs read, and of the directory for etcd's data. */
export interface PlaneFiles {
  data: string;
  authority: string;
  certificate: string;
  privateKey: string;
  serviceAccountKey: string;
  tokens: string;
  authentication: string;
  tokenWebhook: string;
  authorizationWebhook: string;
  controllerManager: string;
  scheduler: string;
  kwok: string;
  kwokConfiguration: string;
  administrator: string;
}

export const HOST = '127.0.0.1';
/** The addresses that EKS gives to Services in a VPC whose own are not in 10.0.0.0/8. */
const SERVICE_ADDRESSES = '10.100.0.0/16';
/** An address from RFC 6598, as pods have with custom networking: never that of a node. */
const POD_ADDRESSES = '100.64.0.0/10';
/** The API server announces an address that is not of the loopback interface, and nobody connects to it (RFC 5737). */
const ANNOUNCED_ADDRESS = '192.0.2.1';
/** EKS allows anonymous requests only for the health paths since this version; the API server can, too. */
const FIRST_WITH_ANONYMOUS_PATHS = 32;
export const DEFAULT_ISSUER = 'https://kubernetes.default.svc.cluster.local';

const minorOf = (version: KubernetesVersion): number => Number(version.split('.')[1]);

/** Returns whether the API server of this version reads an AuthenticationConfiguration with paths for anonymous requests. */
const hasAnonymousPaths = (version: KubernetesVersion): boolean => minorOf(version) >= FIRST_WITH_ANONYMOUS_PATHS;

export const etcdFlags = (ports: Ports, files: PlaneFiles): string[] => {
  const client = `http://${HOST}:${ports.etcd}`;
  const peer = `http://${HOST}:${ports.etcdPeer}`;
  return [
    '--name=default',
    `--data-dir=${files.data}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // The data lives as long as the process, and a single member elects itself.
    '--unsafe-no-fsync',
    '--heartbeat-interval=20',
    '--election-timeout=200',
    '--log-level=warn',
  ];
};

const webhookFlags = ({ authentication, authorization }: ControlPlaneOptions, files: PlaneFiles): string[] => [
  `--authorization-mode=Node,RBAC${authorization ? ',Webhook' : ''}`,
  ...(authentication
    ? [
        `--authentication-token-webhook-config-file=${files.tokenWebhook}`,
        '--authentication-token-webhook-version=v1',
        `--authentication-token-webhook-cache-ttl=${authentication.cacheSeconds ?? 10}s`,
      ]
    : []),
  ...(authorization
    ? [
        `--authorization-webhook-config-file=${files.authorizationWebhook}`,
        '--authorization-webhook-version=v1',
        `--authorization-webhook-cache-authorized-ttl=${authorization.cacheSeconds ?? 0}s`,
        `--authorization-webhook-cache-unauthorized-ttl=${authorization.cacheSeconds ?? 0}s`,
      ]
    : []),
];

export const apiServerFlags = (options: ControlPlaneOptions, ports: Ports, files: PlaneFiles): string[] => [
  `--etcd-servers=http://${HOST}:${ports.etcd}`,
  `--bind-address=${HOST}`,
  `--advertise-address=${ANNOUNCED_ADDRESS}`,
  `--secure-port=${ports.apiServer}`,
  `--tls-cert-file=${files.certificate}`,
  `--tls-private-key-file=${files.privateKey}`,
  `--client-ca-file=${files.authority}`,
  `--service-account-key-file=${files.serviceAccountKey}`,
  `--service-account-signing-key-file=${files.serviceAccountKey}`,
  `--service-account-issuer=${options.issuer ?? DEFAULT_ISSUER}`,
  `--service-cluster-ip-range=${SERVICE_ADDRESSES}`,
  `--token-auth-file=${files.tokens}`,
  ...(hasAnonymousPaths(options.version) ? [`--authentication-config=${files.authentication}`] : []),
  ...webhookFlags(options, files),
  '--enable-admission-plugins=NodeRestriction',
  '--allow-privileged=true',
  '--profiling=false',
  ...(options.apiServerFlags ?? []),
];

/** Controllers that call a cloud's API, which there is none of. */
const OF_A_CLOUD = ['cloud-node-lifecycle-controller', 'service-lb-controller', 'node-route-controller'];

export const controllerManagerFlags = (
  { withoutControllers = [] }: ControlPlaneOptions,
  files: PlaneFiles,
): string[] => [
  `--kubeconfig=${files.controllerManager}`,
  `--root-ca-file=${files.authority}`,
  `--service-account-private-key-file=${files.serviceAccountKey}`,
  '--use-service-account-credentials=true',
  `--controllers=${['*', ...[...OF_A_CLOUD, ...withoutControllers].map((name) => `-${name}`)].join(',')}`,
  '--leader-elect=false',
  // Serves nothing.
  '--secure-port=0',
  // The defaults would make 200 pods of a DaemonSet wait for the client, which says nothing about the controllers.
  '--kube-api-qps=500',
  '--kube-api-burst=1000',
  '--profiling=false',
];

export const schedulerFlags = (files: PlaneFiles): string[] => [
  `--kubeconfig=${files.scheduler}`,
  '--leader-elect=false',
  '--secure-port=0',
  '--kube-api-qps=500',
  '--kube-api-burst=1000',
  '--profiling=false',
];

export const kwokFlags = (files: PlaneFiles): string[] => [
  `--kubeconfig=${files.kwok}`,
  `--config=${files.kwokConfiguration}`,
  '--manage-all-nodes',
  '--node-lease-duration-seconds=40',
  `--cidr=${POD_ADDRESSES}`,
];
