/**
 * Plays every address that an AWS SDK asks for credentials: the agent of EKS Pod Identity, that of ECS, the node's
 * instance metadata, and STS. The workers direct all connections of their SDK here, so that no address is ever called.
 * Access keys in the answers name the place that was asked.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request of an SDK. */
export interface Asked {
  host: string;
  path: string;
  /** The value of the header Authorization of a request to an agent. */
  token?: string;
  /** The role of a web identity. */
  role?: string;
  /** Whether the request came by way of a proxy. */
  isProxied: boolean;
  /** Whether it would have been encrypted: connections with TLS come to a port of their own, in plain text. */
  isSecure: boolean;
}

export interface Endpoints {
  port: number;
  /** The port of connections that use TLS. */
  securePort: number;
  /** The requests since the last call of this function, in order. */
  taken: () => Asked[];
  close: () => Promise<void>;
}

export const KEYS = {
  agent: 'AKIAAGENT',
  ecs: 'AKIAECS',
  other: 'AKIAOTHER',
  irsa: 'AKIAWEBIDENTITY',
  role: 'AKIAROLE',
  node: 'AKIANODE',
} as const;

const AGENTS = new Set(['169.254.170.23', '[fd00:ec2::23]']);
const METADATA = new Set(['169.254.169.254', '[fd00:ec2::254]']);
const ECS = '169.254.170.2';
const EXPIRATION = '2100-01-01T00:00:00Z';
const ROLE_NAME = 'node';

/** The content of a projected token of a service account. */
export const tokenFor = (audience: string | undefined): string => `token for ${audience ?? 'the API server'}`;
export const AGENT_TOKEN = tokenFor('pods.eks.amazonaws.com');
/** Tokens that STS refuses: a provider for IRSA has neither audience. */
const NOT_FOR_STS: ReadonlySet<string | null> = new Set([AGENT_TOKEN, tokenFor(undefined)]);

interface Answer {
  status: number;
  type: 'application/json' | 'text/xml' | 'text/plain';
  body: string;
}

const json = (status: number, body: object): Answer => ({
  status,
  type: 'application/json',
  body: JSON.stringify(body),
});
const text = (status: number, body: string): Answer => ({ status, type: 'text/plain', body });

const keys = (id: string, more: object = {}): Answer =>
  json(200, { AccessKeyId: id, SecretAccessKey: 'secret', Token: 'token', Expiration: EXPIRATION, ...more });

const sts = (action: string, id: string): Answer => ({
  status: 200,
  type: 'text/xml',
  body: `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>${EXPIRATION}</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/r/s</Arn></AssumedRoleUser></${action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></${action}Response>`,
});
const STS_REFUSAL: Answer = {
  status: 400,
  type: 'text/xml',
  body: '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>Incorrect token audience</Message></Error><RequestId>r</RequestId></ErrorResponse>',
};

const metadataAnswer = (path: string): Answer => {
  if (path === '/latest/api/token') return text(200, 'metadata-token');
  const credentials = /^\/latest\/meta-data\/iam\/security-credentials(?:-extended)?\/(.*)$/.exec(path);
  if (!credentials) return text(404, 'not found');
  return credentials[1] === ''
    ? text(200, ROLE_NAME)
    : keys(KEYS.node, { Code: 'Success', Type: 'AWS-HMAC', LastUpdated: '2026-01-01T00:00:00Z' });
};

const isOnNode = (host: string): boolean => AGENTS.has(host) || METADATA.has(host) || host === ECS;

/** Returns the answer of the host that was asked. The agent and STS accept each other's tokens as little as AWS does. */
const answerOf = ({ host, path, token, isProxied, isSecure }: Asked, form: URLSearchParams): Answer => {
  // A proxy has no route to the addresses of a node, where nothing speaks TLS.
  if (isProxied) return text(502, 'no route');
  if (isSecure && isOnNode(host)) return text(502, 'no TLS');
  if (AGENTS.has(host))
    return path === '/v1/credentials' && token === AGENT_TOKEN
      ? keys(KEYS.agent)
      : json(400, { Code: 'AccessDeniedException', Message: 'refused' });
  if (METADATA.has(host)) return metadataAnswer(path);
  const action = form.get('Action');
  if (action === 'AssumeRoleWithWebIdentity')
    return NOT_FOR_STS.has(form.get('WebIdentityToken')) || form.get('RoleArn')?.startsWith('arn:') !== true
      ? STS_REFUSAL
      : sts(action, KEYS.irsa);
  if (action === 'AssumeRole') return sts(action, KEYS.role);
  return keys(host === ECS ? KEYS.ecs : KEYS.other);
};

const bodyOf = async (request: http.IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
};

/** Returns a host in its usual spelling, as connections to it do not depend on that, without the default port. */
const canonical = (host: string): string => (URL.canParse(`http://${host}`) ? new URL(`http://${host}`).host : host);

const askedOf = (
  { url = '', headers: { host = '', authorization } }: http.IncomingMessage,
  form: URLSearchParams,
  isSecure: boolean,
) => {
  const absolute = /^https?:\/\/([^/]+)(.*)$/.exec(url);
  const role = form.get('RoleArn');
  const asked = absolute?.[1] ?? host;
  return {
    host: canonical(asked),
    path: (absolute?.[2] ?? url).replace(/\?.*$/, ''),
    ...(authorization === undefined || authorization.startsWith('AWS4-') ? {} : { token: authorization }),
    ...(role === null ? {} : { role }),
    isProxied: absolute !== null,
    isSecure,
  } satisfies Asked;
};

/** Returns the port of the server, which listens on the loopback interface. */
const portOf = async (server: http.Server): Promise<number> => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

/** Opens the addresses on two ports of the loopback interface. */
export async function openEndpoints(): Promise<Endpoints> {
  let asked: Asked[] = [];
  const serverFor = (isSecure: boolean): http.Server =>
    http
      .createServer((request, response) => {
        void (async () => {
          const form = new URLSearchParams(request.method === 'POST' ? await bodyOf(request) : '');
          const found = askedOf(request, form, isSecure);
          asked.push(found);
          const { status, type, body } = answerOf(found, form);
          response.writeHead(status, {
            connection: 'close',
            'content-type': type,
            'x-aws-ec2-metadata-token-ttl-seconds': '21600',
          });
          response.end(body);
        })();
      })
      .on('connect', ({ url = '' }: http.IncomingMessage, socket) => {
        asked.push({ host: url, path: '', isProxied: true, isSecure });
        socket.end('HTTP/1.1 502 no route\r\nconnection: close\r\n\r\n');
      });
  const servers = [serverFor(false), serverFor(true)] as const;
  const [port, securePort] = await Promise.all([portOf(servers[0]), portOf(servers[1])]);
  return {
    port,
    securePort,
    taken: () => {
      const taken = asked;
      asked = [];
      return taken;
    },
    close: async () => {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => void server.close(resolve));
      }
    },
  };
}
