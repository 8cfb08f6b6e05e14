/**
 * Faults: what goes wrong with the calls that the service's own functions make, and when. Declared in a scenario, or
 * added by code. How each kind is played is in `door-faults.ts`.
 */
import { z } from 'zod';
import { isObject } from '../json.ts';
import { keepLatest } from './call-log.ts';

/**
 * `throttled` to `not-found`: the service refuses, with its own error, and does nothing. `lost-…`: the connection
 * breaks before the call arrives, or before its reply does. `crash-…`: the function's process dies there. `time-out-…`:
 * the call hangs until the function's time is up; before: it arrives then, after: it had arrived at once; the
 * invocation goes on, while Step Functions already retries. `abort-…`: the execution is stopped; the invocation goes on
 * to its end.
 */
export const FAULT_KINDS = [
  'throttled',
  'server-error',
  'lost-before',
  'lost-after',
  'access-denied',
  'in-use',
  'not-found',
  'crash-before',
  'crash-after',
  'time-out-before',
  'time-out-after',
  'abort-before',
  'abort-after',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Kinds that happen to a call alone; the others happen to the function or the execution that makes it. */
export const CALL_FAULTS: readonly FaultKind[] = [
  'throttled',
  'server-error',
  'lost-before',
  'lost-after',
  'access-denied',
  'in-use',
  'not-found',
];

/** Kinds that say nothing of the call, only that it was not served: an outage of a service is one of them. */
const PASSING_FAULTS: readonly FaultKind[] = ['throttled', 'server-error', 'lost-before'];

export const fault = z
  .strictObject({
    service: z
      .enum(['eks', 'iam', 'sts', 'dynamodb', 'states', 'events', 's3', 'kubernetes', 'eks-auth'])
      .optional()
      .describe(
        'Calls of that service only. `eks-auth`: what pods ask for their credentials, which wants `after` and `seconds`; with `sts` they strike pods on IRSA too.',
      ),
    operation: z
      .string()
      .min(1)
      .optional()
      .describe('Calls of that operation only, named as the call log names it: `DeleteAddon`, `list pods`.'),
    region: z.string().min(1).optional().describe('Calls of that region only.'),
    cluster: z.string().min(1).optional().describe('Calls of the API server of that cluster only, by its name.'),
    step: z.string().min(1).optional().describe("Calls of that step's function only: `delete-addon`."),
    input: z
      .record(z.string(), z.unknown())
      .optional()
      .describe(
        "Calls whose input, as the call log has it, contains all of this: an object's other fields do not matter.",
      ),
    call: z
      .number()
      .int()
      .min(1)
      .default(1)
      .describe('Which of the calls that match is the first to be struck, counted from 1 over the whole run.'),
    times: z
      .union([z.number().int().min(1), z.literal('all')])
      .default(1)
      .describe('How many of them are struck, one after the other; `all`: every further one too.'),
    seconds: z
      .number()
      .positive()
      .max(7 * 86_400)
      .optional()
      .describe(
        'An outage: every call that matches is struck, from the first struck one on and for so long, in the time of the world. `times` then counts no more.',
      ),
    after: z
      .number()
      .min(0)
      .max(7 * 86_400)
      .optional()
      .describe(
        'An outage that begins so many seconds after the sandbox opened, whoever calls. `call` then counts no more.',
      ),
    kind: z
      .enum(FAULT_KINDS)
      .describe(
        'What happens. `throttled`, `server-error`, `access-denied`, `in-use`, `not-found`: the service refuses so, and does nothing. `lost`: the connection breaks before the call arrives, or before its reply does. `crash`: the function dies. `time-out`: the call hangs until the function has timed out, and the invocation goes on. `abort`: the execution is stopped. `before` and `after`: the call had its effect, or not.',
      ),
  })
  .refine(({ after, seconds }) => after === undefined || seconds !== undefined, {
    path: ['seconds'],
    message: 'must say how long the outage lasts that begins with after',
  })
  .refine(
    ({ service, after, kind }) => service !== 'eks-auth' || (after !== undefined && PASSING_FAULTS.includes(kind)),
    {
      path: ['after'],
      message: 'of eks-auth there are only outages: throttled, server-error or lost-before, with after',
    },
  )
  .meta({ id: 'Fault', description: "Strikes calls that the service's own functions make, never the operator's." });
/** As it is written: with defaults left out. */
export type FaultInput = z.input<typeof fault>;
export type Fault = z.output<typeof fault>;

/** A call that a fault could strike. */
export interface SeenCall {
  /** Counts from 1 over the run: a fault without filters strikes the call of that number. */
  n: number;
  service: string;
  operation: string;
  step: string;
  /** Where the call goes; left out: it is not known. */
  region?: string;
  /** Of an API server. */
  cluster?: string;
  mutating: boolean;
  /** Of the execution that the invocation belongs to. */
  executionArn?: string;
}

/** Whether `whole` has all that `part` has; lists must be equal in length, their items are compared the same way. */
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

/** A fault that can't happen where the functions run; the message says why and what to do. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
}

/** The faults of a world, and the calls that they could strike. */
export class Faults {
  /** All, or the latest: `keep` and up to as many before. */
  readonly seen: SeenCall[] = [];
  private readonly keep: number;
  private total = 0;
  private readonly startAt: number;
  private readonly list: { fault: Fault; matched: number; since?: number }[] = [];
  private possible: readonly FaultKind[] = FAULT_KINDS;

  /** `keep`: how many calls stay in `seen`. Default: all. `startAt`: the world's time when the sandbox opened. */
  constructor(
    list: readonly FaultInput[],
    { keep = Number.POSITIVE_INFINITY, startAt = 0 }: { keep?: number | undefined; startAt?: number } = {},
  ) {
    this.keep = keep;
    this.startAt = startAt;
    for (const one of list) this.add(one);
  }

  /** Counts calls from now on. Throws ZodError for what is no fault, FaultError for one that can't happen here. */
  add(one: FaultInput): void {
    const parsed = fault.parse(one);
    this.check(parsed);
    this.list.push({ fault: parsed, matched: 0 });
  }

  /** Nothing goes wrong any more; `seen` stays. */
  clear(): void {
    this.list.length = 0;
  }

  /**
   * From now on only faults of those kinds are taken. Throws FaultError for one of another kind that is there already.
   */
  restrict(kinds: readonly FaultKind[]): void {
    this.possible = kinds;
    for (const { fault: each } of this.list) this.check(each);
  }

  /** Whether an outage that has its own time is going on. */
  private isOn({ after, seconds = 0 }: Fault, now: number): boolean {
    const since = this.startAt + (after ?? Number.POSITIVE_INFINITY) * 1000;
    return now >= since && now < since + seconds * 1000;
  }

  /** The outages that have their own time, each with when it begins: milliseconds since 1970. */
  outages(): { fault: Fault; at: number }[] {
    return this.list.flatMap(({ fault: each }) =>
      each.after === undefined ? [] : [{ fault: each, at: this.startAt + each.after * 1000 }],
    );
  }

  /** What an outage does to a call that none of the service's functions makes; undefined where none is on. */
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
      `The fault ${kind} can't happen to bundled functions, which run in processes of their own. Choose one of ${this.possible.join(', ')}, or run the functions from source.`,
    );
  }

  /**
   * Counts the call and answers what happens to it; where several faults strike, the first of the list. `input` is
   * asked for only where a fault looks at it. `now`: the world's time, milliseconds since 1970.
   */
  strike(call: Omit<SeenCall, 'n'>, input: () => unknown, now = 0): FaultKind | undefined {
    this.total += 1;
    this.seen.push({ n: this.total, ...call });
    keepLatest(this.seen, this.keep);
    let kind: FaultKind | undefined;
    for (const entry of this.list) {
      const { fault: each } = entry;
      const isMeant =
        (each.service ?? call.service) === call.service &&
        (each.operation ?? call.operation) === call.operation &&
        (each.step ?? call.step) === call.step &&
        (each.region ?? call.region) === call.region &&
        (each.cluster ?? call.cluster) === call.cluster &&
        (each.input === undefined || contains(input(), each.input));
      if (!isMeant) continue;
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
