// replaced by branch report
import type { ClusterInventory, PlaceInventory, Sweep, SweepItem, SweepPlace } from './model.ts';
import type { SweepReport } from './report.ts';

export interface ReportInput {
  sweep: Sweep;
  places: PlaceInventory[];
  placesAsked: SweepPlace[];
  clusters: ClusterInventory[];
  items: SweepItem[];
  previous?: SweepReport | undefined;
  at: string;
  simulated: boolean;
}

export function buildReport({ sweep, places, clusters, items, at, simulated }: ReportInput): SweepReport {
  const { sweepId, request, status, startedAt } = sweep;
  const rows = clusters.flatMap(({ findings, account, region, cluster }) => findings.map((finding) => ({ account, region, cluster, ...finding })));
  const byClass = { 'on-pod-identity': 0, ready: 0, blocked: 0, 'node-role': 0, 'not-concerned': 0, unreachable: 0 };
  for (const row of rows) byClass[row.class] += 1;
  const byOutcome: Record<string, number> = {};
  for (const { state, outcome = 'none' } of items) if (state === 'ended') byOutcome[outcome] = (byOutcome[outcome] ?? 0) + 1;
  const inState = (state: SweepItem['state']): number => items.filter((one) => one.state === state).length;
  return {
    schemaVersion: 1,
    sweepId,
    mode: request.mode,
    request,
    status,
    startedAt,
    at,
    simulated,
    places,
    rows,
    totals: { places: places.length, clusters: clusters.length, addons: rows.length, byClass, byOutcome, queued: inState('queued'), inFlight: inState('in-flight') },
    blockers: [],
    calls: { total: {}, perCluster: 0, perAddon: 0 },
  };
}
