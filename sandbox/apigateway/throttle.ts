/**
 * How many requests a stage lets through. Source: API Gateway Developer Guide, "Throttle requests to your REST APIs": the
 * token bucket algorithm; limits of a stage are those of each of its methods.
 */
import type { AssemblyMethod, AssemblyStage } from '../assembly/apis.ts';
import type { World } from '../world/world.ts';

interface Bucket {
  tokens: number;
  /** When it was filled last, milliseconds since 1970. */
  at: number;
}

/**
 * Answers whether a request to that method at that time is let through, and takes its token. Whether one counts that IAM
 * refuses is not documented: here every one does.
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
    const isThrough = filled >= 1;
    ofStage.set(method, { tokens: isThrough ? filled - 1 : filled, at: now });
    return isThrough;
  };
};
