/** Who a caller is to STS: a session of a role. */
import type { Caller } from '../http.ts';
import { findRole } from '../world/world.ts';
import type { World } from '../world/world.ts';

/** Session name of the keys that the world starts with, unless they belong to a function. */
const OWN_SESSION = 'sandbox';

export const sessionArn = (roleArn: string, session: string): string => {
  const [, partition, , , account, resource = ''] = roleArn.split(':');
  return `arn:${partition}:sts::${account}:assumed-role/${resource.split('/').at(-1) ?? ''}/${session}`;
};

export const sessionNameOf = (world: World, caller: Caller): string =>
  world.accessKeys.get(caller.accessKeyId)?.sessionName ?? OWN_SESSION;

/** ARN of the caller's session, as AWS names it in refusals. */
export const sessionOf = (world: World, caller: Caller): string =>
  sessionArn(caller.principalArn, sessionNameOf(world, caller));

/**
 * An id such as AROA...: of a role that IAM does not have it is made of the ARN, so that the same role always has the
 * same.
 */
const roleIdOf = (world: World, arn: string): string =>
  findRole(world, arn)?.roleId ?? `AROA${Buffer.from(arn).toString('hex').toUpperCase().slice(-17)}`;

/** `ROLE-ID:SESSION-NAME`, as GetCallerIdentity answers it and as policies know it by `aws:userid`. */
export const userIdOf = (world: World, caller: Caller): string =>
  `${roleIdOf(world, caller.principalArn)}:${sessionNameOf(world, caller)}`;

/** Global condition keys that are the caller's own: its id, and the tags of its role. */
export const principalKeys = (world: World, caller: Caller): Record<string, string> => {
  const tags = Object.entries(findRole(world, caller.principalArn)?.tags ?? {});
  return {
    'aws:userid': userIdOf(world, caller),
    ...Object.fromEntries(tags.map(([key, value]) => [`aws:PrincipalTag/${key}`, value])),
  };
};
