/**
 * What every place can do about sweeps, whichever way it asks: `direct.ts` by the service's parts, `by-api.ts` by its
 * API.
 */
import type { SweepRequest } from '../../lambdas/domain/sweep/model.ts';
import { type SweepReport, sweepReport } from '../../lambdas/domain/sweep/report.ts';
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';
import type { Backend } from '../backend.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import type { SweepCalls } from './calls.ts';
import { followSweep, type SweepWatcher } from './follow.ts';
import type { ReportFormat } from './options.ts';
import { asClause } from '../../lambdas/domain/text/text.ts';

/** A report, and the texts of the formats that were asked for. */
export interface ReadReport {
  report: SweepReport;
  texts: Partial<Record<ReportFormat, string>>;
}

export interface SweepService extends SweepCalls {
  /** Starts one, and follows it to its end. */
  sweep(request: SweepRequest, watcher: SweepWatcher, onStart?: (sweepId: string) => void): Promise<SweepStanding>;
  /** Follows one that is under way to its end. */
  follow(sweepId: string, watcher: SweepWatcher): Promise<SweepStanding>;
  /** Throws NoReport where there is none (yet), and ReportUnread where it can't be read. */
  report(standing: SweepStanding, formats: readonly ReportFormat[]): Promise<ReadReport>;
}

export const unknownSweep = (sweepId: string): CliError =>
  new CliError(
    'UnknownSweep',
    `there is no sweep ${sweepId} here`,
    'The id stands in the second line of what sweep prints, and in the field sweepId of --json; pod-identity sweeps lists them. Is it the same place: the same --state file, or the same deployed service?',
  );

/** `sentence`: why, as the service says it. */
export const notNow = (sentence: string): CliError =>
  new CliError(
    'NotNow',
    `${sentence.charAt(0).toLowerCase()}${asClause(sentence.slice(1))}`,
    'To see how it stands: pod-identity sweep show SWEEP_ID. Nothing was changed',
  );

const noReport = ({ sweepId, status, cause }: SweepStanding): CliError =>
  status === 'ended'
    ? new CliError(
        'NoReport',
        `sweep ${sweepId} ended before it had a report${cause ? `: ${cause.name}: ${cause.message}` : ''}`,
        'Start another sweep to look again',
        EXIT_CODES.unexpected,
      )
    : new CliError(
        'NoReport',
        `sweep ${sweepId} has no report yet: it is written when the sweep ends`,
        `To see how it goes: pod-identity sweep show ${sweepId}`,
      );

const unread = (sweepId: string, session: string, why: string, cause?: unknown): CliError =>
  new CliError(
    'ReportUnread',
    `the report of sweep ${sweepId} can't be read: ${why}`,
    `It is ${session}. Reading it wants a right of your own: s3:GetObject on that bucket's objects sweeps/*`,
    EXIT_CODES.unexpected,
    { cause },
  );

/** Throws ReportUnread for what is no report. */
const reportFrom = (sweepId: string, session: string, text: string): SweepReport => {
  try {
    return sweepReport.parse(JSON.parse(text));
  } catch (error) {
    throw unread(
      sweepId,
      session,
      'it has a form that this program does not know; a program and a service of different versions may not fit',
      error,
    );
  }
};

/** In a thread of the clock. */
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
    throw unread(sweepId, session, 'it is not there any more');
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
