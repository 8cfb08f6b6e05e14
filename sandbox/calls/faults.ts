/**
 * Faults: failures of the calls that the service's own functions make, and their conditions. Declared in a scenario, or
 * added by code. `gateway/faults.ts` injects each kind.
 */
import { z } from 'zod';
import { isObject } from '../json.ts';
import { keepLatest } from './call-log.ts';

/** Kinds that affect only the call; the others affect the function or execution that makes it. */
const CALL_KINDS = [
  'throttled',
  'server-error',
  'lost-before',
  'lost-after',
  'access-denied',
  'in-use',
  'not-found',
] as const;

/**
 * `throttled` to `not-found`: the service refuses the call with its own error and does nothing. `lost-…`: the
 * connection breaks before the call arrives, or before its reply does. `crash-…`: the function's process dies before or
 * after the call. `time-out-…`: the call hangs until the function times out; `before`: it arrives then, `after`: it
 * arrived at once; the invocation continues while Step Functions already retries. `abort-…`: the execution is stopped;
 * the invocation continues to its end.
 */
export const FAULT_KINDS = [
  ...CALL_KINDS,
  'crash-before',
  'crash-after',
  'time-out-before',
  'time-out-after',
  'abort-before',
  'abort-after',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];
export const CALL_FAULTS: readonly FaultKind[] = CALL_KINDS;

/** Kinds that only mean that the call was not served, as in an outage of the service. */
const PASSING_FAULTS: readonly FaultKind[] = ['throttled', 'server-error', 'lost-before'];

export const fault = z
  .strictObject({
    service: z
      .enum(['eks', 'iam', 'sts', 'dynamodb', 'states', 'events', 's3', 'kubernetes', 'eks-auth'])
      .optional()
      .describe(
        'Only calls to that service. `eks-auth`: credential requests of pods, which requires `after` and `seconds`; with `sts` such a fault also affects pods on IRSA.',
      ),
    operation: z
      .string()
      .min(1)
      .optional()
      .describe('Only calls of that operation, by its name in the call log: `DeleteAddon`, `list pods`.'),
    region: z.string().min(1).optional().describe('Only calls to that region.'),
    cluster: z.string().min(1).optional().describe('Only calls to the API server of the cluster with that name.'),
    step: z.string().min(1).optional().describe("Only calls by that step's function: `delete-addon`."),
    input: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Only calls whose input in the call log contains all of this: other fields of an object are ignored.'),
    call: z
      .number()
      .int()
      .min(1)
      .default(1)
      .describe('Number of the first affected call among the matching ones, counted from 1 over the whole run.'),
    times: z
      .union([z.number().int().min(1), z.literal('all')])
      .default(1)
      .describe('Number of consecutive matching calls that are affected; `all`: every further one.'),
    seconds: z
      .number()
      .positive()
      .max(7 * 86_400)
      .optional()
      .describe(
        'An outage: every matching call is affected for this many seconds from the first affected one on, in the time of the world. `times` is then ignored.',
      ),
    after: z
      .number()
      .min(0)
      .max(7 * 86_400)
      .optional()
      .describe(
        'An outage that begins this many seconds after the sandbox opened, regardless of calls. `call` is then ignored.',
      ),
    kind: z
      .enum(FAULT_KINDS)
      .describe(
        'What happens. `throttled`, `server-error`, `access-denied`, `in-use`, `not-found`: the service refuses with that error, and does nothing. `lost`: the connection breaks before the call arrives, or before its reply does. `crash`: the process of the function dies. `time-out`: the call hangs until the function has timed out, and the invocation continues. `abort`: the execution is stopped. `before`: the call had no effect by then; `after`: it had its effect.',
      ),
  })
  .refine(({ after, seconds }) => after === undefined || seconds !== undefined, {
    path: ['seconds'],
    message: 'must be set together with after, as the duration of the outage',
  })
  .refine(
    ({ service, after, kind }) => service !== 'eks-auth' || (after !== undefined && PASSING_FAULTS.includes(kind)),
    {
      path: ['after'],
      message:
        'must be set for eks-auth, which supports only outages of the kinds throttled, server-error and lost-before',
    },
  )
  .meta({
    id: 'Fault',
    description: "A failure that affects calls of the service's own functions, never the operator's.",
  });
/** A fault as a scenario declares it, with defaults omitted. */
export type FaultInput = z.input<typeof fault>;
export type Fault = z.output<typeof fault>;

/** A call that a fault could affect. */
export interface SeenCall {
  /** Counts from 1 over the run: a fault without filters affects the call with that number. */
  n: number;
  service: string;
  operation: string;
  step: string;
  /** The region of the call; omitted if unknown. */
  region?: string;
  /** The cluster of a call to an API server. */
  cluster?: string;
  mutating: boolean;
  /** ARN of the execution that the invocation belongs to. */
  executionArn?: string;
}

/**
 * Returns whether `whole` contains everything in `part`; lists must be equal in length, and their items are compared
 * the same way.
 */
