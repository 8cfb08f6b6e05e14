/** Defines the commands, their flags and help. `main` is the whole program; its streams are parameters. */
import { type Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { formerOptionProblem } from '../lambdas/domain/acceptance/former.ts';
import { addAccessCommand } from './access/command.ts';
import { addApprovalCommands } from './approval/command.ts';
import { acceptOption, printOptions } from './command-options.ts';
import { knownOptions, RETIRE_HELP, retireOptions } from './known-command-options.ts';
import { addCompletionCommand } from './completion/command.ts';
import { addContextOption, applyContext } from './context/option.ts';
import { CliError, reportError } from './errors.ts';
import { EXIT_CODES, EXIT_CODES_HELP } from './exit-codes.ts';
import { addDoctorCommand } from './doctor/command.ts';
import { addFleetCommand } from './fleet/command.ts';
import { WrappedCommand } from './help.ts';
import { addHandOffCommands } from './hand-off/command.ts';
import { addIdentitiesCommand } from './identities/command.ts';
import { interruptionText } from './interrupted.ts';
import type { Io } from './io.ts';
import { addMigrationCommands } from './migration-commands.ts';
import {
  EXAMPLE_SCENARIO,
  parseDemoFlags,
  parseKnownFlags,
  parseRetireFlags,
  parseServeFlags,
  PROGRAM,
  WATCHING_SCALE,
  WORKLOAD_SCENARIO,
} from './options.ts';
import { addRecordCommand } from './record/command.ts';
import { addSuggestConfigCommand } from './suggest-config/command.ts';
import { addSweepCommands } from './sweep/command.ts';
import { addTrustCommands } from './trust/command.ts';
import { takePrinting } from './output-flags.ts';
import { guardedIo, type Printing } from './terminal.ts';

const EXAMPLES = `
Examples:
  # Try it in a sandbox: plan a migration, then run it
  ${PROGRAM} plan    --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox ${EXAMPLE_SCENARIO}
  ${PROGRAM} migrate --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox ${EXAMPLE_SCENARIO}

  # Roll it back: the sandbox is kept in a file between the commands
  ${PROGRAM} migrate ... --sandbox ${EXAMPLE_SCENARIO} --state world.json
  ${PROGRAM} rollback MIGRATION_ID --state world.json

  # Migrate your own workload: the service account of its pods
  ${PROGRAM} migrate-workload --cluster payments-prod --namespace payments --service-account api \\
      --sandbox ${WORKLOAD_SCENARIO}

  # Use it in a pipeline: one JSON document on stdout
  ${PROGRAM} migrate ... --json | jq -r .outcome
`;

const SANDBOX_HELP = `Use it:
  ${PROGRAM} sandbox --scenario ${EXAMPLE_SCENARIO} > sandbox.env &
  . ./sandbox.env         # once it prints "serving": points aws, kubectl and SDKs at the sandbox
  aws eks list-clusters
  kubectl get pods --all-namespaces
  kill %1

Exit codes:
  0  served until it was stopped
  1  any other failure
  2  bad input: nothing was started`;

const ROLLBACK_HELP = `Exit codes:
  0  rolled-back, as requested
  1  any other failure
  2  bad input, an unknown migration, or a rollback that cannot begin: nothing was changed
  5  needs-human: the report has the commands that restore it`;

const CANCEL_HELP = `A migration that is cancelled before its change has begun ends blocked; after that, it is rolled back. It reads the request
between its steps, so the current step ends first.

Exit codes:
  0  the cancellation was requested
  1  any other failure
  2  bad input, an unknown migration, or one that has ended or is already being rolled back`;

const RELEASE_HELP = `A migration that ended needs-human keeps its locks until "rollback" has restored the add-on. If it should not be restored, or has
another identity by now, "release" releases the locks: the next migration may begin. It changes nothing in AWS but the ledger.

Exit codes:
  0  the migration no longer holds locks
  1  any other failure
  2  bad input, an unknown migration, or one that did not end needs-human or is being rolled back`;

const SHOW_HELP = `Exit codes:
  0  the migration exists, regardless of its outcome
  1  any other failure
  2  bad input, or an unknown migration`;

/** Loads the SDK and the sandbox only when there is something to run, so that help and wrong flags are fast. */
const runKnown = async (
  migrationId: string,
  flags: Record<string, unknown>,
  command: 'rollback' | 'cancel' | 'release' | 'show',
  io: Io,
): Promise<number> => {
  const parsed = parseKnownFlags({ ...flags, migrationId }, command);
  const { cancelCommand, releaseCommand, rollback, show } = await import('./known-commands.ts');
  return { rollback, cancel: cancelCommand, release: releaseCommand, show }[command](parsed, io);
};

const runRetire = async (migrationId: string, flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseRetireFlags({ ...flags, migrationId });
  const { retireCommand } = await import('./known-commands.ts');
  return retireCommand(parsed, io);
};

const runDemo = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseDemoFlags(flags);
  const { demo } = await import('./demo/demo.ts');
  return demo(parsed, io);
};

