/** Ends a sweep: stores its report in the bucket, and its outcome in the record. */
import { z } from 'zod';
import { classOf, MigrationError } from '../../domain/failures/errors.ts';
import { sweepMetric } from '../../domain/events/metrics.ts';
import type { Failure } from '../../domain/terms/outcome.ts';
import { ZOD_MESSAGES } from '../../domain/text/zod-messages.ts';
import { problemsOf } from '../../domain/text/problems.ts';
import { buildReport } from '../../domain/sweep/build-report.ts';
import { reportCsv } from '../../domain/sweep/csv.ts';
import { shortfall } from '../../domain/sweep/inspected.ts';
import { inventoryPrefix, isClusterKey, isLocationKey, locationsKey, reportKey } from '../../domain/sweep/keys.ts';
import {
  type ClusterInventory,
  clusterInventory,
  type LocationInventory,
  locationInventory,
  type Sweep,
  type SweepItem,
  type SweepOutcome,
  sweepLocation,
} from '../../domain/sweep/model.ts';
import { type SweepReport, sweepReport } from '../../domain/sweep/report.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { reportPage } from '../../report-page/page.ts';
import { failureOf } from '../../runtime/failures.ts';
import { utcNow } from '../../runtime/utc.ts';
import { each } from './each.ts';
import { keysUnder } from './listing.ts';
import { jsonText } from '../../domain/text/text.ts';

export interface ReportSweepInput {
  sweepId: string;
  executionArn: string;
  failure?: Failure | undefined;
}
export interface Reported {
  outcome: SweepOutcome;
  /** The result as text, shown in the execution's output. */
  text: string;
}

/** The number of objects that are read at once. */
const AT_ONCE = 20;

type Bucket = Pick<HandlerDependencies, 'documents'>;

/** Returns the object parsed by its schema, or undefined if it does not exist. */
async function read<Schema extends z.ZodType>(
  key: string,
  schema: Schema,
  { documents }: Bucket,
): Promise<z.output<Schema> | undefined> {
  const text = await documents.get(key);
  if (text === undefined) return undefined;
  const wrong = (what: string): MigrationError =>
    new MigrationError(
      'BadInput',
      `The object ${key} in the bucket does not have the form that this version of the service writes: ${what}. Find out who wrote it.`,
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong('it is not JSON');
  }
  const parsed = schema.safeParse(value, ZOD_MESSAGES);
  if (!parsed.success) throw wrong(problemsOf(parsed.error, 'it'));
  return parsed.data;
}

/** Reads the results of the inventory: clusters and locations, each in an object of its own. */
async function readInventory(
  sweepId: string,
  bucket: Bucket,
): Promise<{ locations: LocationInventory[]; clusters: ClusterInventory[] }> {
  const keys = await keysUnder(inventoryPrefix(sweepId), bucket.documents);
  const present = <Found>(all: (Found | undefined)[]): Found[] => all.filter((one) => one !== undefined);
  return {
    locations: present(await each(keys.filter(isLocationKey), AT_ONCE, (key) => read(key, locationInventory, bucket))),
    clusters: present(await each(keys.filter(isClusterKey), AT_ONCE, (key) => read(key, clusterInventory, bucket))),
  };
}

/** Builds the report. `sweep` is the record as it will be after its end. */
async function createReport(
  sweep: Sweep,
  { sweeps, documents, clock, settings, telemetry }: HandlerDependencies,
): Promise<SweepReport> {
  const { sweepId, previous } = sweep;
  const bucket = { documents };
  const { locations, clusters } = await readInventory(sweepId, bucket);
  const locationsRequested = (await read(locationsKey(sweepId), z.array(sweepLocation), bucket)) ?? [];
  const items: SweepItem[] = [];
  await sweeps.eachItem(sweepId, (page) => items.push(...page));
  let before: SweepReport | undefined;
  try {
    before = previous === undefined ? undefined : await read(reportKey(previous, 'json'), sweepReport, bucket);
  } catch (error) {
    // If it was written by an older version, or is gone, the report has no trend.
    telemetry.log.warn('could not read the report of the previous sweep', { sweepId, previous, ...failureOf(error) });
  }
  return buildReport({
    sweep,
    locations,
    locationsRequested,
    clusters,
    items,
    previous: before,
    at: utcNow(clock),
    simulated: settings.simulated ?? false,
  });
}

