/** `approve`, `reject` and `migrations`: their flags and help. */
import { type Command, Option } from 'commander';
import { outputOptions, backendOptions } from '../command-options.ts';
import type { Io } from '../io.ts';
import { LIMIT, parseDecisionFlags, parseListFlags } from './options.ts';

const DECISION_HELP = `Without --plan it shows the plan that waits, with its hash, and decides nothing: nobody approves what they have not seen. The hash
binds the decision to that plan: where the world has changed meanwhile there is another plan, which is asked about anew.
Whoever asked for the migration may be barred from approving it: the deployment says so.

Exit codes:
  0  it is decided
  1  anything else
  2  no --plan: the plan was shown; bad input, an unknown migration, or one with nothing to decide
  3  this caller may not approve it; nothing was decided`;

const LIST_HELP = `Newest first, and no dry runs unless --dry-run or --with-dry-runs asks for them. Each other flag narrows the list. One of the last
seconds may be missing. --since includes its time, and --until does not; a day begins at 00:00 UTC.

Exit codes:
  0  that is the list, however long
  1  anything else
  2  bad input`;

/** What does the work is loaded once there is some: help and wrong flags answer at once. */
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

const hiddenSandbox = (): Option => new Option('--sandbox <file>', 'the scenario that --state begins with').hideHelp();

export const addApprovalCommands = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  for (const [command, description] of [
    ['approve', 'let a migration go on that waits for an approval of its plan'],
    ['reject', 'end a migration that waits for an approval of its plan: nothing is changed'],
  ] as const) {
    const one = program
      .command(command)
      .description(description)
      .argument('<migration-id>', 'the id in the second line of what migrate prints')
      .option('--plan <hash>', 'hash of the plan that this is about')
      .option('--reason <text>', 'noted in the ledger');
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
    .option('--account <id>', 'of that AWS account')
    .option('--region <name>', 'of that AWS region')
    .option('--cluster <name>', 'of that EKS cluster')
    .option(
      '--outcome <name>',
      'that ended so: migrated, already-migrated, planned, blocked, rolled-back or needs-human',
    )
    .option('--addon <name>', 'of that EKS add-on')
    .option('--status <name>', 'that stand so: running, rolling-back or ended')
    .option('--requested-by <text>', 'whose request names that requester: the ARN of the principal, whole')
    .option('--since <time>', 'started then or later, such as 2026-01-15 or 2026-01-15T09:00:00Z')
    .option('--until <time>', 'started before that time')
    .option('--dry-run', 'dry runs alone')
    .option('--with-dry-runs', 'dry runs and migrations')
    .option('--limit <n>', `at most so many (default: ${LIMIT.usual})`);
  outputOptions(backendOptions(list.optionsGroup('Where:')).addOption(hiddenSandbox()))
    .addHelpText('after', `\n${LIST_HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await runList(flags, io)));
};
