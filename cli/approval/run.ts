/** `approve`, `reject` and `migrations`: from flags to the exit code. */
import type { ApprovalDecision } from '../../lambdas/domain/approval/approval.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { print, withService } from '../known-commands.ts';
import { openServiceForKnown } from '../backend-service.ts';
import { backendOfList } from '../backend-options.ts';
import { decidedLines, undecidedLines } from './print.ts';
import { listLines } from './print-list.ts';
import type { DecisionFlags, ListFlags } from './options.ts';

/**
 * 0: it is decided. 2: there is no --plan, and the plan was shown; or there is nothing to decide. 3: this caller may
 * not.
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

/** 0: that is the list, however long. */
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
