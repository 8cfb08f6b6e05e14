/** Access keys of the sandbox: each stands for one session of an IAM role, so that the call log knows who called. */
import { partitionOf } from '../../lambdas/domain/partitions.ts';
import type { AwsCredentialIdentity } from '@smithy/types';
import type { AccessKey, World } from '../world/world.ts';

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const MIXED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Makes temporary credentials for a role and makes the world know them; `session` is what AssumeRole was asked for. */
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

/** ARN of the role that a person at a terminal has in the sandbox. */
export const operatorRoleArn = (world: World): string =>
  `arn:${partitionOf(world.home.region)}:iam::${world.home.account}:role/operator`;

/**
 * A role's key that never expires, of that session. One that nobody has named yet takes the name, so that naming
 * sessions draws nothing from the seed.
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
 * Credentials of a role that never expire, handed out before; a role that has none yet gets them. `sessionName`: what
 * its session is called; Lambda names a function's session after the function. Left out: any session of the role.
 */
export const credentialsOf = (world: World, principalArn: string, sessionName?: string): AwsCredentialIdentity => {
  const key =
    ownKey(world, principalArn, sessionName) ??
    issueAccessKey(world, principalArn, sessionName === undefined ? {} : { sessionName });
  const { accessKeyId, secretAccessKey, sessionToken } = key;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
};
