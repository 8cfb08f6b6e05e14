/** Runs the commands about one existing migration: `rollback`, `cancel`, `release`, `retire` and `show`. */
import { acceptField } from '../lambdas/domain/acceptance/accept.ts';
import type { Cancelled } from './service/cancel.ts';
import { assertCanAsk, confirm, mustAsk } from './confirm.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';
import { readingIo } from './interrupted.ts';
import { leftAlone } from './interruption.ts';
import type { Io } from './io.ts';
import { type KnownFlags, PROGRAM, type RetireFlags } from './options.ts';
import { openForKnown } from './open-backend.ts';
import type { OpenOptions, ServiceSession } from './session.ts';
import { type DeployedChoice, backendOfKnown, type StateChoice } from './backend-options.ts';
import { openServiceForKnown } from './backend-service.ts';
import { shortRecord } from './print/short-plan.ts';
import { cancelledLines, releasedLines, runningLines } from './print/known.ts';
import { acceptingOf } from './print/next.ts';
import { retiredLines } from './print/retire.ts';
import { type Style, styleFor } from './text/style.ts';
import { conclusion, summary } from './print/summary.ts';
import { shownBy, silentProgress, startProgress } from './progress.ts';
import { release, type Released } from './service/release.ts';
import { cancelEntry, releaseEntry, retireEntry, rollbackEntry } from './replay.ts';
import { shellWord } from '../lambdas/domain/text/shell.ts';
import { acceptOptions, knownCommand, backendFlags } from './request.ts';
import { isRefused, type Retired, type RetireRequest } from './service/retire.ts';
import type { RollbackRequest } from './service/rollback.ts';
import { reportIn } from './service/run.ts';
import { jsonText } from '../lambdas/domain/text/text.ts';

const isSilent = (flags: KnownFlags, io: Io): boolean => flags.json && io.stderr.isTTY !== true;

type Open<P> = (choice: StateChoice | DeployedChoice, options: OpenOptions) => Promise<P>;

const withSession = async <P extends ServiceSession, T>(
  open: Open<P>,
  flags: KnownFlags,
  io: Io,
  use: (session: P) => Promise<T>,
): Promise<T> => {
  const session = await open(backendOfKnown(flags), { io, silent: isSilent(flags, io), watched: false });
  try {
    return await use(session);
  } finally {
    await session.close();
  }
};

export const withService = <T>(flags: KnownFlags, io: Io, use: (session: ServiceSession) => Promise<T>): Promise<T> =>
  withSession(openServiceForKnown, flags, io, use);

export const print = (
  document: unknown,
  lines: (style: Style) => string[],
  flags: Pick<KnownFlags, 'json'>,
  io: Io,
): void => {
  io.stdout.write(flags.json ? `${jsonText(document, 2)}\n` : `${lines(styleFor(io.stdout)).join('\n')}\n`);
};

const requestOf = ({ migrationId, reason, accept }: KnownFlags, { requestedBy }: ServiceSession): RollbackRequest => ({
  migrationId,
  requestedBy,
  ...(reason === undefined ? {} : { reason }),
  ...acceptField({ accept }),
});

const CONSEQUENCES = {
  rollback: {
    title: 'Roll back a migration',
    question: 'Roll it back now?',
    says: "the former identity is restored, this migration's associations are deleted, and the pods are replaced",
  },
  release: {
    title: 'Release the locks of a migration',
    question: 'Release its locks now?',
    says: 'its locks are released, so that another migration may begin; nothing is restored',
  },
} as const;

/** Shows the migration, and asks. A migration that is still running is reported by the command itself. */
const confirmKnown = async (
  command: keyof typeof CONSEQUENCES,
  flags: KnownFlags,
  session: ServiceSession,
  io: Io,
): Promise<void> => {
  if (!mustAsk(flags)) return;
  const shown = await session.serve((service) => service.lookUp(flags.migrationId));
  if (!('ended' in shown)) return;
  const { title, question, says } = CONSEQUENCES[command];
  await confirm(io, (style) => shortRecord(title, shown.ended, says, style), question);
};

/** Returns 0 if the rollback succeeded. Throws a CliError if it did not begin (exit code 2) or has no outcome. */
export const rollback = async (flags: KnownFlags, io: Io): Promise<ExitCode> => {
  backendOfKnown(flags);
  assertCanAsk(flags, io);
  return withService(flags, io, async (session) => {
    await confirmKnown('rollback', flags, session, io);
    const request = requestOf(flags, session);
    const progress = isSilent(flags, io) ? silentProgress : startProgress(io.stderr, session);
    let started = false;
    try {
      const end = await shownBy(
        progress,
        session.serve(
          (service) => service.rollBack(request, progress, () => (started = true)),
          (ended) => rollbackEntry(request, ended),
        ),
      );
      const report = reportIn(end);
      print(report, (style) => [...summary(report, style), ...conclusion(report, flags, style)], flags, io);
      if (report.outcome === 'rolled-back') return EXIT_CODES.ok;
      return report.outcome === 'needs-human' ? EXIT_CODES.needsHuman : EXIT_CODES.unexpected;
    } catch (error) {
      throw leftAlone(error, 'rollback', started ? flags.migrationId : undefined, flags);
    }
  });
};

