/** Options of the commands about one existing migration, in commander's form. */
import { type Command, Option } from 'commander';
import { DEFAULT_SOAK_DAYS } from '../lambdas/domain/record/retirement.ts';
import { acceptOption, backendOptions, confirmOption, outputOptions } from './command-options.ts';

/** Adds the options of commands about one existing migration. */
export const knownOptions = (
  command: Command,
  { reason, asks = false }: { reason: boolean; asks?: boolean },
): Command => {
  command.argument('<migration-id>', 'id of the migration, in the second line that migrate prints');
  if (reason) command.option('--reason <text>', 'reason, recorded in the ledger');
  if (asks) confirmOption(command);
  backendOptions(command.optionsGroup('Where:')).addOption(
    new Option('--sandbox <file>', 'the scenario that --state starts from').hideHelp(),
  );
  return outputOptions(command);
};

export const RETIRE_HELP = `Removes this cluster's OIDC statement for the migration's service accounts from the role's trust policy, once nothing needs it:
no other add-on, no annotated service account and no pod that still has the web identity token. Without --apply, it only shows what
it would do. Until the statement is removed, rollback and IRSA keep working; --undo restores it.

Exit codes:
  0  done, or (without --apply) nothing prevents it
  1  any other failure
  2  bad input, or an unknown migration
  3  refused: something still needs the statement, or it is too early; nothing was changed`;

export const retireOptions = (command: Command): Command =>
  knownOptions(
    acceptOption(command, 'retirement')
      .option('--apply', 'apply the change; without this option, nothing is changed')
      .option(
        '--soak-days <n>',
        `days that must have passed since the end of the migration (default: ${DEFAULT_SOAK_DAYS})`,
      )
      .option('--undo', 'restore what an earlier retirement removed'),
    { reason: true, asks: true },
  );
