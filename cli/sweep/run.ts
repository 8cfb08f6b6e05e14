/** Runs `sweep`, its commands, and `sweeps`. */
import { reportKey } from '../../lambdas/domain/sweep/keys.ts';
import type { SweepCommand } from '../../lambdas/domain/sweep/model.ts';
import type { SweepMode } from '../../lambdas/domain/sweep/request.ts';
import type { SweepReport } from '../../lambdas/domain/sweep/report.ts';
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';
import type { Backend } from '../backend.ts';
import { assertCanAsk, confirm, mustAsk } from '../confirm.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES, exitCodeOfSweep, type ExitCode } from '../exit-codes.ts';
import { readingIo } from '../interrupted.ts';
import { leftAlone } from '../interruption.ts';
import type { Io } from '../io.ts';
import { print } from '../known-commands.ts';
import type { ServiceSession } from '../session.ts';
import { backendOfMigration, backendOfSweep } from '../backend-options.ts';
import { openServiceForKnown, openServiceForSweep } from '../backend-service.ts';
import { shownBy } from '../progress.ts';
import { resumeSweepEntry, sweepEntry } from '../replay.ts';
import type { KnownSweepFlags, ReportFlags, SweepFlags, SweepListFlags } from './options.ts';
import { sweepCommand } from './command-text.ts';
import { summaryLines } from './print.ts';
import { listLines, standingLines, startLines } from './print-standing.ts';
import { silentSweep, startSweepProgress, type SweepProgress } from '../sweep-progress.ts';
import { checkReportFiles, readPrevious, writeReports } from './reports.ts';
import { checkPrevious, recordOf, requestFrom } from './request.ts';
import type { ReadReport } from '../service/sweep-service.ts';

type Flags = Pick<SweepFlags, 'json' | 'sandbox' | 'state' | 'deployed'>;

const isSilent = ({ json }: Flags, io: Io): boolean => json && io.stderr.isTTY !== true;

const progressOf = (flags: Flags, { backend, simulated }: ServiceSession, io: Io): SweepProgress =>
  isSilent(flags, io)
    ? silentSweep
    : startSweepProgress(io.stderr, { simulated, now: () => backend?.clock.now() ?? Date.now() });

const codeOf = (
  { request: { mode }, outcome = 'failed', tally: { ended } }: SweepStanding,
  { totals: { byClass } }: SweepReport,
): ExitCode => exitCodeOfSweep({ mode, outcome, ended, byClass });

/** Writes and prints the result of a sweep, and returns its exit code. */
const conclude = (
  standing: SweepStanding,
  read: ReadReport,
  flags: Flags & { report: SweepFlags['report'] },
  io: Io,
  command?: (mode: SweepMode) => string,
): ExitCode => {
  writeReports(flags.report, read);
  // The bucket of a sandbox ends with it, or is not accessible to others.
  const reports = flags.deployed ? standing.reports : undefined;
  print(
    read.report,
    (style) =>
      summaryLines(
        read.report,
        { files: flags.report, ...(reports ? { reports } : {}), where: flags, ...(command ? { command } : {}) },
        style,
      ),
    flags,
    io,
  );
  return codeOf(standing, read.report);
};

/**
 * An id that sorts before all others: in the simulated time of a sandbox, the previous sweep may be as old as the new
 * one, or younger.
 */
const FIRST_ID = '0'.repeat(26);

/** Adds the previous sweep to the service of a sandbox, as if it had run there. */
const remember = async ({ sweeping, ids }: Backend, previous: SweepReport): Promise<void> => {
  const { sweeps, documentsIn, bucketName } = sweeping ?? {};
  if (!sweeps || !documentsIn || bucketName === undefined)
    throw new CliError('NotAvailable', '--previous: this sandbox has no bucket for sweeps', 'Omit --previous');
  const keys = {
    json: reportKey(FIRST_ID, 'json'),
    csv: reportKey(FIRST_ID, 'csv'),
    html: reportKey(FIRST_ID, 'html'),
  };
  await documentsIn(bucketName).put(keys.json, JSON.stringify(previous), 'application/json');
  await sweeps.create({ ...recordOf(previous, { bucket: bucketName, ...keys }), sweepId: FIRST_ID });
  // With the same seed, the new sweep would otherwise have the id of the previous one.
  ids.ulid();
};

