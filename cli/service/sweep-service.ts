/** Operations on sweeps that every backend supports: `direct.ts` by the service's parts, `by-api.ts` by its API. */
import { inCurrentForm } from '../../lambdas/domain/acceptance/former.ts';
import type { SweepRequest } from '../../lambdas/domain/sweep/request.ts';
import { type SweepReport, sweepReport } from '../../lambdas/domain/sweep/report.ts';
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';
import type { Backend } from '../backend.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { SweepCalls } from './sweep-calls.ts';
import { followSweep, type SweepWatcher } from './sweep-follow.ts';
import { asClause } from '../../lambdas/domain/text/text.ts';

export const REPORT_FORMATS = ['html', 'json', 'csv'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** A report, and its texts in the requested formats. */
export interface ReadReport {
  report: SweepReport;
  texts: Partial<Record<ReportFormat, string>>;
}

export interface SweepService extends SweepCalls {
  /** Starts a sweep, and follows it to its end. */
  sweep(request: SweepRequest, watcher: SweepWatcher, onStart?: (sweepId: string) => void): Promise<SweepStanding>;
  /** Follows a running sweep to its end. */
  follow(sweepId: string, watcher: SweepWatcher): Promise<SweepStanding>;
  /** Throws NoReport if there is none (yet), and ReportUnread if it cannot be read. */
  report(standing: SweepStanding, formats: readonly ReportFormat[]): Promise<ReadReport>;
}

export const unknownSweep = (sweepId: string): CliError =>
  new CliError(
    'UnknownSweep',
    `sweep ${sweepId} does not exist here`,
    'The id is in the second line that sweep prints, and in the field sweepId of --json; pod-identity sweeps lists them. Check that this is the same --state file, or the same deployed service',
  );

/** Returns the error for a refused request. `sentence`: the service's reason. */
export const notNow = (sentence: string): CliError =>
  new CliError(
    'NotNow',
    `${sentence.charAt(0).toLowerCase()}${asClause(sentence.slice(1))}`,
    'Nothing was changed. To show its state: pod-identity sweep show SWEEP_ID',
  );

const noReport = ({ sweepId, status, cause }: SweepStanding): CliError =>
  status === 'ended'
    ? new CliError(
        'NoReport',
        `sweep ${sweepId} ended before it had a report${cause ? `: ${cause.name}: ${cause.message}` : ''}`,
        'Start another sweep',
        EXIT_CODES.unexpected,
      )
    : new CliError(
        'NoReport',
        `sweep ${sweepId} has no report yet: it is written when the sweep ends`,
        `To follow it: pod-identity sweep show ${sweepId}`,
      );

const unread = (sweepId: string, session: string, why: string, cause?: unknown): CliError =>
  new CliError(
    'ReportUnread',
    `the report of sweep ${sweepId} cannot be read: ${why}`,
    `The report is ${session}. To read it, you need the permission s3:GetObject on that bucket's objects sweeps/*`,
    EXIT_CODES.unexpected,
    { cause },
  );

/** Parses a report. Throws ReportUnread for any other text. */
const reportFrom = (sweepId: string, session: string, text: string): SweepReport => {
  try {
    return sweepReport.parse(inCurrentForm(JSON.parse(text)));
  } catch (error) {
    throw unread(
      sweepId,
      session,
      'its format is unknown; the versions of this program and of the service may not match',
      error,
    );
  }
};

/** Returns the service over single calls. Its methods run in a thread of the clock. */
export const sweepService = (
  calls: SweepCalls,
  clock: Pick<Backend['clock'], 'sleep' | 'now' | 'kind'>,
): SweepService => {
  const readFile = async (sweepId: string, bucket: string, key: string): Promise<string> => {
    const session = `s3://${bucket}/${key}`;
    try {
      const text = await calls.read(bucket, key);
      if (text !== undefined) return text;
    } catch (error) {
      throw unread(sweepId, session, error instanceof Error ? error.message : String(error), error);
    }
    throw unread(sweepId, session, 'it no longer exists');
  };
  return {
    ...calls,
    async sweep(request, watcher, onStart) {
      let started = '';
      await calls.start(request, (sweepId) => {
        started = sweepId;
        onStart?.(sweepId);
      });
      return followSweep(calls, clock, started, watcher);
    },
    follow: (sweepId, watcher) => followSweep(calls, clock, sweepId, watcher),
    async report(standing, formats) {
      const { sweepId, reports } = standing;
      if (!reports) throw noReport(standing);
      const { bucket } = reports;
      const wanted = [...new Set<ReportFormat>(['json', ...formats])];
      const texts: ReadReport['texts'] = Object.fromEntries(
        await Promise.all(wanted.map(async (format) => [format, await readFile(sweepId, bucket, reports[format])])),
      );
      return { report: reportFrom(sweepId, `s3://${bucket}/${reports.json}`, texts.json ?? ''), texts };
    },
  };
};
