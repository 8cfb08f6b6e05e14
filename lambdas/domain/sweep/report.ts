/** The report of a sweep as one document, from which the JSON file, the CSV file and the page are generated. */
import { z } from 'zod';
import { failure, outcome } from '../terms/outcome.ts';
import { verified } from '../terms/levels.ts';
import { shownText } from '../text/text.ts';
import {
  blockingCheck,
  locationInventory,
  sweep,
  sweepInspected,
  sweepClass,
  sweepOutcome,
  sweepStatus,
} from './model.ts';
import { sweepId, sweepMode, sweepRequest } from './request.ts';

/**
 * An add-on of a cluster: what was found, and the outcome. Without the name of an add-on, the row is about the whole
 * cluster or the whole location.
 */
const reportRow = z.object({
  account: z.string(),
  region: z.string(),
  /** Absent: the whole location could not be inspected. */
  cluster: shownText.optional(),
  /** Kubernetes version. */
  kubernetes: shownText.optional(),
  /** Absent: the whole cluster could not be inspected, or has no add-ons. */
  addon: shownText.optional(),
  version: shownText.optional(),
  class: sweepClass,
  reason: shownText.optional(),
  checks: z.array(blockingCheck).default([]),
  /** Id of the migration or plan that the sweep has started, or will start; absent if it was refused. */
  migrationId: z.string().optional(),
  outcome: outcome.optional(),
  /** Level of evidence that was reached. Absent if nothing was verified. */
  verified: verified.optional(),
  /** State of the migration or plan: `queued`, it has not started; `in-flight`, it is in progress. */
  state: z.enum(['queued', 'in-flight', 'ended']).optional(),
  /** Present if the migration ended without an outcome, was blocked, or was rolled back. */
  failure: failure.optional(),
  /** Id of the migration that holds the lock of the add-on, if that blocked this one. */
  heldBy: z.string().optional(),
  begunAt: z.string().optional(),
  endedAt: z.string().optional(),
  /** From start to end. */
  seconds: z.number().optional(),
  wave: z.int().optional(),
});
export type ReportRow = z.infer<typeof reportRow>;

const counts = z.record(z.string(), z.int());

/** A check that blocks add-ons, with the message and remedy for one of them. */
const cause = z.object({ id: z.string(), addons: z.int(), example: z.string(), remedy: z.string().optional() });

/** A count of items at a price for `per` items. */
const costLine = z.object({
  what: z.string(),
  count: z.number(),
  price: z.number(),
  per: z.int(),
  dollars: z.number(),
});
export type CostLine = z.infer<typeof costLine>;

/** An estimate in US dollars, computed from counts and the prices that it contains. */
const sweepCost = z.object({
  transitions: z.int(),
  lambdaInvocations: z.int(),
  lambdaGbSeconds: z.number(),
  s3Requests: z.int(),
  /** Write and read units, on demand. */
  dynamoDbUnits: z.int(),
  dollars: z.number(),
  /** The lines whose sum is `dollars`. */
  lines: z.array(costLine),
  /** The source of the prices, and what the estimate does not include. */
  basis: z.string(),
});
export type SweepCost = z.infer<typeof sweepCost>;

export const sweepReport = z.object({
  schemaVersion: z.literal(1),
  sweepId,
  mode: sweepMode,
  request: sweepRequest,
  status: sweepStatus,
  outcome: sweepOutcome.optional(),
  cause: failure.optional(),
  requester: sweep.shape.requester,
  schedule: sweep.shape.schedule,
  startedAt: z.string(),
  endedAt: z.string().optional(),
  /** When this report was generated. */
  at: z.string(),
  totals: z.object({
    locations: z.int(),
    /** Number of selected clusters that were found. */
    clusters: z.int(),
    /** How many of them were inspected completely. Absent in reports of earlier releases. */
    inspected: sweepInspected.optional(),
    /** Number of rows that are about an add-on. */
    addons: z.int(),
    /** Number of rows by class, including those about whole clusters and locations. The sum is the number of rows. */
    byClass: z.record(sweepClass, z.int()),
    /** Number of migrations and plans that have ended, by outcome; `none`: without an outcome. */
    byOutcome: counts,
    queued: z.int(),
    inFlight: z.int(),
  }),
  /** The blocking checks, with the number of add-ons that each blocks. */
  blockers: z.array(cause),
  /** The checks that show that IRSA is the better fit, with the number of add-ons for which each does. */
  keepIrsa: z.array(cause),
  /** Seconds of migrations that changed something (`migrated`, `rolled-back`, `needs-human`). */
  durations: z.object({ count: z.int(), least: z.number(), median: z.number(), most: z.number() }).optional(),
  /** Calls of the inventory by service, and the average number per cluster and per add-on. */
  calls: z.object({ total: counts, perCluster: z.number(), perAddon: z.number() }),
  cost: sweepCost.optional(),
  /** The totals of the previous sweep. */
  trend: z.object({ sweepId, at: z.string(), byClass: z.record(sweepClass, z.int()), addons: z.int() }).optional(),
  locations: z.array(locationInventory),
  rows: z.array(reportRow),
  /** True if the sandbox simulated AWS: durations then come from the scenario's knobs. */
  simulated: z.boolean(),
});
export type SweepReport = z.infer<typeof sweepReport>;
