/** Records the calls, invocations and memory of a sweep in a sandbox while it runs. */
import { loadAssembly } from '../sandbox/assembly/assembly.ts';
import { stepOf } from '../sandbox/lambda/source-runtime.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Call } from '../sandbox/calls/call-log.ts';
import type { World } from '../sandbox/world/world.ts';

/** Services that are called in the fleet; the others are the service's own. */
const OF_FLEET = ['eks', 'iam', 'sts', 'kubernetes'];
const REFUSED = /Throttl|TooManyRequests/;
const SAMPLE_EVERY = 5000;

export interface Phase {
  name: 'look' | 'waves';
  /** Seconds of virtual time. */
  seconds: number;
  /** Calls that were accepted. */
  eksByLocation: Record<string, number>;
  /** Calls of EKS that the throttle refused. */
  refused: number;
  /** Calls by service, including refused ones. */
  calls: Record<string, number>;
}

export interface Seen {
  phases: Phase[];
  /** Invocations by the name of the step. */
  functions: Record<string, { invocations: number; gbSeconds: number }>;
  /** Transitions by the name of the state machine. */
  transitions: Record<string, number>;
  /** Requests by operation. */
  s3: Record<string, number>;
  dynamodb: Record<string, number>;
  bucketBytes: number;
  /** Memory in MB, after a garbage collection if the process may request it. The slope is MB per 1,000 calls of EKS. */
  memory: { heapFirst: number; heapQuarter: number; heapLast: number; heapSlope: number; rssMost: number };
}

interface Sample {
  /** Number of calls of EKS so far. */
  calls: number;
  heap: number;
  rss: number;
}

/** Returns MB per 1,000 calls, by least squares. */
const slopeOf = (samples: readonly Sample[]): number => {
  const mean = (of: (sample: Sample) => number): number =>
    samples.reduce((all, one) => all + of(one), 0) / samples.length;
  const [calls, heap] = [mean((one) => one.calls), mean((one) => one.heap)];
  const spread = samples.reduce((all, one) => all + (one.calls - calls) ** 2, 0);
  return spread === 0
    ? 0
    : (1000 * samples.reduce((all, one) => all + (one.calls - calls) * (one.heap - heap), 0)) / spread;
};

const add = (counts: Record<string, number>, name: string, by = 1): void =>
  void (counts[name] = (counts[name] ?? 0) + by);

/** `eks` is the total number of calls of EKS. The slope is that of the samples after the first quarter of them. */
const memoryOf = (samples: readonly Sample[], eks: number): Seen['memory'] => {
  const late = samples.filter(({ calls }) => calls >= eks / 4);
  return {
    heapFirst: samples[0]?.heap ?? 0,
    heapQuarter: late[0]?.heap ?? 0,
    heapLast: late.at(-1)?.heap ?? 0,
    heapSlope: slopeOf(late),
    rssMost: Math.max(...samples.map(({ rss }) => rss)),
  };
};

const bytesIn = ({ buckets }: World): number =>
  [...buckets.values()].flatMap(({ objects }) => [...objects.values()]).reduce((all, { body }) => all + body.length, 0);

type OpenPhase = Phase & { from: number };
const newPhase = (name: Phase['name'], from: number): OpenPhase => ({
  name,
  from,
  seconds: 0,
  eksByLocation: {},
  refused: 0,
  calls: {},
});

/** `steps` has the steps by the function's ARN. A call is recorded when it is answered, at `now`. */
const addInvocation = (
  counts: Seen['functions'],
  steps: ReadonlyMap<string, { step: string; gb: number }>,
  { at, input }: Call,
  now: number,
): void => {
  const arn = String((input as { functionName: unknown }).functionName)
    .split(':')
    .slice(0, 7)
    .join(':');
  const fn = steps.get(arn);
  if (!fn) throw new Error(`There is no function ${arn}.`);
  const known = (counts[fn.step] ??= { invocations: 0, gbSeconds: 0 });
  known.invocations += 1;
  known.gbSeconds += ((now - Date.parse(at)) / 1000) * fn.gb;
};

/** Must be called before the sweep is started. Call `end` once the sweep has ended. */
export const watchSweep = ({ world, clock, executions }: Sandbox, assemblyDirectory: string): { end: () => Seen } => {
  const functions = new Map(
    loadAssembly(assemblyDirectory, world.home).functions.map((fn) => [
      fn.arn,
      { step: stepOf(fn), gb: fn.memoryMb / 1024 },
    ]),
  );
  const seen: Pick<Seen, 'functions' | 's3' | 'dynamodb'> = { functions: {}, s3: {}, dynamodb: {} };
  const phases: OpenPhase[] = [newPhase('look', clock.now())];
  const samples: Sample[] = [];
  let eks = 0;

  const take = (): void => {
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    samples.push({ calls: eks, heap: heapUsed / 1e6, rss: rss / 1e6 });
    process.stderr.write(
      `${new Date(clock.now()).toISOString()}  ${eks} calls of EKS, ${Math.round(heapUsed / 1e6)} MB of heap, ${Math.round(rss / 1e6)} MB\n`,
    );
  };

  const next = (name: Phase['name']): void => {
    const [last] = phases.slice(-1);
    if (last) last.seconds = (clock.now() - last.from) / 1000;
    phases.push(newPhase(name, clock.now()));
  };

  world.log.onCall((call) => {
    const { service, operation, account, region, error, step } = call;
    if (step === 'dispatch-sweep' && phases.length === 1) next('waves');
    if (service === 'lambda') addInvocation(seen.functions, functions, call, clock.now());
    if (service === 's3' || service === 'dynamodb') add(seen[service], operation);
    const [phase] = phases.slice(-1);
    if (!phase || !OF_FLEET.includes(service)) return;
    add(phase.calls, service);
    if (service !== 'eks') return;
    if (error !== undefined && REFUSED.test(error)) phase.refused += 1;
    else add(phase.eksByLocation, `${account} ${region}`);
    eks += 1;
    if (eks % SAMPLE_EVERY === 0) take();
  });
  take();

  return {
    end: () => {
      take();
      const [last] = phases.slice(-1);
      if (last) last.seconds = (clock.now() - last.from) / 1000;
      const transitions: Record<string, number> = {};
      for (const [name, made] of executions.transitions()) add(transitions, name, made);
      return {
        ...seen,
        phases,
        transitions,
        bucketBytes: bytesIn(world),
        memory: memoryOf(samples, eks),
      };
    },
  };
};
