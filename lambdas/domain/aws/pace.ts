/**
 * The shared pace of all calls that the service makes to one scope (GCRA, counted in calls). The number of calls that a
 * scope has allowed grows at its rate. A step that wants to make calls reserves the next positions in that count, and
 * makes each call once the scope has allowed its position. If the rate changes, the times at which positions are
 * allowed
 * change too, and no reservation has to be repeated.
 */
import { z } from 'zod';

/** The services that are paced. */
export const PACED_SERVICES = ['eks', 'iam', 'kubernetes'] as const;
export type PacedService = (typeof PACED_SERVICES)[number];

export const isPaced = (service: string): service is PacedService =>
  (PACED_SERVICES as readonly string[]).includes(service);

/**
 * The calls that the step `plan` reserves before it begins. A sweep uses them too: it starts only as many migrations as
 * the pace has room for.
 */
export const PLAN_CALLS: Readonly<Record<PacedService, number>> = { eks: 9, iam: 20, kubernetes: 10 };

/** Calls that are paced together, such as `eks#111122223333#eu-west-1`. */
export interface PaceScope {
  service: PacedService;
  account: string;
  region: string;
  cluster: string;
}

/**
 * Returns the key of a scope: EKS limits calls per account and region, IAM per account, and each API server its own.
 */
export function paceScopeKey({ service, account, region, cluster }: PaceScope): string {
  if (service === 'iam') return `iam#${account}`;
  return service === 'eks' ? `eks#${account}#${region}` : `kube#${account}#${region}#${cluster}`;
}

export const paceScopeText = ({ service, account, region, cluster }: PaceScope): string =>
  ({
    eks: `EKS in account ${account}, ${region}`,
    iam: `IAM in account ${account}`,
    kubernetes: `the API server of cluster ${cluster} in account ${account}, ${region}`,
  })[service];

/**
 * Calls per second while no call was throttled. AWS publishes no limits of EKS or IAM. 20 calls of EKS are enough for
 * 30
 * concurrent migrations in one location (53 calls in 80 s each); 50 are what kubectl allows itself for one API server.
 */
export const CEILINGS: Readonly<Record<PacedService, number>> = { eks: 20, iam: 20, kubernetes: 50 };
/** The lowest rate, with which a step of some ten calls still completes within one invocation. */
export const FLOOR = 0.5;
/**
 * Milliseconds in which a rate doubles, up to the ceiling: a rate that a throttled call has halved recovers in this
 * time.
 */
export const DOUBLES_IN = 60_000;
/** Milliseconds after a cut in which further throttled calls are ignored, since they were made before the cut. */
export const CUT_AT_MOST_EVERY = 5000;
/** Milliseconds that a call may come before its position is allowed, so that a step's few calls need no gaps. */
export const TOLERANCE = 1000;
/** Milliseconds that an invocation waits for its turn. A step that has to wait longer ends the invocation. */
export const LONGEST_TURN = 5000;
/** Backlog in milliseconds from which on no new work is started in a scope. */
export const FULL = 10_000;
/** Milliseconds ahead of now that no valid state reaches: a state beyond that was not written by this service. */
const ABSURD = 24 * 3_600_000;

/** The pace of a scope, as the ledger has it. */
export const paceState = z.object({
  /** Number of calls that were reserved. */
  head: z.number().finite().nonnegative(),
  /** Number of calls that were allowed at `cutAt`. From then on it grows at the rate. */
  atCut: z.number().finite(),
  /** When the rate was last cut, in milliseconds since 1970. */
  cutAt: z.number().finite(),
  /** Calls per second just after the cut. */
  rate: z.number().min(FLOOR).max(1000),
});
export type PaceState = z.output<typeof paceState>;

/**
 * Returns the state of a scope whose rate has not been cut. It does not depend on when it is made, so that a caller knows
 * it without reading it, except for `head`.
 */
export const freshState = (service: PacedService): PaceState => ({
  head: 0,
  atCut: 0,
  cutAt: 0,
  rate: CEILINGS[service],
});

/** Returns the milliseconds after the cut until the rate reaches the ceiling again. */
const untilCeiling = ({ rate }: PaceState, ceiling: number): number =>
  rate >= ceiling ? 0 : DOUBLES_IN * Math.log2(ceiling / rate);

