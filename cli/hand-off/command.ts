/** Defines `hand-off`, `hand-off patch` and `hand-off check`: their flags and help. */
import { type Command, Option } from 'commander';
import { HAND_OFF_FORMATS } from '../../lambdas/domain/terms/hand-off.ts';
import { backendOptions, outputOptions } from '../command-options.ts';
import type { Io } from '../io.ts';
import { readTargetOptions } from '../migration-options.ts';
import { EXAMPLE_SCENARIO, PROGRAM } from '../options.ts';
import { HAND_OFF, parseCodeFlags, parseShowFlags } from './options.ts';

const ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';

const WHICH_HELP = `It is about one migration, by its id and --state or --deployed; or about what the account has now, by --cluster and --addon (or
--namespace and --service-account), however that came about. The account is read with your own credentials, as "plan" does
(docs/plan.md lists the permissions), or in a sandbox.`;

const SHOW_HELP = `A hand-off is what the code that defines an add-on, an association or a role must contain after a migration, so that its next apply
does not undo the migration. It is printed for the tool that was found to own the add-on, or in the format of --format.

${WHICH_HELP}

Examples:
  ${PROGRAM} ${HAND_OFF} ${ID} --deployed
  ${PROGRAM} ${HAND_OFF} ${ID} --deployed --format cloudformation
  ${PROGRAM} ${HAND_OFF} --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox ${EXAMPLE_SCENARIO}

Exit codes:
  0  printed
  1  any other failure
  2  bad input, an unknown migration, or one that has no hand-off
  3  the account could not be read`;

const PATCH_HELP = `Prints a unified diff on stdout, and on stderr what a person has to do, with file and line. Comments, formatting and line ends are
kept; a file that needs no change is not touched. A second run changes nothing.

${WHICH_HELP}

Examples:
  ${PROGRAM} ${HAND_OFF} patch --terraform infra/prod ${ID} --deployed
  ${PROGRAM} ${HAND_OFF} patch --terraform infra/prod ${ID} --deployed --write

Exit codes:
  0  patched, or nothing to do
  1  any other failure
  2  bad input: nothing was written
  3  something is left to a person, or the account could not be read; with --write, the rest is written`;

const CHECK_HELP = `Changes nothing. Prints each place where the code differs from what the account has, with file and line.

${WHICH_HELP}

Examples:
  ${PROGRAM} ${HAND_OFF} check --terraform infra/prod ${ID} --deployed
  ${PROGRAM} ${HAND_OFF} check --terraform infra/prod --cluster prod --addon aws-ebs-csi-driver --region eu-west-1

Exit codes:
  0  the code matches what the account has
  1  any other failure
  2  bad input
  3  the code does not match, or the account could not be read`;

/** `plan --hand-off` has it too. */
export const formatOption = (command: Command, given = ''): Command =>
  command.option(
    '--format <name>',
    `${given}${HAND_OFF_FORMATS.join(', ').replace(/, ([^,]*)$/, ' or $1')} (default: that of the add-on's owner if it is known, otherwise terraform)`,
  );

/** Adds the options that select a migration, or what the account has. */
const whichOptions = (command: Command): Command => {
  command
    .argument('[migration-id]', 'id of the migration, in the second line that migrate prints')
    .optionsGroup('What the code is about, without an id:')
    .option('--cluster <name>', 'EKS cluster')
    .option('--addon <name>', 'add-on, such as aws-ebs-csi-driver')
    .option('--namespace <name>', 'namespace of --service-account')
    .option('--service-account <name>', 'service account that belongs to no add-on');
  readTargetOptions(command);
  return outputOptions(
    backendOptions(command.optionsGroup('Where:')).addOption(
      new Option('--sandbox <file>', 'without an id: in a sandbox with the AWS accounts of that scenario file'),
    ),
  );
};

const codeOptions = (command: Command): Command =>
  command
    .optionsGroup('Which code:')
    .option('--terraform <directory>', 'directory with the *.tf and *.tf.json files (required)');

type Flags = Record<string, unknown>;

const withId = (id: string | undefined, flags: Flags): Flags =>
  id === undefined ? flags : { ...flags, migrationId: id };

/** Loads the implementation only when it is needed, so that help and wrong flags are fast. */
const runCode = async (command: 'patch' | 'check', id: string | undefined, flags: Flags, io: Io): Promise<number> => {
  const parsed = parseCodeFlags(withId(id, flags), command);
  const { check, patch } = await import('./code.ts');
  return { check, patch }[command](parsed, io);
};

const runShow = async (id: string | undefined, flags: Flags, io: Io): Promise<number> => {
  const parsed = parseShowFlags(withId(id, flags));
  const { showHandOff } = await import('./show.ts');
  return showHandOff(parsed, io);
};

export const addHandOffCommands = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  const group = program
    .command(HAND_OFF)
    .usage('[options] [id | command]')
    .description(
      'print what the code that defines an add-on must contain after a migration; with a command: patch or check Terraform code',
    )
    .enablePositionalOptions();
  whichOptions(formatOption(group.optionsGroup('How:')))
    .addHelpText('after', `\n${SHOW_HELP}`)
    .action(async (id: string | undefined, flags: Flags) => finished(await runShow(id, flags, io)));

  const patch = codeOptions(
    group
      .command('patch')
      .description('change Terraform code to what it must contain; without --write, print the diff'),
  ).option('--write', 'write the changed files; without this option, nothing is written');
  whichOptions(patch)
    .addHelpText('after', `\n${PATCH_HELP}`)
    .action(async (id: string | undefined, flags: Flags) => finished(await runCode('patch', id, flags, io)));

  whichOptions(
    codeOptions(group.command('check').description('check whether Terraform code matches what the account has')),
  )
    .addHelpText('after', `\n${CHECK_HELP}`)
    .action(async (id: string | undefined, flags: Flags) => finished(await runCode('check', id, flags, io)));
};
