/** Defines `approve`, `reject` and `migrations`: their flags and help. */
import { type Command, Option } from 'commander';
import { outputOptions, backendOptions } from '../command-options.ts';
import type { Io } from '../io.ts';
import { LIMIT, parseDecisionFlags, parseListFlags } from './options.ts';

const DECISION_HELP = `Without --plan, shows the waiting plan with its hash and decides nothing, so that nobody approves a plan that they have not seen.
The hash binds the decision to that plan: if the cluster has changed meanwhile, the new plan needs a new approval.
The deployment's configuration may bar the requester of a migration from approving it.

Exit codes:
  0  the decision was recorded
  1  any other failure
  2  no --plan (the plan was shown), bad input, an unknown migration, or one that waits for no decision
  3  this caller may not approve the plan; nothing was decided`;

const LIST_HELP = `Newest first, without dry runs unless --dry-run or --with-dry-runs is given. Every other option narrows the list. A migration that
started seconds ago may be missing. --since is inclusive, --until exclusive; a day begins at 00:00 UTC.

Exit codes:
  0  the list was printed, even if it is empty
  1  any other failure
  2  bad input`;

/** Loads the implementation only when it is needed, so that help and wrong flags are fast. */
const runDecision = async (
  migrationId: string,
  flags: Record<string, unknown>,
  command: 'approve' | 'reject',
  io: Io,
): Promise<number> => {
  const parsed = parseDecisionFlags({ ...flags, migrationId }, command);
  const { decideCommand } = await import('./run.ts');
  return decideCommand(command, parsed, io);
};

const runList = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseListFlags(flags);
  const { listCommand } = await import('./run.ts');
  return listCommand(parsed, io);
};

const hiddenSandbox = (): Option => new Option('--sandbox <file>', 'the scenario that --state starts from').hideHelp();

export const addApprovalCommands = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  for (const [command, description] of [
    ['approve', 'approve the plan of a migration that waits for approval'],
    ['reject', 'reject the plan of a migration that waits for approval, which ends it without changes'],
  ] as const) {
    const one = program
      .command(command)
      .description(description)
      .argument('<migration-id>', 'id of the migration, in the second line that migrate prints')
      .option('--plan <hash>', 'hash of the plan to decide about')
      .option('--reason <text>', 'reason, recorded in the ledger');
    outputOptions(backendOptions(one.optionsGroup('Where:')).addOption(hiddenSandbox()))
      .addHelpText('after', `\n${DECISION_HELP}`)
      .action(async (id: string, flags: Record<string, unknown>) =>
        finished(await runDecision(id, flags, command, io)),
      );
  }
  const list = program
    .command('migrations')
    .description('list migrations, newest first')
    .optionsGroup('Which:')
    .option('--account <id>', 'only migrations in that AWS account')
    .option('--region <name>', 'only migrations in that AWS region')
    .option('--cluster <name>', 'only migrations on that EKS cluster')
    .option(
      '--outcome <name>',
      'only migrations with that outcome: migrated, already-migrated, planned, blocked, rolled-back or needs-human',
    )
    .option('--addon <name>', 'only migrations of that EKS add-on')
    .option('--status <name>', 'only migrations with that status: running, rolling-back or ended')
    .option(
      '--requested-by <text>',
      'only migrations whose request names that requester: the full ARN of the principal',
    )
    .option('--since <time>', 'only those started at that time or later, such as 2026-01-15 or 2026-01-15T09:00:00Z')
    .option('--until <time>', 'only those started before that time')
    .option('--dry-run', 'only dry runs')
    .option('--with-dry-runs', 'dry runs and migrations')
    .option('--limit <n>', `maximum number of entries (default: ${LIMIT.usual})`);
  outputOptions(backendOptions(list.optionsGroup('Where:')).addOption(hiddenSandbox()))
    .addHelpText('after', `\n${LIST_HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await runList(flags, io)));
};
