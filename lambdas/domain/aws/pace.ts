/**
 * The shared pace of all calls that the service makes of one location: GCRA, counted in calls. A location allows so
 * many calls by a time, which grows at its rate; whoever wants to make calls reserves the next positions in that count,
 * and makes each call once the location has allowed its position. A rate that changes moves when positions are allowed,
 * and no reservation has to be made again.
 */
import { z } from 'zod';

/** The services that are paced. */
export const PACED_SERVICES = ['eks', 'iam', 'kubernetes'] as const;
export type PacedService = (typeof PACED_SERVICES)[number];

export const isPaced = (service: string): service is PacedService =>
  (PACED_SERVICES as readonly string[]).includes(service);

/**
 * What the step `plan` reserves before it begins. A sweep needs it too: it begins only as many migrations as have room
 * for these calls.
 */
export const PLAN_CALLS: Readonly<Record<PacedService, number>> = { eks: 7, iam: 20, kubernetes: 8 };

/** What is paced together, such as `eks#111122223333#eu-west-1`. */
export interface PaceScope {
  service: PacedService;
  account: string;
  region: string;
  cluster: string;
}

/** EKS limits an account's calls in a region, IAM an account's in all regions, and an API server its own. */
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
 * Calls a second where nothing was refused. AWS publishes no limit of EKS or IAM. 20 of EKS carry 30 migrations at once
 * in one region of one account (53 calls in 80 s each); 50 are what kubectl allows itself at one API server.
 */
export const CEILINGS: Readonly<Record<PacedService, number>> = { eks: 20, iam: 20, kubernetes: 50 };
/** The lowest rate: with it a step of some ten calls still ends within one invocation. */
export const FLOOR = 0.5;
/** Milliseconds in which a rate doubles, up to the ceiling: what a refusal has halved is back then. */
export const DOUBLES_IN = 60_000;
/** Milliseconds after a cut in which further refusals mean the same: calls of before the cut are still under way. */
export const CUT_AT_MOST_EVERY = 5000;
/** Milliseconds that a call may come before its position is allowed, so that a step's few calls need no gaps. */
export const TOLERANCE = 1000;
/** Milliseconds that an invocation waits for its turn; what has to wait longer gives the function back. */
export const LONGEST_TURN = 5000;
/** Milliseconds of waiting calls from which on nothing new is begun at a location. */
export const FULL = 10_000;
/** Milliseconds ahead of now that nothing is in a location which works: more of it was not written by this service. */
const ABSURD = 24 * 3_600_000;

/** As the ledger has it. */
export const paceState = z.object({
  /** Calls that are reserved. */
  head: z.number().finite().nonnegative(),
  /** Calls that were allowed at `cutAt`; from there on they grow by the rate. */
  atCut: z.number().finite(),
  /** When the rate was last cut, milliseconds since 1970. */
  cutAt: z.number().finite(),
  /** Calls a second just after that. */
  rate: z.number().min(FLOOR).max(1000),
});
export type PaceState = z.output<typeof paceState>;

/** Of a location of which nobody has reserved anything lately. */
export const freshState = (service: PacedService, now: number): PaceState => ({
  head: 0,
  atCut: 0,
  // So that the first refusal counts.
  cutAt: now - CUT_AT_MOST_EVERY,
  rate: CEILINGS[service],
});

/** Milliseconds after the cut at which the rate is at the ceiling again. */
const untilCeiling = ({ rate }: PaceState, ceiling: number): number =>
  rate >= ceiling ? 0 : DOUBLES_IN * Math.log2(ceiling / rate);

/** Calls a second at that time: it doubles every minute since the cut, up to the ceiling. */
export function rateAt(state: PaceState, service: PacedService, now: number): number {
  const since = Math.max(0, now - state.cutAt);
  return Math.min(CEILINGS[service], state.rate * 2 ** Math.min(since / DOUBLES_IN, 20));
}

/** Calls that the rate comes to in milliseconds of doubling. */
const grown = (rate: number, milliseconds: number): number =>
  ((rate * DOUBLES_IN) / 1000 / Math.LN2) * (2 ** (milliseconds / DOUBLES_IN) - 1);

/** Calls that the location has allowed by that time, reserved or not. */
export function allowedBy(state: PaceState, service: PacedService, now: number): number {
  const ceiling = CEILINGS[service];
  const rate = Math.min(state.rate, ceiling);
  const since = now - state.cutAt;
  // Of a clock that is behind the one by which it was cut.
  if (since <= 0) return state.atCut + (rate * since) / 1000;
  const growing = untilCeiling(state, ceiling);
  if (since <= growing) return state.atCut + grown(rate, since);
  return state.atCut + grown(rate, growing) + (ceiling * (since - growing)) / 1000;
}

/** When that many calls are allowed, milliseconds since 1970. */
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

/** Milliseconds until all reserved calls are allowed. */
export const backlogOf = (state: PaceState, service: PacedService, now: number): number =>
  Math.max(0, allowedAt(state, service, state.head) - now);

/** The position that the next reservation gets: what was allowed and not used is lost. */
export const nextPosition = (state: PaceState, service: PacedService, now: number): number =>
  Math.max(state.head, Math.ceil(allowedBy(state, service, now)));

/** With half of the rate; undefined where the last cut is less than five seconds ago. */
export function cut(state: PaceState, service: PacedService, now: number): PaceState | undefined {
  if (now - state.cutAt < CUT_AT_MOST_EVERY) return undefined;
  return {
    ...state,
    atCut: allowedBy(state, service, now),
    cutAt: now,
    rate: Math.max(FLOOR, rateAt(state, service, now) / 2),
  };
}

/** Whether this service could have written it: clocks differ by seconds, and work waits for hours at most. */
export const isPlausible = (state: PaceState, service: PacedService, now: number): boolean =>
  state.cutAt - now < ABSURD && backlogOf(state, service, now) < ABSURD;

/** How many pieces of work, of so many calls each, may be begun at a location before it has enough to do. */
export function roomFor(state: PaceState, service: PacedService, callsOfEach: number, now: number): number {
  const left = FULL - backlogOf(state, service, now);
  return left <= 0 ? 0 : Math.ceil((left / 1000) * (rateAt(state, service, now) / callsOfEach));
}

/** Longest wait that is asked for at once, in seconds: a rate that has grown is noticed then. */
const LONGEST_WAIT = 300;

/** What `Paced` says of the seconds after which the step is to be tried again. */
export const pacedText = (milliseconds: number): string =>
  `seconds=${Math.min(LONGEST_WAIT, Math.max(1, Math.ceil(milliseconds / 1000)))}`;

/**
 * The seconds in the message of a `Paced` error, or in the Cause that Step Functions has of it; undefined where there
 * are none.
 */
export function pacedSeconds(text: string): number | undefined {
  const [, seconds] = /\bseconds=(\d{1,3})\b/.exec(text) ?? [];
  return seconds === undefined ? undefined : Math.min(LONGEST_WAIT, Math.max(1, Number(seconds)));
}
