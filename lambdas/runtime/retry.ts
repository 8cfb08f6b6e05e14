/**
 * Calls that are refused for the moment, and are made again later, within what is left of the invocation: as the SDK's
 * standard mode would, but in time that can be virtual.
 */
import { randomFrom } from '../domain/text/random.ts';
import type { ErrorName } from '../domain/failures/errors.ts';
import type { Target } from '../domain/migration/model.ts';
import type { AroundCalls, CalledService, Clock, HandlerDependencies } from '../ports/index.ts';
import { EKS_KINDS, isRead, type Kinds, ROLES_KINDS } from '../ports/kinds.ts';

/** Of one call, the first one too. */
export const MOST_ATTEMPTS = 8;
/**
 * Exponential backoff with full jitter, milliseconds: a random share of a bound that doubles from the base up to the
 * cap. Source of both: AWS SDKs and Tools Reference Guide, "Retry behavior" (standard mode: base 1 s, cap 20 s).
 */
export const BACKOFF = { base: 1000, cap: 20_000 } as const;
/** Milliseconds of the invocation that no wait may use up: what was found by then has to be kept. */
export const RESERVE = 15_000;

/** Milliseconds to wait after that attempt (1 is the first) has failed. */
export const backoff = (attempt: number, random: number): number =>
  Math.floor(random * Math.min(BACKOFF.cap, BACKOFF.base * 2 ** (attempt - 1)));

export interface RetryOptions {
  clock: Clock;
  random: () => number;
  /** What may be over in a moment. */
  errors: readonly ErrorName[];
  /** Before each attempt. */
  begin?: (service: CalledService) => Promise<void>;
  /** Before each wait; may refuse it by throwing, what it likes or `error`. */
  beforeWait: (wait: number, service: CalledService, name: ErrorName, error: unknown) => void;
}

export function retryLater({ clock, random, errors, begin, beforeWait }: RetryOptions): AroundCalls {
  return async (service, call, nameOf, prepare) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        // Before its turn: one that leaves late would come together with those that are begun after it.
        await prepare?.();
        await begin?.(service);
        return await call();
      } catch (error) {
        const name = nameOf(error);
        // An API server has no limit that others share: whoever asks it decides about a second try.
        if (service === 'kubernetes' || attempt === MOST_ATTEMPTS || !errors.includes(name)) throw error;
        const wait = backoff(attempt, random());
        beforeWait(wait, service, name, error);
        await clock.sleep(wait);
      }
    }
  };
}

/** Returns a port whose methods that only read are those of `reading`, and whose other methods are those of `changing`. */
function readingBy<Port extends object>(kinds: Kinds<Port>, reading: Port, changing: Port): Port {
  return new Proxy(changing, {
    get: (inner, name) => {
      const owner = isRead(kinds, name) ? reading : inner;
      const member: unknown = Reflect.get(owner, name);
      return typeof member === 'function'
        ? (...given: unknown[]): unknown => Reflect.apply(member, owner, given)
        : member;
    },
  });
}

/**
 * The ports of a step, whose reads wait for their turn in the shared pace, and for a service that throttles them: a step
 * that reads more than is taken at once would not come any further when the state machine began it anew. What is still
 * throttled when the time is up is thrown as it is. A change does not wait for its turn, since what was read for it grows
 * old, and is not simply made again: the step looks first, and the state machine begins it anew. `text`: what the waits
 * are drawn from.
 */
export function throughThrottling(
  portsFor: HandlerDependencies['portsFor'],
  { clock, remainingTime }: { clock: Clock; remainingTime: () => number },
  text: string,
  pacing: {
    around: (target: Target, options: { waits: boolean }) => AroundCalls;
    within: (outer: AroundCalls, target: Target, options: { waits: boolean }) => AroundCalls;
  },
): HandlerDependencies['portsFor'] {
  const patience = retryLater({
    clock,
    random: randomFrom(text),
    errors: ['Throttled'],
    beforeWait: (wait, _service, _name, error) => {
      if (remainingTime() - wait < RESERVE) throw error;
    },
  });
  return (target, around) => {
    // Whoever stands around the calls decides about a second try.
    if (around) return portsFor(target, pacing.within(around, target, { waits: true }));
    const [reading, changing] = [
      portsFor(target, pacing.within(patience, target, { waits: true })),
      portsFor(target, pacing.around(target, { waits: false })),
    ];
    return {
      eks: readingBy(EKS_KINDS, reading.eks, changing.eks),
      roles: readingBy(ROLES_KINDS, reading.roles, changing.roles),
      kubernetes: reading.kubernetes,
    };
  };
}
