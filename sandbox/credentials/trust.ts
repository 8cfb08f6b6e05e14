/** What a role's trust policy says to a pod, of whose request more is known than when a plan is made. */
import { evaluate, type KeyState, lookUpIn, type PolicyRequest, statesOf } from '../../lambdas/domain/policy/index.ts';
import { trustPolicy } from '../authorization/decide.ts';
import { roleTagKeys } from '../iam/authorization.ts';
import { seenTrustPolicy } from '../iam/seen-trust.ts';
import type { RoleState, World } from '../world/world.ts';

const NOT_THERE: KeyState = { state: 'absent' };

/**
 * Whether all of these requests are allowed, by the trust policy that STS sees. `known`: condition keys that the
 * requests leave open, and that have these values. What still can't be decided goes by the knob `undecidedTrust`.
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
    () => NOT_THERE,
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
