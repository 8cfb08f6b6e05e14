/** `plan` and `migrate`: from flags to the exit code. */
import type { MigrationReport } from '../lambdas/domain/model.ts';
import { exitCodeOf, type ExitCode } from './exit-codes.ts';
import { leftAlone } from './interruption.ts';
import type { Io } from './io.ts';
import type { MigrationFlags } from './options.ts';
import { openForMigration } from './place.ts';
import { placeOfMigration } from './place-options.ts';
import { planNext } from './print/plan.ts';
import { styleFor } from './print/style.ts';
import { summary } from './print/summary.ts';
import { shownBy, silentProgress, startProgress } from './progress.ts';
import { migrateEntry } from './replay.ts';
import { migrateCommand, requestFrom } from './request.ts';
import { reportIn, startAndFollow } from './run.ts';

/** Runs one migration, or its plan, and prints the report. Throws CliError for everything that has no report. */
export const migrate = async (flags: MigrationFlags, io: Io): Promise<ExitCode> => {
  const onTerminal = io.stderr.isTTY === true;
  const silent = flags.json && !onTerminal;
  const { place, target } = await openForMigration(placeOfMigration(flags), flags, { io, silent, watched: onTerminal && !flags.dryRun });
  const request = requestFrom(flags, target, place.requestedBy);
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
    print(report, flags, io);
    return exitCodeOf(report.outcome);
  } catch (error) {
    throw leftAlone(error, 'migration', started, flags);
  } finally {
    await place.close();
  }
};

const print = (report: MigrationReport, flags: MigrationFlags, io: Io): void => {
  if (flags.json) {
    io.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  const style = styleFor(io.stdout);
  const lines = [...summary(report, style), ...planNext(report, migrateCommand(flags), style)];
  io.stdout.write(`${lines.join('\n')}\n`);
};
