/** The end of a sweep: its report is put into the bucket, and its record says how it ended. */
import { z } from 'zod';
import { classOf, MigrationError } from '../../domain/failures/errors.ts';
import { sweepMetric } from '../../domain/events/metrics.ts';
import type { Failure } from '../../domain/migration/model.ts';
import { PLAIN_WORDS } from '../../domain/text/zod-messages.ts';
import { problemsOf } from '../../domain/text/problems.ts';
import { buildReport } from '../../domain/sweep/build-report.ts';
import { reportCsv } from '../../domain/sweep/csv.ts';
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
  /** For whoever looks at the execution. */
  text: string;
}

/** Objects that are read at once. */
const AT_ONCE = 20;

type Bucket = Pick<HandlerDependencies, 'documents'>;

/** An object that is there, by its schema. */
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
      `The object ${key} of the bucket is not as this version of the service writes it: ${what}. Find out who wrote it.`,
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong('it is no JSON');
  }
  const parsed = schema.safeParse(value, PLAIN_WORDS);
  if (!parsed.success) throw wrong(problemsOf(parsed.error, 'it'));
  return parsed.data;
}

/** What was found: clusters and places, each in an object of its own. */
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

/** `sweep`: as it is once it has ended. */
async function makeReport(
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
    // An older version's, or it is gone: the report does without the trend.
    telemetry.log.warn('the report of the sweep before could not be read', { sweepId, previous, ...failureOf(error) });
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
    throw new MigrationError('BadInput', 'This function is not told the bucket of sweeps; deploy the service again.');
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

function textOf({ sweepId, request: { mode }, outcome, cause, reports }: Sweep, report?: SweepReport): string {
  const found =
    report &&
    ` ${report.totals.clusters} clusters in ${report.totals.locations} places, ${report.totals.addons} add-ons: ${counted(report.totals.byClass) || 'none'}.`;
  const became =
    report && mode !== 'inventory'
      ? ` Of what it began: ${counted(report.totals.byOutcome) || 'nothing'}; ${report.totals.queued} wait.`
      : '';
  const where = reports ? ` Report: s3://${reports.bucket}/${reports.html}` : '';
  return `Sweep ${sweepId} (${mode}) ${outcome ?? ''}.${cause ? ` ${cause.name}: ${cause.message}` : ''}${found ?? ''}${became}${where}`;
}

/** How it ends, and why. */
function endOf({ status, cause }: Sweep, failure: Failure | undefined): { outcome: SweepOutcome; cause?: Failure } {
  if (failure) return { outcome: 'failed', cause: failure };
  return status === 'stopping' ? { outcome: 'stopped', ...(cause ? { cause } : {}) } : { outcome: 'completed' };
}

/** The report of a sweep that is over as the record will be; one that can't be made, now or ever, fails the sweep. */
async function reportOf(
  ended: Sweep,
  dependencies: HandlerDependencies,
): Promise<{ ended: Sweep; report?: SweepReport }> {
  try {
    const report = await makeReport(ended, dependencies);
    return { ended: { ...ended, reports: await putReport(report, dependencies) }, report };
  } catch (error) {
    const failure = failureOf(error);
    if (classOf(failure.name) === 'retryable') throw error;
    dependencies.telemetry.log.error('the report of a sweep could not be made', {
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
 * Writes the report and ends the record. Said again it answers the end that stands. An execution that another one has
 * taken the place of leaves the record to that one.
 */
export async function reportSweep(
  { sweepId, executionArn, failure }: ReportSweepInput,
  dependencies: HandlerDependencies,
): Promise<Reported> {
  const { sweeps, clock, telemetry } = dependencies;
  const record = await sweeps.get(sweepId);
  if (!record)
    throw new MigrationError(
      'NotFound',
      `There is no sweep ${sweepId} in the ledger, so nothing can be reported of it.`,
    );
  if (record.executionArn !== undefined && record.executionArn !== executionArn) {
    const why = failure ? ` ${failure.name}: ${failure.message}` : '';
    return {
      outcome: 'failed',
      text: `Execution ${executionArn} does not work on sweep ${sweepId}: ${record.executionArn} does, or did last.${why}`,
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
    endedAt: ended.endedAt,
    reports: ended.reports,
    ...(outcome === 'failed' ? {} : { phase: 'report' }),
  });
  telemetry.count(sweepMetric(ended.outcome ?? outcome));
  return { outcome: ended.outcome ?? outcome, text: textOf(ended, report) };
}
