/**
 * Service account tokens, as an API server signs them for a pod: JSON Web Tokens with the claims that STS and EKS Auth
 * check, signed with RS256, as EKS does. Source: Kubernetes, "Managing Service Accounts", "Bound service account
 * token".
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { ClusterState } from '../world/world.ts';

/** The service account of a token. */
export interface TokenSubject {
  namespace: string;
  serviceAccount: { name: string; uid: string };
  /** Undefined if the token is not bound to a pod. */
  pod?: { name: string; uid: string };
}

export interface TokenClaims extends TokenSubject {
  issuer: string;
  audiences: string[];
  /** Seconds since 1970. */
  issuedAt: number;
  expiresAt: number;
}

/** Kubernetes' default issuer, for a cluster without an OIDC issuer. */
const DEFAULT_ISSUER = 'https://kubernetes.default.svc';

export const issuerOf = ({ oidcIssuer = DEFAULT_ISSUER }: ClusterState): string => oidcIssuer;

/** Keys are created with the first token: most clusters of a run sign none. */
const keys = new WeakMap<ClusterState, { privateKey: KeyObject; publicKey: KeyObject }>();

const keysOf = (cluster: ClusterState): { privateKey: KeyObject; publicKey: KeyObject } => {
  const known = keys.get(cluster);
  if (known) return known;
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const created = { privateKey: createPrivateKey(privateKey), publicKey: createPublicKey(privateKey) };
  keys.set(cluster, created);
  return created;
};

const ALGORITHM = 'RSA-SHA256';
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Returns a signed token with these claims. `id`: the token's `jti`. */
export const signToken = (cluster: ClusterState, claims: TokenClaims, id: string): string => {
  const { namespace, serviceAccount, pod, issuer, audiences, issuedAt, expiresAt } = claims;
  const head = encoded({ alg: 'RS256', typ: 'JWT' });
  const body = encoded({
    aud: audiences,
    exp: expiresAt,
    iat: issuedAt,
    iss: issuer,
    jti: id,
    'kubernetes.io': { namespace, ...(pod ? { pod } : {}), serviceaccount: serviceAccount },
    nbf: issuedAt,
    sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
  });
  const signature = sign(ALGORITHM, Buffer.from(`${head}.${body}`), keysOf(cluster).privateKey);
  return `${head}.${body}.${signature.toString('base64url')}`;
};

interface Payload {
  aud: string[];
  exp: number;
  iat: number;
  iss: string;
  'kubernetes.io': { namespace: string; pod?: TokenSubject['pod']; serviceaccount: TokenSubject['serviceAccount'] };
}

/** Returns the claims of a token that one of the clusters signed; undefined for any other text. */
export const readToken = (
  clusters: Iterable<ClusterState>,
  token: string,
): { cluster: ClusterState; claims: TokenClaims } | undefined => {
  const [head, body, signature, ...more] = token.split('.');
  if (head === undefined || body === undefined || signature === undefined || more.length > 0) return undefined;
  for (const cluster of clusters) {
    const signed = keys.get(cluster);
    if (!signed) continue;
    const good = verify(
      ALGORITHM,
      Buffer.from(`${head}.${body}`),
      signed.publicKey,
      Buffer.from(signature, 'base64url'),
    );
    if (!good) continue;
    const payload = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Payload;
    const { namespace, pod, serviceaccount } = payload['kubernetes.io'];
    return {
      cluster,
      claims: {
        namespace,
        serviceAccount: serviceaccount,
        ...(pod ? { pod } : {}),
        issuer: payload.iss,
        audiences: payload.aud,
        issuedAt: payload.iat,
        expiresAt: payload.exp,
      },
    };
  }
  return undefined;
};
