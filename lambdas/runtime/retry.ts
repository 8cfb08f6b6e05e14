/**
 * Retries calls that are refused for the moment, within the time that is left of the invocation: like the SDK's standard
 * mode, but in time that can be virtual.
 */
import { randomFrom } from '../domain/text/random.ts';
import type { ErrorName } from '../domain/failures/errors.ts';
import type { Target } from '../domain/terms/subject.ts';
import type { AroundCalls, CalledService, Clock, HandlerDependencies } from '../ports/index.ts';
import { EKS_KINDS, isRead, type Kinds, ROLES_KINDS } from '../ports/kinds.ts';

/** The most tries of one call, including the first. */
export const MOST_ATTEMPTS = 8;
/**
 * The exponential backoff with full jitter, in milliseconds: a random share of a bound that doubles from the base up to the
 * cap. Source of both: AWS SDKs and Tools Reference Guide, "Retry behavior" (standard mode: base 1 s, cap 20 s).
 */
export const BACKOFF = { base: 1000, cap: 20_000 } as const;
/** The milliseconds of the invocation that no wait may use up: they are needed to store the results. */
export const RESERVE = 15_000;

/** Returns the milliseconds to wait after that attempt (1 is the first) has failed. */
export const backoff = (attempt: number, random: number): number =>
  Math.floor(random * Math.min(BACKOFF.cap, BACKOFF.base * 2 ** (attempt - 1)));

export interface RetryOptions {
  clock: Clock;
  random: () => number;
  /** Errors that may be transient. */
  errors: readonly ErrorName[];
  /** Called before each try. */
  begin?: (service: CalledService) => Promise<void>;
  /** Called before each wait. May refuse the wait by throwing any error, or `error` itself. */
  beforeWait: (wait: number, service: CalledService, name: ErrorName, error: unknown) => void;
}

export function retryLater({ clock, random, errors, begin, beforeWait }: RetryOptions): AroundCalls {
  return async (service, call, nameOf, prepare) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        // Preparation comes before the turn: a call that left late would coincide with those that are begun after it.
        await prepare?.();
        await begin?.(service);
        return await call();
      } catch (error) {
        const name = nameOf(error);
        // An API server has no limit that is shared with other tools: its caller decides about a second try.
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
 * Returns the ports of a step. Its reads wait for their turn in the shared pace, and are retried when a service throttles
 * them: a step that needs more reads than are allowed at once would get no further if the state machine started it again.
 * An error that is still thrown when the time is up is passed on unchanged. A change does not wait for its turn, since the
 * facts for it grow old, and is not simply retried: the state machine starts the step again, which reads first. The waits
 * are derived from `text`.
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
    // The given wrapper decides about a second try.
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
