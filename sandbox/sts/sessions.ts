/** Who a caller is to STS: a session of a role. */
import type { Caller } from '../http.ts';
import type { World } from '../world/world.ts';

/** Session name of the keys that the world starts with. */
const OWN_SESSION = 'sandbox';

export const sessionArn = (roleArn: string, session: string): string => {
  const [, partition, , , account, resource = ''] = roleArn.split(':');
  return `arn:${partition}:sts::${account}:assumed-role/${resource.split('/').at(-1) ?? ''}/${session}`;
};

export const sessionNameOf = (world: World, caller: Caller): string => world.accessKeys.get(caller.accessKeyId)?.sessionName ?? OWN_SESSION;

/** ARN of the caller's session, as AWS names it in refusals. */
export const sessionOf = (world: World, caller: Caller): string => sessionArn(caller.principalArn, sessionNameOf(world, caller));
