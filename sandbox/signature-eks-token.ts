/**
 * Bearer tokens for the Kubernetes API: `k8s-aws-v1.` and a presigned GetCallerIdentity URL. The checks are those of
 * EKS's authenticator (github.com/kubernetes-sigs/aws-iam-authenticator, pkg/token/token.go).
 */
import { hostOf, partitionOf } from '../lambdas/domain/aws/partitions.ts';
import type { Caller, HttpRequest } from './http.ts';
import { parseTimestamp, verifySignature } from './signature.ts';
import type { KeyRing } from './signature.ts';

const PREFIX = 'k8s-aws-v1.';
const MAX_TOKEN_LENGTH = 4096;
const CLUSTER_HEADER = 'x-k8s-aws-id';
/** STS's global endpoint, which only the partition `aws` has. */
const GLOBAL_STS = 'sts.amazonaws.com';
/** A token is valid for 15 minutes after its date, regardless of X-Amz-Expires. */
const TOKEN_LIFETIME = 15 * 60_000;
const PARAMETERS = new Set([
  'action',
  'version',
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
  'x-amz-user-agent',
]);

/**
 * Returns whether the host is an STS host of the partition: the authenticator accepts only hosts of its own cluster's
 * partition.
 */
const isStsHost = (host: string, partition: string): boolean => {
  if (host === GLOBAL_STS) return partition === 'aws';
  const [, region = ''] = /^sts\.([a-z0-9-]+)\./.exec(host) ?? [];
  return host === hostOf('sts', region) && partitionOf(region) === partition;
};

/** Returns the presigned request inside a token, or why the token is malformed. */
const readToken = (token: string, region: string, addresses: ReadonlySet<string>): URL | { refused: string } => {
  if (!token.startsWith(PREFIX)) return { refused: `token is missing expected "${PREFIX}" prefix` };
  if (token.length > MAX_TOKEN_LENGTH) return { refused: 'token is too large' };
  const url = URL.parse(Buffer.from(token.slice(PREFIX.length), 'base64url').toString('utf8'));
  if (!url) return { refused: 'token does not hold a URL' };
  if (!addresses.has(url.origin)) {
    if (url.protocol !== 'https:') return { refused: `unexpected scheme "${url.protocol}" in pre-signed URL` };
    if (!isStsHost(url.host, partitionOf(region)))
      return { refused: `unexpected hostname "${url.host}" in pre-signed URL` };
  }
  if (url.pathname !== '/') return { refused: 'unexpected path in pre-signed URL' };
  const seen = new Set<string>();
  for (const name of url.searchParams.keys()) {
    const lower = name.toLowerCase();
    if (!PARAMETERS.has(lower)) return { refused: `non-whitelisted query parameter "${name}"` };
    if (seen.has(lower)) return { refused: `query parameter with multiple values not supported: "${name}"` };
    seen.add(lower);
  }
  return url;
};

export interface TokenOptions {
  /**
   * Origins (http://127.0.0.1:4566) at which this AWS's STS answers in addition to its own hosts; `aws eks get-token`
   * presigns for such an origin if AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_STS is set.
   */
  addresses?: ReadonlySet<string>;
}

/**
 * Returns the token's caller, or why the cluster would answer 401. `now` is the time on the clock of the signers, in
 * milliseconds since 1970.
 */
export const verifyEksToken = (
  keys: KeyRing,
  token: string,
  cluster: { name: string; region: string },
  now: number,
  { addresses = new Set() }: TokenOptions = {},
): Caller | { refused: string } => {
  const url = readToken(token, cluster.region, addresses);
  if (!(url instanceof URL)) return url;
  const query = Object.fromEntries(url.searchParams);
  if (query['Action'] !== 'GetCallerIdentity') return { refused: 'unexpected action parameter in pre-signed URL' };
  const expires = Number(query['X-Amz-Expires']);
  if (!Number.isInteger(expires) || expires < 0 || expires > 900)
    return { refused: `invalid X-Amz-Expires parameter in pre-signed URL: ${query['X-Amz-Expires'] ?? 'none'}` };
  if (!(query['X-Amz-SignedHeaders'] ?? '').split(';').includes(CLUSTER_HEADER)) {
    return { refused: `client did not sign the ${CLUSTER_HEADER} header in the pre-signed URL` };
  }
  const signedAt = parseTimestamp(query['X-Amz-Date'] ?? '');
  if (Number.isNaN(signedAt)) return { refused: 'X-Amz-Date parameter is not a date' };
  if (signedAt + TOKEN_LIFETIME < now) return { refused: 'X-Amz-Date parameter is expired (15 minutes)' };

  const request: HttpRequest = {
    method: 'GET',
    host: url.host,
    path: '/',
    query,
    headers: { host: url.host, [CLUSTER_HEADER]: cluster.name },
    body: new Uint8Array(),
  };
  const verified = verifySignature(request, keys, now);
  if (!verified.ok) return { refused: `input token was not properly formatted: ${verified.message}` };
  if (verified.service !== 'sts') return { refused: `token is signed for ${verified.service}, not for sts` };
  return verified.caller;
};
