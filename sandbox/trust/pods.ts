/** Evaluates a role's trust policy for a pod, whose request has more known condition keys than a plan's. */
import { evaluate, type KeyState, lookUpIn, type PolicyRequest, statesOf } from '../../lambdas/domain/policy/index.ts';
import { trustPolicy } from '../permission/decide.ts';
import { roleTagKeys, seenTrustPolicy } from './roles.ts';
import type { RoleState, World } from '../world/world.ts';

const ABSENT: KeyState = { state: 'absent' };

/**
 * Returns whether the trust policy, as STS sees it, allows all requests. `known`: values of condition keys that the
 * requests leave open. Undecidable requests are decided by the knob `undecidedTrust`.
 */
export const trusts = (
  world: World,
  role: RoleState,
  requests: readonly PolicyRequest[],
  known: Record<string, string | readonly string[]>,
): boolean => {
  const now = world.schedule.now();
  const own = lookUpIn(
    statesOf({
      ...roleTagKeys(role),
      'aws:CurrentTime': new Date(now).toISOString(),
      'aws:EpochTime': String(Math.floor(now / 1000)),
      ...known,
    }),
    () => ABSENT,
  );
  const policy = trustPolicy(seenTrustPolicy(world, role));
  return requests.every((request) => {
    const lookUp: PolicyRequest['lookUp'] = (key) => {
      const found = own(key);
      return found.state === 'absent' ? request.lookUp(key) : found;
    };
    const { verdict } = evaluate([policy], { ...request, lookUp });
    return verdict === 'allowed' || (verdict === 'unknown' && world.knobs.undecidedTrust === 'allows');
  });
};
