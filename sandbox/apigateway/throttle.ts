/**
 * Limits the requests to a stage. Source: API Gateway Developer Guide, "Throttle requests to your REST APIs": the token
 * bucket algorithm; a stage's limits apply to each of its methods.
 */
import type { AssemblyMethod, AssemblyStage } from '../assembly/apis.ts';
import type { World } from '../world/world.ts';

interface Bucket {
  tokens: number;
  /** When the bucket was last refilled, in milliseconds since 1970. */
  at: number;
}

/**
 * Returns a function that takes a token and returns whether a request to that method at that time is allowed. Whether
 * requests that IAM refuses count is not documented: here every request counts.
 */
export const createThrottle = ({
  knobs,
}: Pick<World, 'knobs'>): ((stage: AssemblyStage, method: AssemblyMethod, now: number) => boolean) => {
  const buckets = new WeakMap<AssemblyStage, WeakMap<AssemblyMethod, Bucket>>();
  return (stage, method, now) => {
    if (!stage.throttle || knobs.apiThrottling === 'off') return true;
    const { rate, burst } = stage.throttle;
    const ofStage = buckets.get(stage) ?? new WeakMap<AssemblyMethod, Bucket>();
    buckets.set(stage, ofStage);
    const { tokens, at } = ofStage.get(method) ?? { tokens: burst, at: now };
    const filled = Math.min(burst, tokens + (Math.max(0, now - at) / 1000) * rate);
    const isAllowed = filled >= 1;
    ofStage.set(method, { tokens: isAllowed ? filled - 1 : filled, at: now });
    return isAllowed;
  };
};
