/**
 * Builds the report of a sweep from what it found, the migrations that it started, and the previous report. Each
 * finding
 * is in the report exactly once.
 */
import type { Outcome } from '../terms/outcome.ts';
import { costOf } from './cost.ts';
import { added, type Counts } from './counts.ts';
import { inspectedOf } from './inspected.ts';
import {
  type BlockingCheck,
  type ClusterInventory,
  type LocationInventory,
  type Sweep,
  type SweepClass,
  sweepClass,
  type SweepFinding,
  type SweepItem,
  type SweepLocation,
} from './model.ts';
import type { ReportRow, SweepReport } from './report.ts';

export interface ReportInput {
  sweep: Sweep;
  /** The results of the inspected locations, each once. */
  locations: LocationInventory[];
  /** The locations that were to be inspected. */
  locationsRequested: SweepLocation[];
  /** The inspected clusters, each once. */
  clusters: ClusterInventory[];
  items: SweepItem[];
  /** The report of the previous sweep, for the trend. */
  previous?: SweepReport | undefined;
  /** ISO 8601. */
  at: string;
  simulated: boolean;
}

export const DID_NOT_END = 'The inspection of this location did not complete.';
export const NO_ADDONS = 'The cluster has no EKS add-ons.';
/** The reason for an add-on that an earlier inspection of the same sweep has queued. */
const NOT_FOUND_AGAIN = 'The add-on was found ready, and no longer existed when its cluster was inspected again.';

const keyOf = (...parts: (string | undefined)[]): string => JSON.stringify(parts);
const locationOf = ({ account, region }: SweepLocation): string => keyOf(account, region);
const itemKey = ({
  account,
  region,
  cluster,
  addon,
}: Pick<SweepItem, 'account' | 'region' | 'cluster' | 'addon'>): string => keyOf(account, region, cluster, addon);

const total = (counts: Counts): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

/**
 * Returns the seconds between two times, to a tenth; `undefined` if one is not a time, or if they are in reverse order.
 */