/** Runs one sweep to its end, and prints its report. Throws a CliError if there is no report. */
export const sweep = async (flags: SweepFlags, io: Io): Promise<ExitCode> => {
  const choice = backendOfMigration(flags);
  if (flags.mode === 'migrate') assertCanAsk(flags, io);
  checkReportFiles(flags.report);
  const previous = flags.previous === undefined ? undefined : readPrevious(flags.previous);
  const { session, scenario } = await openServiceForSweep(choice, { io, silent: isSilent(flags, io), watched: false });
  let started: string | undefined;
  try {
    const request = requestFrom(flags, session.requestedBy, scenario);
    if (previous && flags.previous !== undefined) checkPrevious(flags.previous, previous, request);
    if (request.mode === 'migrate' && mustAsk(flags))
      await confirm(io, (style) => startLines(request, style), 'Start this sweep now?');
    const progress = progressOf(flags, session, io);
    const ended = await shownBy(
      progress,
      session.serve(
        async (service) => {
          const sweeps = service.sweeps();
          if (previous && session.backend) await remember(session.backend, previous);
          const standing = await sweeps.sweep(request, progress, (sweepId) => (started = sweepId));
          return {
            standing,
            read: await sweeps.report(
              standing,
              flags.report.map(({ format }) => format),
            ),
          };
        },
        ({ standing }) => sweepEntry(request, standing),
      ),
    );
    return conclude(ended.standing, ended.read, flags, io, (mode) => sweepCommand(flags, mode));
  } catch (error) {
    throw leftAlone(error, 'sweep', started, flags);
  } finally {
    await session.close();
  }
};

const withSweeps = async <T>(
  flags: Flags & { sweepId?: string },
  io: Io,
  use: (session: ServiceSession) => Promise<T>,
): Promise<T> => {
  const session = await openServiceForKnown(backendOfSweep(flags), { io, silent: isSilent(flags, io), watched: false });
  try {
    return await use(session);
  } finally {
    await session.close();
  }
};

const told = (standing: SweepStanding, flags: KnownSweepFlags, io: Io): ExitCode => {
  print(standing, (style) => standingLines(standing, flags, style), flags, io);
  return EXIT_CODES.ok;
};

/** Returns 0 if the sweep exists, whatever its outcome. */
export const showSweepCommand = (flags: KnownSweepFlags, io: Io): Promise<ExitCode> =>
  withSweeps(flags, readingIo(io), async (session) =>
    told(await session.serve((service) => service.sweeps().show(flags.sweepId)), flags, io),
  );

/**
 * Resumes a sweep in a kept sandbox. Nothing runs there between commands, so follows the sweep to its end, as `sweep`
 * does.
 */
const resumeKept = async (flags: KnownSweepFlags, session: ServiceSession, io: Io): Promise<ExitCode> => {
  const { sweepId, reason } = flags;
  const progress = progressOf(flags, session, io);
  const { standing: ended, read: found } = await shownBy(
    progress,
    session.serve(
      async (service) => {
        const sweeps = service.sweeps();
        await sweeps.command(sweepId, { command: 'resume', reason });
        const standing = await sweeps.follow(sweepId, progress);
        return { standing, read: await sweeps.report(standing, []) };
      },
      ({ standing }) =>
        resumeSweepEntry({ requestedBy: session.requestedBy, ...(reason === undefined ? {} : { reason }) }, standing),
    ),
  );
  return conclude(ended, found, { ...flags, report: [] }, io);
};

/** Returns 0 if the request is recorded. Throws a CliError (exit code 2) if the sweep's state does not allow it. */
export const askSweepCommand = (command: SweepCommand['command'], flags: KnownSweepFlags, io: Io): Promise<ExitCode> =>
  withSweeps(flags, io, async (session) => {
    const { sweepId, reason } = flags;
    if (command === 'resume' && !flags.deployed) return resumeKept(flags, session, io);
    return told(await session.serve((service) => service.sweeps().command(sweepId, { command, reason })), flags, io);
  });

/** Writes the reports and returns 0. Throws a CliError if there is no report. */
export const reportSweepCommand = (flags: ReportFlags, io: Io): Promise<ExitCode> => {
  checkReportFiles(flags.report);
  return withSweeps(flags, readingIo(io), async (session) => {
    const { report: files } = flags;
    const read = await session.serve(async (service) => {
      const sweeps = service.sweeps();
      return sweeps.report(
        await sweeps.show(flags.sweepId),
        files.map(({ format }) => format),
      );
    });
    writeReports(files, read);
    print(
      { sweepId: flags.sweepId, files: files.map(({ file }) => file) },
      () => files.map(({ file }) => `Wrote ${file}.`),
      flags,
      io,
    );
    return EXIT_CODES.ok;
  });
};

/** Prints the list and returns 0. */
export const listSweepsCommand = (flags: SweepListFlags, io: Io): Promise<ExitCode> =>
  withSweeps(flags, readingIo(io), async (session) => {
    const { status, since, until, limit } = flags;
    const listed = await session.serve((service) => service.sweeps().list({ status, since, until }, limit));
    print(listed, (style) => listLines(listed, flags, style), flags, io);
    return EXIT_CODES.ok;
  });
