/**
 * Throttles: how many calls a service takes, as AWS limits them for each account and region. Declared in a scenario.
 * Which answer a refused call gets is in `door-faults.ts`.
 */
import { z } from 'zod';
import { accountId, regionName } from '../../lambdas/domain/model.ts';

export const throttle = z
  .strictObject({
    service: z.enum(['eks', 'iam', 'sts', 'dynamodb', 'states', 'events']).describe('Calls of that service.'),
    account: accountId
      .optional()
      .describe('By callers of that account only; where it is left out, each account has its own limit.'),
    region: regionName
      .optional()
      .describe(
        'In that region only; where it is left out, each region has its own limit. IAM has one for all regions of an account.',
      ),
    callsPerSecond: z.number().min(0.0001).max(10_000).describe('How many calls a second are taken in the long run.'),
    burst: z.number().int().min(1).max(10_000).default(1).describe('How many are taken at once after a rest.'),
  })
  .refine(({ service, region }) => service !== 'iam' || region === undefined, {
    path: ['region'],
    message: 'must be left out of a throttle of iam, which has no regions',
  })
  .meta({
    id: 'Throttle',
    description:
      'Limits the calls that a service takes in one region of one account, whoever makes them: a token bucket in the time of the world. A call beyond it is refused, and costs nothing of it.',
  });
/** As it is written: with defaults left out. */
export type ThrottleInput = z.input<typeof throttle>;
export type Throttle = z.output<typeof throttle>;

/** A call that could be throttled: account and region of its caller. */
export interface LimitedCall {
  service: string;
  account: string;
  region: string;
}

/** What times in milliseconds may be off by, so that a call comes in just when the next one may. */
const TOLERANCE = 1e-6;

/** The throttles of a world. */
export class Throttles {
  private readonly list: Throttle[] = [];
  /**
   * When each bucket would be full again, milliseconds since 1970: as much below full as that is ahead of now (GCRA).
   */
  private readonly fullAt = new Map<string, number>();

  /** Throws ZodError for what is no throttle. */
  constructor(list: readonly ThrottleInput[] = []) {
    for (const one of list) this.add(one);
  }

  /** Throws ZodError for what is no throttle. */
  add(one: ThrottleInput): void {
    this.list.push(throttle.parse(one));
  }

  /** Nothing is limited any more. */
  clear(): void {
    this.list.length = 0;
    this.fullAt.clear();
  }

  /** Whether that call is taken at that time; one that is counts, in each limit that it falls under. */
  take(call: LimitedCall, now: number): boolean {
    const taken: [key: string, fullAt: number][] = [];
    for (const [
      index,
      { service, account = call.account, region = call.region, callsPerSecond, burst },
    ] of this.list.entries()) {
      if (service !== call.service || account !== call.account || region !== call.region) continue;
      const key = `${index} ${account} ${region}`;
      const interval = 1000 / callsPerSecond;
      const fullAt = Math.max(now, this.fullAt.get(key) ?? now);
      if (fullAt - now > (burst - 1) * interval + TOLERANCE) return false;
      taken.push([key, fullAt + interval]);
    }
    for (const [key, fullAt] of taken) this.fullAt.set(key, fullAt);
    return true;
  }
}
