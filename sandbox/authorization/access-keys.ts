/** The sandbox's access keys. Each belongs to one session of an IAM role, by which the call log names the caller. */
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import type { AwsCredentialIdentity } from '@smithy/types';
import type { AccessKey, World } from '../world/world.ts';

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const MIXED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Issues temporary credentials for a role and adds them to the world. `session`: parameters of the AssumeRole call. */
export const issueAccessKey = (
  world: World,
  principalArn: string,
  session: Pick<AccessKey, 'sessionName' | 'expiresAt' | 'policies'> = {},
): AccessKey => {
  const key: AccessKey = {
    accessKeyId: `ASIA${world.random.string(16, UPPER)}`,
    secretAccessKey: world.random.string(40, MIXED),
    sessionToken: world.random.string(120, MIXED),
    principalArn,
    account: principalArn.split(':')[4] ?? '',
    ...session,
  };
  world.accessKeys.set(key.accessKeyId, key);
  return key;
};

/** Returns the ARN of the role that a person at a terminal has in the sandbox. */
export const operatorRoleArn = (world: World): string =>
  `arn:${partitionOf(world.home.region)}:iam::${world.home.account}:role/operator`;

/**
 * Returns a role's non-expiring key with that session name. A key without a name gets the name, so that naming sessions
 * draws no random number.
 */
const ownKey = (world: World, principalArn: string, sessionName: string | undefined): AccessKey | undefined => {
  const own = [...world.accessKeys.values()].filter(
    (key) => key.principalArn === principalArn && key.expiresAt === undefined && key.policies === undefined,
  );
  if (sessionName === undefined) return own[0];
  const named = own.find((key) => key.sessionName === sessionName);
  const free = named ?? own.find((key) => key.sessionName === undefined);
  if (free) free.sessionName = sessionName;
  return free;
};

/**
 * Returns non-expiring credentials of a role, and issues them if the role has none yet. `sessionName`: Lambda names a
 * function's session after the function; undefined for any session of the role.
 */
export const credentialsOf = (world: World, principalArn: string, sessionName?: string): AwsCredentialIdentity => {
  const key =
    ownKey(world, principalArn, sessionName) ??
    issueAccessKey(world, principalArn, sessionName === undefined ? {} : { sessionName });
  const { accessKeyId, secretAccessKey, sessionToken } = key;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
};
