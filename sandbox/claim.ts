/**
 * What stands in for a signature where a caller is in this process: the key that it calls with, handed to the door beside
 * the request. Nothing that arrives from outside can carry one.
 */
import type { AwsCredentialIdentity } from '@smithy/types';
import type { Caller } from './http.ts';
import { type KeyRing, MISMATCH, type Refused, resolveKey, type Verified } from './signature.ts';

type KeyName = Pick<AwsCredentialIdentity, 'accessKeyId' | 'sessionToken'>;

/** A call of an AWS service, as a signature's credential scope would name it. */
export interface AwsClaim extends KeyName {
  service: string;
  region: string;
}
/** A call of a cluster's API server. */
export interface ClusterClaim extends KeyName {
  cluster: string;
}
export type Claim = AwsClaim | ClusterClaim;

const nameOf = ({ accessKeyId, sessionToken }: KeyName): KeyName => ({
  accessKeyId,
  ...(sessionToken === undefined ? {} : { sessionToken }),
});

/** Who calls, or why AWS would not take the key. `now`: the clock of those who sign. */
export const verifyClaim = (claim: AwsClaim, keys: KeyRing, now: number): Verified | Refused => {
  const key = resolveKey(keys, nameOf(claim), now);
  if ('ok' in key) return key;
  const { accessKeyId, principalArn, account } = key;
  return { ok: true, service: claim.service, region: claim.region, caller: { accessKeyId, principalArn, account } };
};

/** Who calls, or why the cluster would answer 401: in the words of `verifyEksToken`. */
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

/** The claim that an authorization header carries, if it carries one. */
export const readClaimToken = (authorization: string | undefined): ClusterClaim | undefined => {
  const prefix = `Bearer ${TOKEN}`;
  if (!authorization?.startsWith(prefix)) return undefined;
  return JSON.parse(Buffer.from(authorization.slice(prefix.length), 'base64url').toString('utf8')) as ClusterClaim;
};
