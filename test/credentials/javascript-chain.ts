/**
 * Runs the credential chain of the AWS SDK for JavaScript as it would run in a container of a pod: with the variables that
 * the kubelet sets, and the files of its token volumes. Connections to every host lead to a server of this process, which
 * plays the agent of EKS Pod Identity and other endpoints. It knows nothing of the service's own reading of pods.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { vi } from 'vitest';

export interface EnvEntry {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: { name: string; key: string; optional?: boolean } };
}
export interface KubeContainer {
  name: string;
  image?: string;
  env?: EnvEntry[];
  envFrom?: { secretRef: { name: string } }[];
  volumeMounts?: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[];
}
export interface KubeVolume {
  name: string;
  emptyDir?: object;
  projected?: { sources: { serviceAccountToken?: { audience?: string; path: string } }[] };
}
export interface KubePod {
  metadata: { name: string; annotations?: Record<string, string> };
  spec: {
    serviceAccountName?: string;
    initContainers?: KubeContainer[];
    containers: KubeContainer[];
    volumes?: KubeVolume[];
  };
}

/** From where the SDK got credentials; `other`: from another endpoint. */
export type Outcome = 'agent' | 'static-keys' | 'irsa' | 'ecs' | 'other' | 'none';

const AGENTS = new Set(['169.254.170.23', '[fd00:ec2::23]']);
const tokenFor = (audience: string | undefined): string => `token for ${audience ?? 'the API server'}`;
const AGENT_TOKEN = tokenFor('pods.eks.amazonaws.com');
const FILES = ['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'];

/** Returns the variables of a container. An optional Secret does not exist; others have a value for every key. */
function variablesOf({ env = [] }: KubeContainer): Map<string, string> {
  const variables = new Map<string, string>();
  for (const { name, value, valueFrom } of env) {
    if (valueFrom?.secretKeyRef.optional === true) continue;
    const text = valueFrom ? `secret-${name}` : (value ?? '');
    variables.set(
      name,
      text.replaceAll(/\$\$|\$\(([^)]+)\)/g, (all, other: string | undefined) =>
        other === undefined ? '$' : (variables.get(other) ?? all),
      ),
    );
  }
  return variables;
}

const depth = (path: string): number => path.split('/').length;

/** Writes the tokens that the container finds below `root`. A mount hides what is mounted above it. */
function writeFiles(root: string, { volumeMounts = [] }: KubeContainer, volumes: readonly KubeVolume[]): void {
  for (const { name, mountPath, subPath = '' } of volumeMounts.toSorted(
    (a, b) => depth(a.mountPath) - depth(b.mountPath),
  )) {
    const place = join(root, mountPath);
    rmSync(place, { recursive: true, force: true });
    for (const { serviceAccountToken: token } of volumes.find((one) => one.name === name)?.projected?.sources ?? []) {
      if (!token) continue;
      const isWhole = subPath === '' || token.path.startsWith(`${subPath}/`);
      if (!isWhole && token.path !== subPath) continue;
      const file = isWhole ? join(place, subPath === '' ? token.path : token.path.slice(subPath.length + 1)) : place;
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, tokenFor(token.audience));
    }
  }
}

const CREDENTIALS = (id: Outcome): object => ({
  AccessKeyId: id,
  SecretAccessKey: 'secret',
  Token: 'token',
  Expiration: '2100-01-01T00:00:00Z',
});

export interface JavaScriptChain {
  outcomeOf: (pod: KubePod, container: KubeContainer) => Promise<Outcome>;
  close: () => Promise<void>;
}

/** Opens the server and directs all connections of this process to it, until it is closed. */
export async function openChain(): Promise<JavaScriptChain> {
  const directory = mkdtempSync(join(tmpdir(), 'javascript-chain-'));
  const server = http.createServer(({ headers: { host = '', authorization }, url }, response) => {
    const answer = (status: number, body: object): void =>
      void response.writeHead(status, { connection: 'close' }).end(JSON.stringify(body));
    if (!AGENTS.has(host)) answer(200, CREDENTIALS(host === '169.254.170.2' ? 'ecs' : 'other'));
    else if (url === '/v1/credentials' && authorization === AGENT_TOKEN) answer(200, CREDENTIALS('agent'));
    else answer(400, { Code: 'AccessDeniedException' });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const connections = vi
    .spyOn(http.Agent.prototype, 'createConnection')
    .mockImplementation(() => connect(port, '127.0.0.1'));
  const warnings = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  let number = 0;

  const outcomeOf: JavaScriptChain['outcomeOf'] = async ({ spec: { volumes = [] } }, container) => {
    const root = join(directory, String((number += 1)));
    mkdirSync(root);
    writeFiles(root, container, volumes);
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
    vi.stubEnv('HOME', directory);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    for (const [name, value] of variablesOf(container)) {
      const slashed = value.replace(/^C:/, '').replaceAll('\\', '/');
      vi.stubEnv(name, FILES.includes(name) && slashed.startsWith('/') ? join(root, slashed) : value);
    }
    try {
      const credentials = await defaultProvider({
        maxRetries: 0,
        roleAssumerWithWebIdentity: async ({ WebIdentityToken: token }) => {
          if (token === AGENT_TOKEN) throw new Error('InvalidIdentityToken');
          return Promise.resolve({ accessKeyId: 'irsa', secretAccessKey: 'secret' });
        },
      })();
      const known: Outcome[] = ['agent', 'irsa', 'ecs', 'other'];
      return known.find((one) => one === credentials.accessKeyId) ?? 'static-keys';
    } catch {
      return 'none';
    } finally {
      vi.unstubAllEnvs();
      rmSync(root, { recursive: true });
    }
  };
  const close = async (): Promise<void> => {
    connections.mockRestore();
    warnings.mockRestore();
    rmSync(directory, { recursive: true });
    server.closeAllConnections();
    await new Promise((resolve) => void server.close(resolve));
  };
  return { outcomeOf, close };
}
