/** The caller as STS identifies it: a session of a role. */
import type { Caller } from '../http.ts';
import { findRole } from '../world/world.ts';
import type { World } from '../world/world.ts';

/** Session name of the world's initial keys, unless they belong to a function. */
const OWN_SESSION = 'sandbox';

export const sessionArn = (roleArn: string, session: string): string => {
  const [, partition, , , account, resource = ''] = roleArn.split(':');
  return `arn:${partition}:sts::${account}:assumed-role/${resource.split('/').at(-1) ?? ''}/${session}`;
};

export const sessionNameOf = (world: World, caller: Caller): string =>
  world.accessKeys.get(caller.accessKeyId)?.sessionName ?? OWN_SESSION;

/** Returns the ARN of the caller's session, as in AWS's errors. */
export const sessionOf = (world: World, caller: Caller): string =>
  sessionArn(caller.principalArn, sessionNameOf(world, caller));

/**
 * Returns a role id such as AROA...; for a role that does not exist in IAM, it is derived from the ARN, so that it is
 * always the same.
 */
export const roleIdOf = (world: World, arn: string): string =>
  findRole(world, arn)?.roleId ?? `AROA${Buffer.from(arn).toString('hex').toUpperCase().slice(-17)}`;

/** Returns `ROLE-ID:SESSION-NAME`, the value in GetCallerIdentity and of the condition key `aws:userid`. */
export const userIdOf = (world: World, caller: Caller): string =>
  `${roleIdOf(world, caller.principalArn)}:${sessionNameOf(world, caller)}`;

/** Returns the global condition keys of the caller: its user id, and the tags of its role. */
export const principalKeys = (world: World, caller: Caller): Record<string, string> => {
  const tags = Object.entries(findRole(world, caller.principalArn)?.tags ?? {});
  return {
    'aws:userid': userIdOf(world, caller),
    ...Object.fromEntries(tags.map(([key, value]) => [`aws:PrincipalTag/${key}`, value])),
  };
};
