/** Runs `approve`, `reject` and `migrations`. */
import type { ApprovalDecision } from '../../lambdas/domain/approval/approval.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { print, withService } from '../known-commands.ts';
import { openServiceForKnown } from '../backend-service.ts';
import { backendOfList } from '../backend-options.ts';
import { decidedLines, undecidedLines } from '../print/approval.ts';
import { listLines } from './print-list.ts';
import type { DecisionFlags, ListFlags } from './options.ts';

/**
 * Returns 0 if the decision is recorded, and 2 if the plan was only shown, because --plan is missing. Throws a CliError
 * if there is nothing to decide (exit code 2), or this caller may not (exit code 3).
 */
export const decideCommand = (
  decision: ApprovalDecision['decision'],
  flags: DecisionFlags,
  io: Io,
): Promise<ExitCode> =>
  withService(flags, io, async (session) => {
    const { migrationId, plan: planHash, reason } = flags;
    if (planHash === undefined) {
      const waiting = await session.serve((service) => service.undecided(migrationId));
      print(waiting, (style) => undecidedLines(waiting, flags, style), flags, io);
      return EXIT_CODES.badInput;
    }
    const decided = await session.serve((service) =>
      service.decide(migrationId, { decision, planHash, ...(reason === undefined ? {} : { reason }) }),
    );
    print(decided, (style) => decidedLines(decided, flags, style), flags, io);
    return EXIT_CODES.ok;
  });

/** Prints the list and returns 0. */
export const listCommand = async (flags: ListFlags, io: Io): Promise<ExitCode> => {
  const { account, region, cluster, addon, status, outcome, requestedBy, dryRun, withDryRuns, since, until } = flags;
  const filter = { account, region, cluster, addon, status, outcome, requestedBy, since, until };
  const session = await openServiceForKnown(backendOfList(flags), {
    io,
    silent: flags.json && io.stderr.isTTY !== true,
    watched: false,
  });
  try {
    const listed = await session.serve((service) =>
      service.list({ ...filter, dryRun: withDryRuns ? undefined : dryRun }, flags.limit),
    );
    print(listed, (style) => listLines(listed, flags, style), flags, io);
    return EXIT_CODES.ok;
  } finally {
    await session.close();
  }
};