/** Returns 0 if the cancellation is recorded. Throws a CliError (exit code 2) for a migration that has ended. */
export const cancelCommand = (flags: KnownFlags, io: Io): Promise<ExitCode> =>
  withService(flags, io, async (session) => {
    const request = requestOf(flags, session);
    const cancelled: Cancelled = await session.serve(
      (service) => service.cancel(request),
      (done) => cancelEntry(request, done),
    );
    print(
      cancelled,
      (style) => cancelledLines(cancelled, knownCommand('show', flags.migrationId, flags), style),
      flags,
      io,
    );
    return EXIT_CODES.ok;
  });

/**
 * Returns 0 if the migration no longer holds locks. Throws a CliError (exit code 2) for a migration that did not end
 * needs-human.
 */
export const releaseCommand = async (flags: KnownFlags, io: Io): Promise<ExitCode> => {
  backendOfKnown(flags);
  assertCanAsk(flags, io);
  return withSession(openForKnown, flags, io, async (session) => {
    await confirmKnown('release', flags, session, io);
    const request = requestOf(flags, session);
    const released: Released = await session.run(
      (backend) => release(backend, request),
      (done) => releaseEntry(request, done),
    );
    print(
      released,
      (style) => releasedLines(released, knownCommand('show', flags.migrationId, flags), style),
      flags,
      io,
    );
    return EXIT_CODES.ok;
  });
};

/** Returns the command that applies a dry run, or undoes what was done; undefined if there is nothing to do. */
const nextCommand = ({ action, dryRun, done, roles }: Retired, flags: RetireFlags): string | undefined => {
  const wouldChange = roles.some(({ result }) => result.startsWith('would-'));
  if (dryRun ? !wouldChange : !done || action === 'reinstate') return undefined;
  const { migrationId, soakDays, reason } = flags;
  return [
    `${PROGRAM} retire ${migrationId}`,
    ...(!dryRun || action === 'reinstate' ? ['--undo'] : [`--soak-days ${soakDays}`]),
    ...(dryRun ? acceptOptions(flags) : []),
    '--apply',
    ...(dryRun && reason !== undefined ? [`--reason ${shellWord(reason)}`] : []),
    ...backendFlags(flags),
  ].join(' ');
};

/** Returns the command that makes the checks of a refused retirement again, and accepts what they name. */
const acceptCommand = (retired: Retired, flags: RetireFlags): string | undefined => {
  const accepting = isRefused(retired) ? acceptingOf(retired.checks) : '';
  if (accepting === '' || retired.action === 'reinstate') return undefined;
  const { migrationId, soakDays } = flags;
  return [
    `${PROGRAM} retire ${migrationId}`,
    `--soak-days ${soakDays}`,
    ...acceptOptions(flags),
    accepting.trim(),
    ...backendFlags(flags),
  ].join(' ');
};

const printRetired = (retired: Retired, flags: RetireFlags, io: Io): ExitCode => {
  const next = {
    command: nextCommand(retired, flags),
    accept: acceptCommand(retired, flags),
    handOff: knownCommand('hand-off', flags.migrationId, flags),
  };
  print(retired, (style) => retiredLines(retired, next, style), flags, io);
  return isRefused(retired) ? EXIT_CODES.blocked : EXIT_CODES.ok;
};

/** Shows the dry run, and asks. Returns the result of a dry run that would change nothing, which asks nothing. */
const confirmRetirement = async (
  request: RetireRequest,
  flags: RetireFlags,
  session: ServiceSession,
  io: Io,
): Promise<Retired | undefined> => {
  if (!mustAsk(flags)) return undefined;
  const progress = isSilent(flags, io) ? silentProgress : startProgress(io.stderr, session);
  const dry = await shownBy(
    progress,
    session.serve((service) => service.retire({ ...request, dryRun: true }, progress)),
  );
  if (isRefused(dry) || !dry.roles.some(({ result }) => result.startsWith('would-'))) return dry;
  await confirm(io, (style) => retiredLines(dry, {}, style), 'Apply it now?');
  return undefined;
};

/** Returns 0 if it is done, would be done, or needs nothing, and 3 if something prevents it and nothing was changed. */
export const retireCommand = async (flags: RetireFlags, io: Io): Promise<ExitCode> => {
  if (flags.apply) assertCanAsk(flags, io);
  return withService(flags, io, async (session) => {
    const { apply, undo, soakDays } = flags;
    const request: RetireRequest = {
      ...requestOf(flags, session),
      action: undo ? 'reinstate' : 'retire',
      dryRun: !apply,
      soakDays,
    };
    const refused = apply ? await confirmRetirement(request, flags, session, io) : undefined;
    if (refused) return printRetired(refused, flags, io);
    const progress = isSilent(flags, io) ? silentProgress : startProgress(io.stderr, session);
    let started = false;
    try {
      const retired = await shownBy(
        progress,
        session.serve(
          (service) => service.retire(request, progress, () => (started = true)),
          (done) => retireEntry(request, done),
        ),
      );
      return printRetired(retired, flags, io);
    } catch (error) {
      throw leftAlone(error, 'retirement', started ? flags.migrationId : undefined, flags);
    }
  });
};

/** Returns 0 if the migration exists, whatever its outcome. */
export const show = (flags: KnownFlags, io: Io): Promise<ExitCode> =>
  withService(flags, readingIo(io), async (session) => {
    const shown = await session.serve((service) => service.lookUp(flags.migrationId));
    if ('ended' in shown)
      print(
        shown.ended,
        (style) => [...summary(shown.ended, style), ...conclusion(shown.ended, flags, style)],
        flags,
        io,
      );
    else print(shown.running, (style) => runningLines(shown.running, flags, style), flags, io);
    return EXIT_CODES.ok;
  });
