/**
 * Replaces the signature of a caller in this process: the request comes with the key that it is made with. No request
 * from outside can carry a claim.
 */
import type { AwsCredentialIdentity } from '@smithy/types';
import type { Caller } from './http.ts';
import { type KeyRing, MISMATCH, type Refused, resolveKey, type Verified } from './signature.ts';

type KeyName = Pick<AwsCredentialIdentity, 'accessKeyId' | 'sessionToken'>;

/** A call to an AWS service, as a signature's credential scope would name it. */
export interface AwsClaim extends KeyName {
  service: string;
  region: string;
}
/** A call to a cluster's API server. */
export interface ClusterClaim extends KeyName {
  cluster: string;
}
export type Claim = AwsClaim | ClusterClaim;

const nameOf = ({ accessKeyId, sessionToken }: KeyName): KeyName => ({
  accessKeyId,
  ...(sessionToken === undefined ? {} : { sessionToken }),
});

/** Returns the caller, or why AWS would reject the key. `now` is the time on the clock of the signers. */
export const verifyClaim = (claim: AwsClaim, keys: KeyRing, now: number): Verified | Refused => {
  const key = resolveKey(keys, nameOf(claim), now);
  if ('ok' in key) return key;
  const { accessKeyId, principalArn, account } = key;
  return { ok: true, service: claim.service, region: claim.region, caller: { accessKeyId, principalArn, account } };
};

/** Returns the caller, or why the cluster would answer 401, worded as `verifyEksToken` does. */
export const verifyClusterClaim = (
  claim: ClusterClaim,
  keys: KeyRing,
  cluster: string,
  now: number,
): Caller | { refused: string } => {
  const verified = verifyClaim({ ...claim, service: 'sts', region: '' }, keys, now);
  if (!verified.ok) return { refused: `input token was not properly formatted: ${verified.message}` };
  if (claim.cluster !== cluster) return { refused: `input token was not properly formatted: ${MISMATCH}` };
  return verified.caller;
};

const TOKEN = 'sandbox-direct.';

/** A bearer token that only the in-process transport understands: it carries a claim and no signature. */
export const claimToken = (claim: ClusterClaim): string =>
  `${TOKEN}${Buffer.from(JSON.stringify(claim)).toString('base64url')}`;

/** The last claim that was read: a client sends the same one with each request. */
let lastRead: { authorization: string; claim: ClusterClaim } | undefined;

/** Returns the claim in an authorization header, if there is one. */
export const readClaimToken = (authorization: string | undefined): ClusterClaim | undefined => {
  const prefix = `Bearer ${TOKEN}`;
  if (!authorization?.startsWith(prefix)) return undefined;
  if (lastRead?.authorization === authorization) return lastRead.claim;
  const text = Buffer.from(authorization.slice(prefix.length), 'base64url').toString('utf8');
  lastRead = { authorization, claim: JSON.parse(text) as ClusterClaim };
  return lastRead.claim;
};
