/**
 * Measures the report of a large sweep: `node bench/sweep-report.ts [rows ...]` (default 1000 10000 50000 100000), with
 * a row for each add-on. Each size runs in a separate process with the memory of the Lambda `report-sweep`: from the
 * content of the bucket, with a report of the same size for the trend, to the three formats. Prints the CPU time, the
 * process's peak and the sizes of the formats, or that the memory was not enough.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { generateFleet } from '../cli/fleet/generate.ts';
import { buildReport } from '../lambdas/domain/sweep/build-report.ts';
import { reportCsv } from '../lambdas/domain/sweep/csv.ts';
import {
  type ClusterInventory,
  clusterInventory,
  type Sweep,
  type SweepFinding,
} from '../lambdas/domain/sweep/model.ts';
import { sweepRequest } from '../lambdas/domain/sweep/request.ts';
import { sweepReport, type SweepReport } from '../lambdas/domain/sweep/report.ts';
import { reportPage } from '../lambdas/report-page/page.ts';
import { reportSweepSchema } from '../lambdas/steps/report-sweep/schema.ts';

/** Heap in MB out of the Lambda's memory. Node.js and the SDK need the rest (about 100 MB in an idle process). */
const HEAP = (reportSweepSchema.memoryMb ?? 512) - 100;
const beforeOf = (file: string): string => `${file}.before`;
const AT = '2026-01-15T10:00:00.000Z';
const SWEEP_ID = '01KF0E44M047C4FEZDQK8YZG0M';

/** Text of the median length in a sandbox's sweep. */
const CHECK = { id: 'role-trust', message: 'x'.repeat(400), remedy: 'y'.repeat(600) };

/** Findings as an inventory would store them in the bucket. */
const inventoriesOf = (rows: number): ClusterInventory[] => {
  const { expected } = generateFleet({ clusters: Math.ceil(rows / 3), seed: 1 });
  const clusters = new Map<string, ClusterInventory>();
  for (const { account, region, cluster, addon, class: found } of expected.slice(0, rows)) {
    const known = clusters.get(cluster) ?? {
      account,
      region,
      cluster,
      version: '1.33',
      observedAt: AT,
      findings: [],
      calls: { eks: 12, iam: 9, kubernetes: 8 },
    };
    clusters.set(cluster, known);
    const finding: SweepFinding = {
      addon,
      version: 'v1.38.1-eksbuild.1',
      class: found,
      checks: found === 'blocked' ? [CHECK] : [],
      roles: found === 'ready' ? [`arn:aws:iam::${account}:role/${cluster}-${addon}`] : [],
    };
    known.findings.push(found === 'unreachable' ? { ...finding, reason: `Cluster ${cluster} is DELETING.` } : finding);
  }
  return [...clusters.values()];
};

const reportOf = (clusters: ClusterInventory[], previous?: SweepReport): SweepReport => {
  const sweep: Sweep = {
    sweepId: SWEEP_ID,
    request: sweepRequest.parse({ mode: 'inventory' }),
    status: 'ended',
    phase: 'report',
    startedAt: AT,
    endedAt: AT,
    outcome: 'completed',
    executions: 1,
    failed: [],
    ended: 0,
  };
  return buildReport({
    sweep,
    locations: [],
    locationsRequested: [],
    clusters,
    items: [],
    previous,
    at: AT,
    simulated: false,
  });
};

const make = async (file: string): Promise<void> => {
  const before = process.cpuUsage();
  const clusters: ClusterInventory[] = [];
  for await (const line of createInterface({ input: createReadStream(file) }))
    clusters.push(clusterInventory.parse(JSON.parse(line)));
  const report = reportOf(clusters, sweepReport.parse(JSON.parse(readFileSync(beforeOf(file), 'utf8'))));
  // One after the other, as in the step.
  const sizes = [() => JSON.stringify(report), () => reportCsv(report), () => reportPage(report)].map(
    (form) => `${(Buffer.byteLength(form()) / 1e6).toFixed(1)} MB`,
  );
  const { user, system } = process.cpuUsage(before);
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    `${String(report.rows.length).padStart(7)} rows of ${String(clusters.length).padStart(6)} clusters  ${((user + system) / 1e6).toFixed(1).padStart(5)} s CPU time  ${String(peak).padStart(4)} MB peak  JSON ${sizes[0] ?? ''}, CSV ${sizes[1] ?? ''}, page ${sizes[2] ?? ''}`,
  );
};

const [flag, given] = process.argv.slice(2);
if (flag === '--make' && given !== undefined) await make(given);
else {
  const directory = mkdtempSync(join(tmpdir(), 'bench-sweep-report-'));
  try {
    const sizes = process.argv.slice(2).map(Number);
    for (const rows of sizes.length > 0 ? sizes : [1000, 10_000, 50_000, 100_000]) {
      const file = join(directory, `${rows}.jsonl`);
      const clusters = inventoriesOf(rows);
      writeFileSync(file, clusters.map((one) => `${JSON.stringify(one)}\n`).join(''));
      writeFileSync(beforeOf(file), JSON.stringify(reportOf(clusters)));
      const child = spawn(process.execPath, [`--max-old-space-size=${HEAP}`, import.meta.filename, '--make', file], {
        stdio: ['ignore', 'inherit', 'ignore'],
      });
      const [code] = (await once(child, 'close')) as [number | null];
      if (code !== 0) console.log(`${String(rows).padStart(7)} rows: not within ${HEAP} MB of heap`);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}
