/**
 * Estimates what a sweep costs on AWS: counts times prices. The estimate uses the contents of the report alone; no bill
 * is read.
 */
import type { Outcome } from '../terms/outcome.ts';
import type { CostLine, SweepCost } from './report.ts';

/**
 * US dollars in us-east-1 without the free tier, November 2026. Step Functions, Standard:
 * aws.amazon.com/step-functions/pricing. Lambda on arm64: aws.amazon.com/lambda/pricing. S3 Standard:
 * aws.amazon.com/s3/pricing. DynamoDB on demand, as in docs/adr/0006: aws.amazon.com/dynamodb/pricing/on-demand.
 */
export const PRICES = {
  transitions: { what: 'Step Functions state transitions', dollars: 0.025, per: 1_000 },
  invocations: { what: 'Lambda invocations', dollars: 0.2, per: 1_000_000 },
  gbSeconds: { what: 'Lambda GB-seconds (arm64)', dollars: 0.0000133334, per: 1 },
  s3Writes: { what: 'S3 PUT and LIST requests', dollars: 0.005, per: 1_000 },
  s3Reads: { what: 'S3 GET requests', dollars: 0.0004, per: 1_000 },
  writeUnits: { what: 'DynamoDB write units', dollars: 0.625, per: 1_000_000 },
  readUnits: { what: 'DynamoDB read units', dollars: 0.125, per: 1_000_000 },
} as const;
type Counted = keyof typeof PRICES;
type Counts = Record<Counted, number>;

/** Memory of each Lambda function, from lib/step-function-lambda.ts. */
const GB = 0.5;
/**
 * Seconds that a call of EKS, IAM or an API server takes, and that an invocation takes in addition to its calls. Both
 * are assumptions, not measured in AWS.
 */
const SECONDS_A_CALL = 0.1;
const SECONDS_AN_INVOCATION = 1;
/**
 * Seconds that one invocation of take-inventory works: its time-out, less the reserve for the cluster that it is
 * inspecting.
 */
const SECONDS_PER_POLL = 840;
/** Seconds between two polls of the dispatcher. */
const SECONDS_A_TICK = 20;

interface Run {
  transitions: number;
  invocations: number;
  writeUnits: number;
  readUnits: number;
}
/**
 * What one execution of MigrateAddon uses. Transitions (states entered, and retries, which count as one each) and
 * invocations are those of the sandbox's first scenario, in place; test/end-to-end/sweep-cost.test.ts counts them
 * again.
 * Each poll that finds something not ready yet is followed by a pause: one invocation and three transitions. Units of
 * the ledger are rounded up: docs/adr/0006.
 */
const CHANGED: Run = { transitions: 32, invocations: 12, writeUnits: 310, readUnits: 500 };
/** An in-place attempt whose pods kept the old identity over two restarts, and its rollback. */
const ROLLED_BACK: Run = { transitions: 108, invocations: 46, writeUnits: 720, readUnits: 1100 };
/**
 * The plan alone. In the ledger: 4 writes, of which the record counts 8, 16 writes of the lists' indexes, and 2 reads.
 */
const PLANNED: Run = { transitions: 4, invocations: 1, writeUnits: 50, readUnits: 20 };

export const RUNS: Record<Outcome | 'none', Run> = {
  migrated: CHANGED,
  'rolled-back': ROLLED_BACK,
  'needs-human': ROLLED_BACK,
  none: ROLLED_BACK,
  planned: PLANNED,
  blocked: PLANNED,
  'already-migrated': PLANNED,
};

/**
 * An item is queued, started and ended: three puts, two deletes, and each end updates the record (of 2 KB).
 */
const ITEM_WRITES = 8;
/** The holder of the add-on's lock is read before the item is started, and the report reads the item. */
const ITEM_READS = 2;
/**
 * Each poll of the dispatcher reads the record, the items in flight and the queued items, and writes the record if the
 * wave continues.
 */
const TICK_READS = 20;
const TICK_WRITES = 2;
/**
 * BeginSweep, two choices, the Map, ReportSweep and the end. A child execution: the inspection, its choice and its end.
 */
