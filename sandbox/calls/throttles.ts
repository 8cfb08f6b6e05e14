/**
 * Throttles: how many calls a service accepts, as AWS limits them for each account and region. Declared in a scenario.
 * `gateway/faults.ts` defines the response to a refused call.
 */
import { z } from 'zod';
import { accountId, regionName } from '../../lambdas/domain/text/names.ts';

export const throttle = z
  .strictObject({
    service: z.enum(['eks', 'iam', 'sts', 'dynamodb', 'states', 'events']).describe('Calls to that service.'),
    account: accountId
      .optional()
      .describe('Only calls by callers of that account; if omitted, each account has its own limit.'),
    region: regionName
      .optional()
      .describe(
        'Only calls in that region; if omitted, each region has its own limit. IAM has one limit for all regions of an account.',
      ),
    callsPerSecond: z.number().min(0.0001).max(10_000).describe('Calls per second that are accepted in the long run.'),
    burst: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(1)
      .describe('Calls that are accepted at once after an idle period.'),
  })
  .refine(({ service, region }) => service !== 'iam' || region === undefined, {
    path: ['region'],
    message: 'must be omitted for iam, which has no regions',
  })
  .meta({
    id: 'Throttle',
    description:
      'Limits the calls to a service in one region of one account, regardless of the caller: a token bucket in the time of the world. A call beyond the limit is refused, and takes no token.',
  });
/** A throttle as a scenario declares it, with defaults omitted. */
export type ThrottleInput = z.input<typeof throttle>;
export type Throttle = z.output<typeof throttle>;

/** A call that could be throttled, with account and region of its caller. */
export interface LimitedCall {
  service: string;
  account: string;
  region: string;
}

/** Tolerance of times in milliseconds, so that a call is accepted exactly when the next token is due. */
const TOLERANCE = 1e-6;

/** The throttles of a world. */
export class Throttles {
  private readonly list: Throttle[] = [];
  /**
   * When each bucket would be full again, in milliseconds since 1970: the further ahead of now, the emptier the bucket
   * (GCRA).
   */
  private readonly fullAt = new Map<string, number>();

  /** Throws ZodError for an invalid throttle. */
  constructor(list: readonly ThrottleInput[] = []) {
    for (const each of list) this.add(each);
  }

  /** Throws ZodError for an invalid throttle. */
  add(input: ThrottleInput): void {
    this.list.push(throttle.parse(input));
  }

  /** Removes all limits. */
  clear(): void {
    this.list.length = 0;
    this.fullAt.clear();
  }

  /**
   * Returns whether the call is accepted at that time; an accepted call counts against each limit that applies to it.
   */
  take(call: LimitedCall, now: number): boolean {
    const accepted: [key: string, fullAt: number][] = [];
    for (const [
      index,
      { service, account = call.account, region = call.region, callsPerSecond, burst },
    ] of this.list.entries()) {
      if (service !== call.service || account !== call.account || region !== call.region) continue;
      const key = `${index} ${account} ${region}`;
      const interval = 1000 / callsPerSecond;
      const fullAt = Math.max(now, this.fullAt.get(key) ?? now);
      if (fullAt - now > (burst - 1) * interval + TOLERANCE) return false;
      accepted.push([key, fullAt + interval]);
    }
    for (const [key, fullAt] of accepted) this.fullAt.set(key, fullAt);
    return true;
  }
}