/** Returns the calls per second at a time. The rate doubles every minute after the cut, up to the ceiling. */
export function rateAt(state: PaceState, service: PacedService, now: number): number {
  const since = Math.max(0, now - state.cutAt);
  return Math.min(CEILINGS[service], state.rate * 2 ** Math.min(since / DOUBLES_IN, 20));
}

/** Returns the number of calls that a doubling rate allows in a period. */
const grown = (rate: number, milliseconds: number): number =>
  ((rate * DOUBLES_IN) / 1000 / Math.LN2) * (2 ** (milliseconds / DOUBLES_IN) - 1);

/** Returns the number of calls that the scope has allowed by a time, reserved or not. */
export function allowedBy(state: PaceState, service: PacedService, now: number): number {
  const ceiling = CEILINGS[service];
  const rate = Math.min(state.rate, ceiling);
  const since = now - state.cutAt;
  // This clock is behind the clock that was used for the cut.
  if (since <= 0) return state.atCut + (rate * since) / 1000;
  const growing = untilCeiling(state, ceiling);
  if (since <= growing) return state.atCut + grown(rate, since);
  return state.atCut + grown(rate, growing) + (ceiling * (since - growing)) / 1000;
}

/** Returns when that many calls are allowed, in milliseconds since 1970. */
export function allowedAt(state: PaceState, service: PacedService, calls: number): number {
  const ceiling = CEILINGS[service];
  const rate = Math.min(state.rate, ceiling);
  const missing = calls - state.atCut;
  if (missing <= 0) return state.cutAt + (missing / rate) * 1000;
  const growing = untilCeiling(state, ceiling);
  const byThen = grown(rate, growing);
  if (missing <= byThen)
    return state.cutAt + DOUBLES_IN * Math.log2(1 + (missing * 1000 * Math.LN2) / (rate * DOUBLES_IN));
  return state.cutAt + growing + ((missing - byThen) / ceiling) * 1000;
}

/** Returns the milliseconds until all reserved calls are allowed. */
export const backlogOf = (state: PaceState, service: PacedService, now: number): number =>
  Math.max(0, allowedAt(state, service, state.head) - now);

/** Returns the position of the next reservation. Calls that were allowed and not used are lost. */
export const nextPosition = (state: PaceState, service: PacedService, now: number): number =>
  Math.max(state.head, Math.ceil(allowedBy(state, service, now)));

/** Returns the state with half the rate; `undefined` if the last cut was less than five seconds ago. */
export function cut(state: PaceState, service: PacedService, now: number): PaceState | undefined {
  if (now - state.cutAt < CUT_AT_MOST_EVERY) return undefined;
  return {
    ...state,
    atCut: allowedBy(state, service, now),
    cutAt: now,
    rate: Math.max(FLOOR, rateAt(state, service, now) / 2),
  };
}

/**
 * Returns whether this service can have written the state: clocks differ by seconds, and work waits for hours at most.
 */
export const isPlausible = (state: PaceState, service: PacedService, now: number): boolean =>
  state.cutAt - now < ABSURD && backlogOf(state, service, now) < ABSURD;

/** Returns how many pieces of work, of that many calls each, may be started in a scope before its backlog is full. */
export function roomFor(state: PaceState, service: PacedService, callsOfEach: number, now: number): number {
  const left = FULL - backlogOf(state, service, now);
  return left <= 0 ? 0 : Math.ceil((left / 1000) * (rateAt(state, service, now) / callsOfEach));
}

/** The longest single wait, in seconds. A rate that has grown is noticed after it. */
const LONGEST_WAIT = 300;

/** Returns the part of a `Paced` error's message with the seconds after which to try the step again. */
export const pacedText = (milliseconds: number): string =>
  `seconds=${Math.min(LONGEST_WAIT, Math.max(1, Math.ceil(milliseconds / 1000)))}`;

/**
 * Returns the seconds in the message of a `Paced` error, or in the Cause that Step Functions has of it; `undefined` if
 * there are none.
 */
export function pacedSeconds(text: string): number | undefined {
  const [, seconds] = /\bseconds=(\d{1,3})\b/.exec(text) ?? [];
  return seconds === undefined ? undefined : Math.min(LONGEST_WAIT, Math.max(1, Number(seconds)));
}