const TRANSITIONS_A_SWEEP = 6;
const TRANSITIONS_PER_POLL = 2;
const TRANSITIONS_A_TICK = 3;
/** The list of locations, the Map's results and manifest, and three reports. */
const S3_WRITES_A_SWEEP = 8;
/** Objects in one response of LIST. */
const LISTED = 1_000;

export interface CostInput {
  /** For each location: calls of EKS, and calls of all services. */
  locations: { eks: number; calls: number }[];
  callsPerSecond: number;
  clusters: number;
  /** Items that were queued. */
  items: number;
  /** Items that were started, by their outcome; `none` if they have none yet. */
  byOutcome: Record<string, number>;
  /** Seconds during which migrations were in progress. */
  migratingSeconds: number;
}

const isRun = (outcome: string): outcome is keyof typeof RUNS => Object.hasOwn(RUNS, outcome);

function countsOf({ locations, callsPerSecond, clusters, items, byOutcome, migratingSeconds }: CostInput): Counts {
  // An inspection takes as long as the pace of EKS makes it take. A Lambda function costs the same while it waits.
  const pollSeconds = locations.map(({ eks, calls }) => Math.max(eks / callsPerSecond, calls * SECONDS_A_CALL));
  const inspections = pollSeconds.reduce((sum, seconds) => sum + Math.max(1, Math.ceil(seconds / SECONDS_PER_POLL)), 0);
  const ticks = items === 0 ? 0 : Math.ceil(migratingSeconds / SECONDS_A_TICK) + 1;
  const runs = Object.entries(byOutcome).map(([outcome, count]) => ({
    ...RUNS[isRun(outcome) ? outcome : 'none'],
    count,
  }));
  const inRuns = (of: keyof Run): number => runs.reduce((sum, run) => sum + run[of] * run.count, 0);
  const invocations = 2 + inspections + ticks + inRuns('invocations');
  return {
    transitions:
      TRANSITIONS_A_SWEEP +
      inspections * TRANSITIONS_PER_POLL +
      locations.length +
      ticks * TRANSITIONS_A_TICK +
      inRuns('transitions'),
    invocations,
    gbSeconds: GB * (pollSeconds.reduce((sum, seconds) => sum + seconds, 0) + invocations * SECONDS_AN_INVOCATION),
    s3Writes: S3_WRITES_A_SWEEP + locations.length + clusters + Math.ceil((locations.length + clusters) / LISTED),
    s3Reads: 2 + locations.length + clusters,
    writeUnits: items * ITEM_WRITES + ticks * TICK_WRITES + inRuns('writeUnits'),
    readUnits: items * ITEM_READS + ticks * TICK_READS + inRuns('readUnits'),
  };
}

const rounded = (dollars: number): number => Math.round(dollars * 1e6) / 1e6;

/** Returns the estimated cost. `dollars` is the sum of the lines, rounded to a millionth. */
export function costOf(input: CostInput): SweepCost {
  const counts = countsOf(input);
  const lines = (Object.keys(PRICES) as Counted[]).map((counted): CostLine => {
    const { what, dollars: price, per } = PRICES[counted];
    const count = Math.ceil(counts[counted]);
    return { what, count, price, per, dollars: rounded((count * price) / per) };
  });
  return {
    transitions: Math.ceil(counts.transitions),
    lambdaInvocations: Math.ceil(counts.invocations),
    lambdaGbSeconds: Math.ceil(counts.gbSeconds),
    s3Requests: Math.ceil(counts.s3Writes + counts.s3Reads),
    dynamoDbUnits: Math.ceil(counts.writeUnits + counts.readUnits),
    dollars: rounded(lines.reduce((sum, { dollars }) => sum + dollars, 0)),
    lines,
    basis:
      'An estimate: the counts of this sweep, with the usage of one migration in the sandbox, times the list prices of us-east-1 without the free tier. It does not include logs, traces, metrics, data transfer and storage.',
  };
}
