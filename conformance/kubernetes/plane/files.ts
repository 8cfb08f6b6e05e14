/** Writes the files that the programs of a control plane read: certificates, keys, tokens, kubeconfigs, configurations. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createServerCertificate } from '../../../sandbox/transports/certificates.ts';
import { HOST } from './flags.ts';
import type { PlaneFiles, Ports } from './flags.ts';
import type { ControlPlaneOptions, Webhook } from './options.ts';
import { kwokConfiguration } from './stages.ts';

export interface Secrets {
  ca: string;
  certificate: string;
  privateKey: string;
  serviceAccountKey: string;
  tokens: { administrator: string; controllerManager: string; scheduler: string; kwok: string };
}

const newToken = (): string => randomBytes(16).toString('hex');

/** Creates certificates, a key for service accounts' tokens, and a token for each client of the API server. */
export const createSecrets = async (): Promise<Secrets> => {
  const { authority, certificate, privateKey } = await createServerCertificate();
  return {
    ca: authority,
    certificate,
    privateKey,
    serviceAccountKey: generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    }).privateKey,
    tokens: {
      administrator: newToken(),
      controllerManager: newToken(),
      scheduler: newToken(),
      kwok: newToken(),
    },
  };
};

interface Kubeconfig {
  server: string;
  ca: string;
  token?: string;
}

/** Returns a kubeconfig with one context. The configuration of a webhook has this format as well. */
const kubeconfigOf = ({ server, ca, token }: Kubeconfig): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'conformance', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
    users: [{ name: 'conformance', user: token === undefined ? {} : { token } }],
    contexts: [{ name: 'conformance', context: { cluster: 'conformance', user: 'conformance' } }],
    'current-context': 'conformance',
  });

const webhookConfiguration = ({ url, ca }: Webhook): string => kubeconfigOf({ server: url, ca });

const tokenLines = ({ tokens }: Secrets): string =>
  [
    [tokens.administrator, 'conformance:administrator', 'administrator', 'system:masters'],
    [tokens.controllerManager, 'system:kube-controller-manager', 'controller-manager'],
    [tokens.scheduler, 'system:kube-scheduler', 'scheduler'],
    // Reports the status of nodes and pods, of which the authorization mode "Node" allows a kubelet only its own.
    [tokens.kwok, 'conformance:kwok', 'kwok', 'system:masters'],
  ]
    .map((fields) => `${fields.join(',')}\n`)
    .join('');

const ANONYMOUS_PATHS = {
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'AuthenticationConfiguration',
  anonymous: { enabled: true, conditions: ['/healthz', '/livez', '/readyz'].map((path) => ({ path })) },
};

const filesIn = (directory: string): PlaneFiles => ({
  data: join(directory, 'etcd'),
  authority: join(directory, 'authority.pem'),
  certificate: join(directory, 'server.pem'),
  privateKey: join(directory, 'server.key'),
  serviceAccountKey: join(directory, 'service-account.key'),
  tokens: join(directory, 'tokens.csv'),
  authentication: join(directory, 'authentication.yaml'),
  tokenWebhook: join(directory, 'token-webhook.yaml'),
  authorizationWebhook: join(directory, 'authorization-webhook.yaml'),
  controllerManager: join(directory, 'controller-manager.kubeconfig'),
  scheduler: join(directory, 'scheduler.kubeconfig'),
  kwok: join(directory, 'kwok.kubeconfig'),
  kwokConfiguration: join(directory, 'kwok.yaml'),
  administrator: join(directory, 'kubeconfig'),
});

/** Writes all files into the directory, which is created. Only the user can read them. */
export const writeFiles = (
  directory: string,
  options: ControlPlaneOptions,
  secrets: Secrets,
  ports: Ports,
): PlaneFiles => {
  const files = filesIn(directory);
  const { ca, certificate, privateKey, serviceAccountKey, tokens } = secrets;
  const server = `https://${HOST}:${ports.apiServer}`;
  const write = (path: string, text: string): void => writeFileSync(path, text, { mode: 0o600 });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  write(files.authority, ca);
  write(files.certificate, certificate);
  write(files.privateKey, privateKey);
  write(files.serviceAccountKey, serviceAccountKey);
  write(files.tokens, tokenLines(secrets));
  write(files.authentication, stringify(ANONYMOUS_PATHS));
  if (options.authentication) write(files.tokenWebhook, webhookConfiguration(options.authentication));
  if (options.authorization) write(files.authorizationWebhook, webhookConfiguration(options.authorization));
  write(files.controllerManager, kubeconfigOf({ server, ca, token: tokens.controllerManager }));
  write(files.scheduler, kubeconfigOf({ server, ca, token: tokens.scheduler }));
  write(files.kwok, kubeconfigOf({ server, ca, token: tokens.kwok }));
  write(files.administrator, kubeconfigOf({ server, ca, token: tokens.administrator }));
  write(
    files.kwokConfiguration,
    kwokConfiguration(options)
      .map((one) => stringify(one))
      .join('---\n'),
  );
  return files;
};