const runSandbox = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseServeFlags(flags);
  const { serve } = await import('./sandbox.ts');
  return serve(parsed, io);
};

type Finished = (exitCode: number) => void;

const newProgram = (io: Io): Command =>
  new WrappedCommand('pod-identity', io)
    .description(
      'Migrates EKS add-ons and your own workloads from IRSA (IAM roles for service accounts) to EKS Pod Identity.\nIt plans and makes the change, verifies it on the pods, and rolls it back if it fails.',
    )
    .version(manifest.version, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    // Options after a command's name belong to that command, also if it has both options and subcommands.
    .enablePositionalOptions()
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES_HELP}`);

const addKnownCommands = (program: Command, io: Io, finished: Finished): void => {
  knownOptions(
    acceptOption(
      program.command('rollback').description('undo a migration, also one that ended migrated, and verify the pods'),
      'rollback',
    ),
    { reason: true, asks: true },
  )
    .addHelpText('after', `\n${ROLLBACK_HELP}`)
    .action(async (id: string, flags: Record<string, unknown>) => finished(await runKnown(id, flags, 'rollback', io)));
  knownOptions(program.command('cancel').description('cancel a running migration'), { reason: true })
    .addHelpText('after', `\n${CANCEL_HELP}`)
    .action(async (id: string, flags: Record<string, unknown>) => finished(await runKnown(id, flags, 'cancel', io)));
  knownOptions(
    program
      .command('release')
      .description('release the locks of a migration that ended needs-human, without restoring anything'),
    { reason: true, asks: true },
  )
    .addHelpText('after', `\n${RELEASE_HELP}`)
    .action(async (id: string, flags: Record<string, unknown>) => finished(await runKnown(id, flags, 'release', io)));
  knownOptions(program.command('show').description('show the report or the progress of a migration'), {
    reason: false,
  })
    .addHelpText('after', `\n${SHOW_HELP}`)
    .action(async (id: string, flags: Record<string, unknown>) => finished(await runKnown(id, flags, 'show', io)));
};

const addRetireCommand = (program: Command, io: Io, finished: Finished): void => {
  retireOptions(
    program
      .command('retire')
      .description("remove the OIDC statement from the role's trust policy, some days after a migration"),
  )
    .addHelpText('after', `\n${RETIRE_HELP}`)
    .action(async (id: string, flags: Record<string, unknown>) => finished(await runRetire(id, flags, io)));
};

const addDemoCommand = (program: Command, io: Io, finished: Finished): void => {
  printOptions(
    program
      .command('demo')
      .description('demonstrate a migration on an example cluster in the sandbox')
      .option(
        '--clock <kind>',
        `virtual, real or scaled=X (default: scaled=${WATCHING_SCALE} on a terminal, else virtual)`,
      ),
  ).action(async (flags: Record<string, unknown>) => finished(await runDemo(flags, io)));
};

const addSandboxCommand = (program: Command, io: Io, finished: Finished): void => {
  program
    .command('sandbox')
    .description('serve the AWS of a scenario on this machine, for aws, kubectl and any SDK, until Ctrl-C')
    .option(
      '--scenario <file>',
      `scenario: a file, or the name of one that comes with the program, such as ${EXAMPLE_SCENARIO} (required)`,
    )
    .option(
      '--port <number>',
      'port of the AWS services on 127.0.0.1 (default: a free port; API servers always use free ports)',
    )
    .option('--clock <kind>', 'real or scaled=X (default: real)')
    .option('--seed <number>', "seed of all ids and jitter (default: the scenario's)")
    .option('--log <file>', 'write every API call to that file, one JSON document per line')
    .option('--kubeconfig <file>', 'write the kubeconfig to that file and keep it (default: a temporary file)')
    .option('--json', 'print the environment as one JSON document instead of export lines')
    .option('--debug', 'show the stack trace of an error')
    .addHelpText('after', `\n${SANDBOX_HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await runSandbox(flags, io)));
};

