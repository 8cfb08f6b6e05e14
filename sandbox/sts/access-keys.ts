/** Access keys of the sandbox: each stands for one IAM role, so that the call log knows who called. */
import type { AwsCredentialIdentity } from '@smithy/types';
import type { AccessKey, World } from '../world/world.ts';

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const MIXED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Makes temporary credentials for a role and makes the world know them; `session` is what AssumeRole was asked for. */
export const issueAccessKey = (world: World, principalArn: string, session: Pick<AccessKey, 'sessionName' | 'expiresAt'> = {}): AccessKey => {
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
export const operatorRoleArn = (world: World): string => `arn:aws:iam::${world.home.account}:role/operator`;

/** Credentials of a role that never expire, handed out before; a role that has none yet gets them. */
export const credentialsOf = (world: World, principalArn: string): AwsCredentialIdentity => {
  const known = [...world.accessKeys.values()].find((key) => key.principalArn === principalArn && key.expiresAt === undefined);
  const { accessKeyId, secretAccessKey, sessionToken } = known ?? issueAccessKey(world, principalArn);
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
};
