/** The report of a sweep, as one document: what the JSON file, the CSV file and the page are made of. */
import { z } from 'zod';
import { failure, outcome } from '../migration/model.ts';
import { shownText } from '../text/text.ts';
import {
  blockingCheck,
  locationInventory,
  sweep,
  sweepClass,
  sweepId,
  sweepMode,
  sweepOutcome,
  sweepRequest,
  sweepStatus,
} from './model.ts';

/**
 * An add-on of a cluster: what was found, and what became of it. Where its name is absent, the row stands for the whole
 * cluster, or region of an account.
 */
export const reportRow = z.object({
  account: z.string(),
  region: z.string(),
  /** Absent: the whole region of the account could not be looked at. */
  cluster: shownText.optional(),
  /** Kubernetes version. */
  kubernetes: shownText.optional(),
  /** Absent: the whole cluster could not be looked at, or has no add-ons. */
  addon: shownText.optional(),
  version: shownText.optional(),
  class: sweepClass,
  reason: shownText.optional(),
  checks: z.array(blockingCheck).default([]),
  /** Of a migration, or a plan, that the sweep has begun, or is to begin; absent where it was refused. */
  migrationId: z.string().optional(),
  outcome: outcome.optional(),
  /** Of what the sweep was to begin: `queued`, it has not; `in-flight`, it is still under way. */
  state: z.enum(['queued', 'in-flight', 'ended']).optional(),
  /** Of one that ended without an outcome, was blocked, or went back. */
  failure: failure.optional(),
  /** Of one that was blocked because another migration works on its add-on: that migration's id. */
  heldBy: z.string().optional(),
  begunAt: z.string().optional(),
  endedAt: z.string().optional(),
  /** From begun to ended. */
  seconds: z.number().optional(),
  wave: z.int().optional(),
});
export type ReportRow = z.infer<typeof reportRow>;

const counts = z.record(z.string(), z.int());

/** So many of that, at that price for `per` of them. */
export const costLine = z.object({
  what: z.string(),
  count: z.number(),
  price: z.number(),
  per: z.int(),
  dollars: z.number(),
});
export type CostLine = z.infer<typeof costLine>;

/** US dollars, computed from counts by the prices that it names; an estimate. */
export const sweepCost = z.object({
  transitions: z.int(),
  lambdaInvocations: z.int(),
  lambdaGbSeconds: z.number(),
  s3Requests: z.int(),
  /** Write and read units, on demand. */
  dynamoDbUnits: z.int(),
  dollars: z.number(),
  /** Whose dollars add up to `dollars`. */
  lines: z.array(costLine),
  /** Where the prices are from, and what is not in it. */
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
  /** When this report was made. */
  at: z.string(),
  totals: z.object({
    locations: z.int(),
    /** Clusters that were looked at. */
    clusters: z.int(),
    /** Rows that are an add-on's. */
    addons: z.int(),
    /** All rows by their class, also those of whole clusters and regions: adds up to the number of rows. */
    byClass: z.record(sweepClass, z.int()),
    /** Of the migrations and plans that have ended; `none` of those without an outcome. */
    byOutcome: counts,
    queued: z.int(),
    inFlight: z.int(),
  }),
  /** What blocks: by check, how many add-ons. */
  blockers: z.array(z.object({ id: z.string(), addons: z.int(), example: z.string(), remedy: z.string().optional() })),
  /** Of migrations that changed something (`migrated`, `rolled-back`, `needs-human`), seconds. */
  durations: z.object({ count: z.int(), least: z.number(), median: z.number(), most: z.number() }).optional(),
  /** Calls that the inventory took, by service, and how many of all for each cluster and add-on. */
  calls: z.object({ total: counts, perCluster: z.number(), perAddon: z.number() }),
  cost: sweepCost.optional(),
  /** The same totals of the sweep before. */
  trend: z.object({ sweepId, at: z.string(), byClass: z.record(sweepClass, z.int()), addons: z.int() }).optional(),
  locations: z.array(locationInventory),
  rows: z.array(reportRow),
  /** True where AWS was played by the sandbox: durations then come from the scenario's knobs. */
  simulated: z.boolean(),
});
export type SweepReport = z.infer<typeof sweepReport>;
