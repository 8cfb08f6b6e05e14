/** Runs `plan`, `migrate` and `migrate-workload`. */
import type { MigrationReport } from '../lambdas/domain/record/migration.ts';
import type { MigrationRequest } from '../lambdas/domain/request/request.ts';
import { type Target, subjectOf } from '../lambdas/domain/terms/subject.ts';
import { exitCodeOf, type ExitCode } from './exit-codes.ts';
import { readingIo } from './interrupted.ts';
import { leftAlone } from './interruption.ts';
import type { Io } from './io.ts';
import type { CommonFlags, MigrationFlags, WorkloadFlags } from './options.ts';
import { rehearse, type Rehearsed } from './rehearsal.ts';
import { waitingLines } from './print/approval.ts';
import type { Watcher } from './service/follow.ts';
import type { ServiceSession } from './session.ts';
import { assertCanAsk, confirm, mustAsk } from './confirm.ts';
import { openServiceForMigration } from './backend-service.ts';
import { backendOfMigration } from './backend-options.ts';
import { shortPlan } from './print/short-plan.ts';
import { styleFor } from './text/style.ts';
import { conclusion, summary } from './print/summary.ts';
import { type HandOffFlags, handOffSection } from './hand-off/section.ts';
import { type Progress, shownBy, silentProgress, startProgress } from './progress.ts';
import { migrateEntry } from './replay.ts';
import { migrateCommand, migrateWorkloadCommand, prepareCommand, requestFrom, workloadRequestFrom } from './request.ts';
import { reportIn } from './service/run.ts';
import { jsonText } from '../lambdas/domain/text/text.ts';

/** How to build the request once the target is known, and the command that carries out a plan. */
interface Asked {
  requestOf: (target: Target, requestedBy: string) => MigrationRequest;
  command: string;
  prepare: string;
}

/** Flags that only `plan` has. */
/** Runs one migration of an add-on, or its plan, and prints the report. Throws a CliError if there is no report. */
export const migrate = (flags: MigrationFlags & Partial<HandOffFlags>, io: Io): Promise<ExitCode> =>
  run(
    flags,
    {
      requestOf: (target, requestedBy) => requestFrom(flags, target, requestedBy),
      command: migrateCommand(flags),
      prepare: prepareCommand(flags),
    },
    io,
  );

/** Does the same for a service account that belongs to no add-on. */
export const migrateWorkload = (flags: WorkloadFlags & Partial<HandOffFlags>, io: Io): Promise<ExitCode> =>
  run(
    flags,
    {
      requestOf: (target, requestedBy) => workloadRequestFrom(flags, target, requestedBy),
      command: migrateWorkloadCommand(flags),
      prepare: prepareCommand(flags),
    },
    io,
  );

/** Returns the handler of waits: in the embedded sandbox it decides, elsewhere it prints how to decide. */
const waitsOf = (
  flags: CommonFlags,
  { backend }: ServiceSession,
  progress: Progress,
  io: Io,
  note: (made: Rehearsed) => void,
): Watcher['waits'] => {
  if (flags.deployed || !backend) return (waiting) => progress.say(waitingLines(waiting, flags).join('\n'));
  return rehearse(
    backend,
    {
      approveAs: flags.approveAs,
      ask: io.ask?.bind(io),
      say: progress.say,
      drawn: progress.drawn,
      style: styleFor(io.stderr),
    },
    note,
  );
};

/** Returns whether to slow down time for a viewer. With a window that opens in days, that would take hours. */
const isWatched = (flags: CommonFlags, io: Io): boolean =>
  io.stderr.isTTY === true && !flags.dryRun && flags.window === undefined;

/** Shows the short plan, and asks. Returns the report of a plan that is blocked or has nothing to do, which asks nothing. */
const settle = async (
  request: MigrationRequest,
  session: ServiceSession,
  { yes, deployed }: CommonFlags,
  progress: Progress,
  io: Io,
): Promise<MigrationReport | undefined> => {
  if (request.dryRun || !mustAsk({ yes, deployed })) return undefined;
  const end = await shownBy(
    progress,
    session.serve((service) => service.migrate({ ...request, dryRun: true }, progress)),
  );
  const report = reportIn(end);
  if (report.outcome !== 'planned') return report;
  await confirm(io, (style) => shortPlan(report, style), `Migrate ${subjectOf(request)} now?`);
  return undefined;
};

const run = async (
  flags: CommonFlags & Partial<HandOffFlags>,
  { requestOf, ...commands }: Asked,
  io: Io,
): Promise<ExitCode> => {
  const silent = flags.json && io.stderr.isTTY !== true;
  const choice = backendOfMigration(flags);
  if (!flags.dryRun) assertCanAsk(flags, io);
  const { session, target } = await openServiceForMigration(choice, flags, {
    io: flags.dryRun ? readingIo(io) : io,
    silent,
    watched: isWatched(flags, io),
  });
  const request = requestOf(target, session.requestedBy);
  const newProgress = () => (silent ? silentProgress : startProgress(io.stderr, session));
  const decisions: Rehearsed[] = [];
  let started: string | undefined;
  try {
    const settled = await settle(request, session, flags, newProgress(), io);
    const progress = newProgress();
    const watcher = { ...progress, waits: waitsOf(flags, session, progress, io, (made) => decisions.push(made)) };
    const report =
      settled ??
      reportIn(
        await shownBy(
          progress,
          session.serve(
            (service) => service.migrate(request, watcher, (migrationId) => (started = migrationId)),
            (ended) => migrateEntry(request, ended, decisions),
          ),
        ),
      );
    print(report, flags, commands, io);
    return exitCodeOf(report.outcome);
  } catch (error) {
    throw leftAlone(error, 'migration', started, flags);
  } finally {
    await session.close();
  }
};

const print = (
  report: MigrationReport,
  flags: CommonFlags & Partial<HandOffFlags>,
  { command, prepare }: Pick<Asked, 'command' | 'prepare'>,
  io: Io,
): void => {
  if (flags.json) {
    io.stdout.write(`${jsonText(report, 2)}\n`);
    return;
  }
  const style = styleFor(io.stdout);
  const lines = [
    ...summary(report, style, flags.handOff ? ['hand-off'] : []),
    ...(flags.handOff ? handOffSection(report, flags.format, style) : []),
    ...conclusion(report, { ...flags, command, ...(flags.handOff ? {} : { prepare }) }, style),
  ];
  io.stdout.write(`${lines.join('\n')}\n`);
};