async function putReport(
  report: SweepReport,
  { documents, settings: { bucket } }: HandlerDependencies,
): Promise<Exclude<Sweep['reports'], undefined>> {
  if (bucket === undefined)
    throw new MigrationError(
      'BadInput',
      'The function does not know the bucket of sweeps: BUCKET_NAME is not set. Deploy the service again.',
    );
  const { sweepId } = report;
  const [json, csv, html] = [reportKey(sweepId, 'json'), reportKey(sweepId, 'csv'), reportKey(sweepId, 'html')];
  await documents.put(json, jsonText(report), 'application/json');
  await documents.put(csv, reportCsv(report), 'text/csv; charset=utf-8');
  await documents.put(html, reportPage(report), 'text/html; charset=utf-8');
  return { bucket, json, csv, html };
}

const counted = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');

function textOf(
  { sweepId, request: { mode }, outcome, inspected, cause, reports }: Sweep,
  report?: SweepReport,
): string {
  const found =
    report &&
    ` ${report.totals.clusters} clusters in ${report.totals.locations} locations, ${report.totals.addons} add-ons: ${counted(report.totals.byClass) || 'none'}.`;
  const results =
    report && mode !== 'inventory'
      ? ` Migrations: ${counted(report.totals.byOutcome) || 'none'}; ${report.totals.queued} queued.`
      : '';
  const where = reports ? ` Report: s3://${reports.bucket}/${reports.html}` : '';
  const short = shortfall(inspected);
  return `Sweep ${sweepId} (${mode}) ${outcome ?? ''}${short === undefined ? '' : `: ${short}`}.${cause ? ` ${cause.name}: ${cause.message}` : ''}${found ?? ''}${results}${where}`;
}

/** Returns the sweep's outcome and its cause. */
function endOf({ status, cause }: Sweep, failure: Failure | undefined): { outcome: SweepOutcome; cause?: Failure } {
  if (failure) return { outcome: 'failed', cause: failure };
  return status === 'stopping' ? { outcome: 'stopped', ...(cause ? { cause } : {}) } : { outcome: 'completed' };
}

/** Creates and stores the report of an ended sweep. If the report can't be created, now or ever, the sweep fails. */
async function reportOf(
  ended: Sweep,
  dependencies: HandlerDependencies,
): Promise<{ ended: Sweep; report?: SweepReport }> {
  try {
    const built = await createReport(ended, dependencies);
    const { inspected } = built.totals;
    const isShort = ended.outcome === 'completed' && shortfall(inspected) !== undefined;
    const outcome = isShort ? 'incomplete' : ended.outcome;
    const report = { ...built, ...(outcome === undefined ? {} : { outcome }) };
    const reports = await putReport(report, dependencies);
    return { ended: { ...ended, outcome, ...(inspected ? { inspected } : {}), reports }, report };
  } catch (error) {
    const failure = failureOf(error);
    if (classOf(failure.name) === 'retryable') throw error;
    dependencies.telemetry.log.error('could not create the report of a sweep', {
      sweepId: ended.sweepId,
      error: failure.name,
      message: failure.message,
    });
    return {
      ended: { ...ended, outcome: 'failed', cause: ended.outcome === 'failed' && ended.cause ? ended.cause : failure },
    };
  }
}

/**
 * Writes the report and ends the record. A repeated call returns the recorded end. An execution that another one has
 * replaced leaves the record to that one.
 */
export async function reportSweep(
  { sweepId, executionArn, failure }: ReportSweepInput,
  dependencies: HandlerDependencies,
): Promise<Reported> {
  const { sweeps, clock, telemetry } = dependencies;
  const record = await sweeps.get(sweepId);
  if (!record)
    throw new MigrationError('NotFound', `The ledger has no sweep ${sweepId}, so that no report can be written.`);
  if (record.executionArn !== undefined && record.executionArn !== executionArn) {
    const why = failure ? ` ${failure.name}: ${failure.message}` : '';
    return {
      outcome: 'failed',
      text: `Execution ${executionArn} does not work on sweep ${sweepId}; ${record.executionArn} does, or did last.${why}`,
    };
  }
  if (record.status === 'ended') return { outcome: record.outcome ?? 'failed', text: textOf(record) };

  const { outcome, cause } = endOf(record, failure);
  const { ended, report } = await reportOf(
    { ...record, status: 'ended', outcome, ...(cause ? { cause } : {}), endedAt: utcNow(clock) },
    dependencies,
  );
  await sweeps.update(sweepId, {
    status: ended.status,
    outcome: ended.outcome,
    cause: ended.cause,
    inspected: ended.inspected,
    endedAt: ended.endedAt,
    reports: ended.reports,
    ...(outcome === 'failed' ? {} : { phase: 'report' }),
  });
  telemetry.count(sweepMetric(ended.outcome ?? outcome));
  return { outcome: ended.outcome ?? outcome, text: textOf(ended, report) };
}