function secondsBetween(from: string | undefined, to: string | undefined): number | undefined {
  const seconds = Math.round((Date.parse(to ?? '') - Date.parse(from ?? '')) / 100) / 10;
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

function ofItem(item: SweepItem): Partial<ReportRow> {
  const { migrationId, outcome, verified, state, failure, heldBy, refused, begunAt, endedAt, wave } = item;
  const seconds = secondsBetween(begunAt, endedAt);
  return {
    // No migration with this id exists.
    ...(refused ? {} : { migrationId }),
    state,
    ...(outcome === undefined ? {} : { outcome }),
    ...(verified === undefined ? {} : { verified }),
    ...(failure === undefined ? {} : { failure }),
    ...(heldBy === undefined ? {} : { heldBy }),
    ...(begunAt === undefined ? {} : { begunAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(seconds === undefined ? {} : { seconds }),
    ...(wave === undefined ? {} : { wave }),
  };
}

const ofFinding = ({
  addon,
  version,
  class: found,
  reason,
  checks,
}: SweepFinding): Pick<ReportRow, 'addon' | 'version' | 'class' | 'reason' | 'checks'> => ({
  ...(addon === undefined ? {} : { addon }),
  ...(version === undefined ? {} : { version }),
  class: found,
  ...(reason === undefined ? {} : { reason }),
  checks,
});

/** Returns the rows of a cluster, and removes the items of its add-ons from `waiting`. */
function clusterRows(
  { account, region, cluster, version, findings }: ClusterInventory,
  waiting: Map<string, SweepItem>,
): ReportRow[] {
  const where = { account, region, cluster, ...(version === undefined ? {} : { kubernetes: version }) };
  if (findings.length === 0) return [{ ...where, class: 'not-concerned', reason: NO_ADDONS, checks: [] }];
  return findings.map((finding) => {
    const key = keyOf(account, region, cluster, finding.addon);
    const item = waiting.get(key);
    waiting.delete(key);
    return { ...where, ...ofFinding(finding), ...(item ? ofItem(item) : {}) };
  });
}

const COLUMNS = ['account', 'region', 'cluster', 'addon'] as const;
/**
 * Compares by code units, as S3 sorts, so that the order does not depend on the locale. Rows for a whole cluster or
 * location come first.
 */
const compared = (a = '', b = ''): number => (a < b ? -1 : a > b ? 1 : 0);
const inOrder = (a: ReportRow, b: ReportRow): number =>
  COLUMNS.reduce((order, column) => order || compared(a[column], b[column]), 0);

/** Returns one entry for each location that was requested or inspected, in order. */
function allLocations({ locations, locationsRequested, clusters }: ReportInput): LocationInventory[] {
  const known = new Set(locations.map(locationOf));
  const without = new Map(
    locationsRequested
      .filter((location) => !known.has(locationOf(location)))
      .map((location) => [locationOf(location), location]),
  );
  const unknown = [...without].map(([key, { account, region }]): LocationInventory => {
    const seen = clusters.filter((cluster) => locationOf(cluster) === key);
    return { account, region, clusters: seen.length, notSelected: 0, unreachable: DID_NOT_END, calls: {} };
  });
  return [...locations, ...unknown].sort((a, b) => compared(a.account, b.account) || compared(a.region, b.region));
}

function allRows({ clusters, items }: ReportInput, locations: LocationInventory[]): ReportRow[] {
  const waiting = new Map(items.map((item) => [itemKey(item), item]));
  const found = clusters.flatMap((cluster) => clusterRows(cluster, waiting));
  const gone = [...waiting.values()].map((item): ReportRow => {
    const { account, region, cluster, addon } = item;
    return {
      account,
      region,
      cluster,
      addon,
      class: 'unreachable',
      reason: NOT_FOUND_AGAIN,
      checks: [],
      ...ofItem(item),
    };
  });
  const unreachable = locations.flatMap(({ account, region, unreachable: reason }): ReportRow[] =>
    reason === undefined ? [] : [{ account, region, class: 'unreachable', reason, checks: [] }],
  );
  return [...unreachable, ...found, ...gone].sort(inOrder);
}

function byClassOf(rows: ReportRow[]): Record<SweepClass, number> {
  const counts = Object.fromEntries(sweepClass.options.map((each) => [each, 0])) as Record<SweepClass, number>;
  for (const row of rows) counts[row.class] += 1;
  return counts;
}

/** Counts each check once for each add-on, even if it has several messages. */
function causesOf(rows: { checks: BlockingCheck[] }[]): SweepReport['blockers'] {
  const blockers = new Map<string, { addons: number; first: BlockingCheck }>();
  for (const { checks } of rows) {
    for (const [id, first] of new Map(checks.toReversed().map((check) => [check.id, check]))) {
      const known = blockers.get(id);
      blockers.set(id, { addons: (known?.addons ?? 0) + 1, first: known?.first ?? first });
    }
  }
  return [...blockers]
    .map(
      ([
        id,
        {
          addons,
          first: { message, remedy },
        },
      ]) => ({ id, addons, example: message, ...(remedy === undefined ? {} : { remedy }) }),
    )
    .sort((a, b) => b.addons - a.addons || compared(a.id, b.id));
}

/** Returns the rows whose IRSA is to be kept, with the checks that show it. */
const reasonsOf = (rows: ReportRow[]): { checks: BlockingCheck[] }[] =>
  rows
    .filter((row) => row.class === 'keep-irsa')
    .map(({ checks }) => ({ checks: checks.filter(({ keepIrsa }) => keepIrsa) }));

const CHANGED: readonly (Outcome | undefined)[] = ['migrated', 'rolled-back', 'needs-human'];

function durationsOf(rows: ReportRow[]): SweepReport['durations'] {
  const seconds = rows
    .flatMap((row) => (CHANGED.includes(row.outcome) && row.seconds !== undefined ? [row.seconds] : []))
    .sort((a, b) => a - b);
  const [least, most] = [seconds[0], seconds.at(-1)];
  if (least === undefined || most === undefined) return undefined;
  const [lower = least, upper = lower] = [
    seconds[Math.floor((seconds.length - 1) / 2)],
    seconds[Math.ceil((seconds.length - 1) / 2)],
  ];
  return { count: seconds.length, least, median: Math.round((lower + upper) * 5) / 10, most };
}

const perOne = (count: number, of: number): number => (of === 0 ? 0 : Math.round((count / of) * 100) / 100);

/** Returns the seconds from the first start to the last end, or to the report if a migration is in progress. */
function migratingSeconds(rows: ReportRow[], at: string): number {
  const begun = rows.flatMap(({ begunAt }) => begunAt ?? []);
  const ended = rows.flatMap(({ state, endedAt }) => (state === 'in-flight' ? at : (endedAt ?? [])));
  const first = begun.reduce<string | undefined>(
    (least, time) => (least === undefined || time < least ? time : least),
    undefined,
  );
  const last = ended.reduce<string | undefined>(
    (most, time) => (most === undefined || time > most ? time : most),
    undefined,
  );
  return secondsBetween(first, last) ?? 0;
}

function costOfReport(
  { sweep: { request }, clusters, items, at }: ReportInput,
  locations: LocationInventory[],
  rows: ReportRow[],
  byOutcome: Counts,
): SweepReport['cost'] {
  const callsOf = new Map(locations.map((location) => [locationOf(location), [location.calls]]));
  for (const cluster of clusters) callsOf.get(locationOf(cluster))?.push(cluster.calls);
  const inspected = [...callsOf.values()].map(added).map((calls) => ({ eks: calls['eks'] ?? 0, calls: total(calls) }));
  return costOf({
    locations: inspected,
    callsPerSecond: request.callsPerSecond,
    clusters: clusters.length,
    items: items.length,
    byOutcome,
    migratingSeconds: migratingSeconds(rows, at),
  });
}

const trendOf = (sweepId: string, previous: SweepReport | undefined): SweepReport['trend'] =>
  // A resumed sweep builds its report again, and must not be compared with itself.
  previous && previous.sweepId !== sweepId
    ? { sweepId: previous.sweepId, at: previous.at, byClass: previous.totals.byClass, addons: previous.totals.addons }
    : undefined;

/** Builds the report as of `at`, even if the sweep has not ended. The same input leads to the same report. */
export function buildReport(input: ReportInput): SweepReport {
  const { sweep, clusters, previous, at, simulated } = input;
  const { sweepId, request, status, outcome, cause, requester, schedule, startedAt, endedAt } = sweep;
  const locations = allLocations(input);
  const rows = allRows(input, locations);
  const addons = rows.filter(({ addon }) => addon !== undefined).length;
  const byOutcome = added(rows.filter(({ state }) => state === 'ended').map((row) => ({ [row.outcome ?? 'none']: 1 })));
  const calls = added([...locations, ...clusters].map((each) => each.calls));
  const durations = durationsOf(rows);
  const trend = trendOf(sweepId, previous);
  const cost = costOfReport(input, locations, rows, byOutcome);
  return {
    schemaVersion: 1,
    sweepId,
    mode: request.mode,
    request,
    status,
    ...(outcome === undefined ? {} : { outcome }),
    ...(cause === undefined ? {} : { cause }),
    ...(requester === undefined ? {} : { requester }),
    ...(schedule === undefined ? {} : { schedule }),
    startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    at,
    totals: {
      locations: locations.length,
      clusters: clusters.length,
      inspected: inspectedOf(locations, clusters),
      addons,
      byClass: byClassOf(rows),
      byOutcome,
      queued: rows.filter(({ state }) => state === 'queued').length,
      inFlight: rows.filter(({ state }) => state === 'in-flight').length,
    },
    blockers: causesOf(rows.filter((row) => row.class === 'blocked')),
    keepIrsa: causesOf(reasonsOf(rows)),
    ...(durations === undefined ? {} : { durations }),
    calls: { total: calls, perCluster: perOne(total(calls), clusters.length), perAddon: perOne(total(calls), addons) },
    ...(cost === undefined ? {} : { cost }),
    ...(trend === undefined ? {} : { trend }),
    locations,
    rows,
    simulated,
  };
}