/** Builds the program, with the commands in the order in which help lists them. */
export const build = (io: Io, finished: Finished): Command => {
  const program = newProgram(io);
  addDoctorCommand(program, io, finished);
  addMigrationCommands(program, io, finished);
  addKnownCommands(program, io, finished);
  addHandOffCommands(program, io, finished);
  addApprovalCommands(program, io, finished);
  addSweepCommands(program, io, finished);
  addRetireCommand(program, io, finished);
  addTrustCommands(program, io, finished);
  addIdentitiesCommand(program, io, finished);
  addRecordCommand(program, io, finished);
  addAccessCommand(program, io, finished);
  addSuggestConfigCommand(program, io, finished);
  addFleetCommand(program, io, finished);
  addDemoCommand(program, io, finished);
  addSandboxCommand(program, io, finished);
  addCompletionCommand(program, io);
  addContextOption(program);
  return program;
};

const fromCommander = (error: CommanderError, command: string, argv: readonly string[]): CliError => {
  const former = error.code === 'commander.unknownOption' ? formerOptionProblem(argv) : undefined;
  if (former) return new CliError('BadOption', former.message, former.hint);
  return new CliError(
    'BadOption',
    error.message.replace(/^error: /, ''),
    `See: ${PROGRAM} ${command ? `${command} ` : ''}--help`,
  );
};

/** Returns the name of a command, with its group, as it is typed. */
const pathOf = (command: Command): string =>
  command.parent ? `${pathOf(command.parent)} ${command.name()}`.trim() : '';

/** Returns the command that the arguments select, with its group, as it is typed. */
const namedIn = (group: Command, [name, ...others]: readonly string[]): string => {
  const command = group.commands.find((one) => one.name() === name);
  return command === undefined ? '' : [command.name(), namedIn(command, others)].join(' ').trim();
};

/** Returns whether errors are documents too: as far as the flags show it, since they may be what is wrong. */
const asksForJson = (argv: readonly string[]): boolean =>
  argv.includes('--json') || argv.includes('--output=json') || argv[argv.indexOf('--output') + 1] === 'json';

/** Runs the program. `argv` begins with the command. Returns the exit code; never throws and never exits the process. */
export const main = async (argv: readonly string[], given: Io): Promise<number> => {
  const printing: Printing = { detail: 'normal', color: !argv.includes('--no-color'), backend: [] };
  const io = guardedIo(given, printing);
  let exitCode: number = EXIT_CODES.ok;
  const told = { json: asksForJson(argv), debug: argv.includes('--debug') };
  const program = build(io, (code) => {
    exitCode = code;
  });
  program.hook('preAction', async (_program, command) => {
    io.onInterrupt?.(interruptionText(command.opts(), command.name()));
    Object.assign(printing, takePrinting(command, `See: ${PROGRAM} ${pathOf(command)} --help`));
    await applyContext(command);
  });
  try {
    if (argv.length === 0) {
      io.stderr.write(program.helpInformation());
      return EXIT_CODES.badInput;
    }
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(error, io, told);
    if (error.exitCode === 0) return EXIT_CODES.ok;
    // The subcommand of a group is missing, so help was printed.
    if (error.code === 'commander.help') return EXIT_CODES.badInput;
    return reportError(fromCommander(error, namedIn(program, argv), argv), io, told);
  }
};
