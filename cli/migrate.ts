/** `plan`, `migrate` and `migrate-workload`: from flags to the exit code. */
import type { MigrationReport, MigrationRequest, Target } from '../lambdas/domain/model.ts';
import { exitCodeOf, type ExitCode } from './exit-codes.ts';
import { leftAlone } from './interruption.ts';
import type { Io } from './io.ts';
import type { CommonFlags, MigrationFlags, WorkloadFlags } from './options.ts';
import { openForMigration } from './place.ts';
import { placeOfMigration } from './place-options.ts';
import { planNext } from './print/plan.ts';
import { styleFor } from './print/style.ts';
import { summary } from './print/summary.ts';
import { shownBy, silentProgress, startProgress } from './progress.ts';
import { migrateEntry } from './replay.ts';
import { migrateCommand, migrateWorkloadCommand, requestFrom, workloadRequestFrom } from './request.ts';
import { reportIn, startAndFollow } from './run.ts';

/** What is asked for once it is known where, and the command that carries a plan out. */
interface Asked {
  requestOf: (target: Target, requestedBy: string) => MigrationRequest;
  command: string;
}

/** Runs one migration of an add-on, or its plan, and prints the report. Throws CliError for everything that has no report. */
export const migrate = (flags: MigrationFlags, io: Io): Promise<ExitCode> =>
  run(flags, { requestOf: (target, requestedBy) => requestFrom(flags, target, requestedBy), command: migrateCommand(flags) }, io);

/** The same of a service account that is no add-on's. */
export const migrateWorkload = (flags: WorkloadFlags, io: Io): Promise<ExitCode> =>
  run(flags, { requestOf: (target, requestedBy) => workloadRequestFrom(flags, target, requestedBy), command: migrateWorkloadCommand(flags) }, io);

const run = async (flags: CommonFlags, { requestOf, command }: Asked, io: Io): Promise<ExitCode> => {
  const onTerminal = io.stderr.isTTY === true;
  const silent = flags.json && !onTerminal;
  const { place, target } = await openForMigration(placeOfMigration(flags), flags, { io, silent, watched: onTerminal && !flags.dryRun });
  const request = requestOf(target, place.requestedBy);
  const progress = silent ? silentProgress : startProgress(io.stderr, place.backend);
  let started: string | undefined;
  try {
    const end = await shownBy(
      progress,
      place.run(
        (backend) => startAndFollow(backend, request, progress, (migrationId) => (started = migrationId)),
        (ended) => migrateEntry(request, ended),
      ),
    );
    const report = reportIn(end);
    print(report, flags.json, command, io);
    return exitCodeOf(report.outcome);
  } catch (error) {
    throw leftAlone(error, 'migration', started, flags);
  } finally {
    await place.close();
  }
};

const print = (report: MigrationReport, json: boolean, command: string, io: Io): void => {
  if (json) {
    io.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  const style = styleFor(io.stdout);
  const lines = [...summary(report, style), ...planNext(report, command, style)];
  io.stdout.write(`${lines.join('\n')}\n`);
};