const contains = (whole: unknown, part: unknown): boolean => {
  if (Array.isArray(part))
    return (
      Array.isArray(whole) && whole.length === part.length && part.every((item, index) => contains(whole[index], item))
    );
  if (isObject(part))
    return (
      isObject(whole) &&
      Object.entries(part).every(([key, value]) => Object.hasOwn(whole, key) && contains(whole[key], value))
    );
  return Object.is(whole, part);
};

/** A fault that is not possible where the functions run; the message says why and what to do. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
}

/** The faults of a world, and the calls that they could affect. */
export class Faults {
  /** All calls, or the latest: at least `keep` and at most twice as many. */
  readonly seen: SeenCall[] = [];
  private readonly keep: number;
  private total = 0;
  private readonly startAt: number;
  private readonly list: { fault: Fault; matched: number; since?: number }[] = [];
  private possible: readonly FaultKind[] = FAULT_KINDS;

  /**
   * `keep` is the number of calls to keep in `seen`; default: all. `startAt` is the world's time when the sandbox
   * opened.
   */
  constructor(
    list: readonly FaultInput[],
    { keep = Number.POSITIVE_INFINITY, startAt = 0 }: { keep?: number | undefined; startAt?: number } = {},
  ) {
    this.keep = keep;
    this.startAt = startAt;
    for (const each of list) this.add(each);
  }

  /**
   * Adds a fault, which counts calls from now on. Throws ZodError for an invalid fault, FaultError for one that is not
   * possible here.
   */
  add(input: FaultInput): void {
    const parsed = fault.parse(input);
    this.check(parsed);
    this.list.push({ fault: parsed, matched: 0 });
  }

  /** Removes all faults; `seen` is kept. */
  clear(): void {
    this.list.length = 0;
  }

  /** Accepts only faults of those kinds from now on. Throws FaultError if a fault of another kind already exists. */
  restrict(kinds: readonly FaultKind[]): void {
    this.possible = kinds;
    for (const { fault: each } of this.list) this.check(each);
  }

  /** Returns whether an outage with its own start time is active. */
  private isOn({ after, seconds = 0 }: Fault, now: number): boolean {
    const since = this.startAt + (after ?? Number.POSITIVE_INFINITY) * 1000;
    return now >= since && now < since + seconds * 1000;
  }

  /** Returns the outages that have their own start time, in milliseconds since 1970. */
  outages(): { fault: Fault; at: number }[] {
    return this.list.flatMap(({ fault: each }) =>
      each.after === undefined ? [] : [{ fault: each, at: this.startAt + each.after * 1000 }],
    );
  }

  /**
   * Returns how an outage affects a call that none of the service's functions makes; undefined if no outage is active.
   */
  outageAt(call: Pick<SeenCall, 'service' | 'operation' | 'region' | 'cluster'>, now: number): FaultKind | undefined {
    return this.list.find(
      ({ fault: each }) =>
        each.service === call.service &&
        each.step === undefined &&
        PASSING_FAULTS.includes(each.kind) &&
        (each.operation ?? call.operation) === call.operation &&
        (each.region ?? call.region) === call.region &&
        (each.cluster ?? call.cluster) === call.cluster &&
        this.isOn(each, now),
    )?.fault.kind;
  }

  private check({ kind }: Fault): void {
    if (this.possible.includes(kind)) return;
    throw new FaultError(
      `The fault ${kind} cannot be injected into bundled functions, which run in separate processes. Choose one of ${this.possible.join(', ')}, or run the functions from source.`,
    );
  }

  /**
   * Counts the call and returns the kind of fault that affects it; if several do, the first in the list. `input` is
   * called only if a fault filters by it. `now` is the world's time in milliseconds since 1970.
   */
  faultFor(call: Omit<SeenCall, 'n'>, input: () => unknown, now = 0): FaultKind | undefined {
    this.total += 1;
    this.seen.push({ n: this.total, ...call });
    keepLatest(this.seen, this.keep);
    let kind: FaultKind | undefined;
    for (const entry of this.list) {
      const { fault: each } = entry;
      const isMatch =
        (each.service ?? call.service) === call.service &&
        (each.operation ?? call.operation) === call.operation &&
        (each.step ?? call.step) === call.step &&
        (each.region ?? call.region) === call.region &&
        (each.cluster ?? call.cluster) === call.cluster &&
        (each.input === undefined || contains(input(), each.input));
      if (!isMatch) continue;
      if (each.after !== undefined) {
        if (this.isOn(each, now)) kind ??= each.kind;
        continue;
      }
      entry.matched += 1;
      const past = entry.matched - each.call;
      if (past < 0) continue;
      if (each.seconds !== undefined) entry.since ??= now;
      const isOver =
        entry.since === undefined
          ? each.times !== 'all' && past >= each.times
          : now >= entry.since + (each.seconds ?? 0) * 1000;
      if (!isOver) kind ??= each.kind;
    }
    return kind;
  }
}
