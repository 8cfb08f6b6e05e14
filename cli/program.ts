/** The commands, their flags and help. `main` is the whole program, with its streams given. */
import { Command, CommanderError, Option } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { addAccessCommand } from './access/command.ts';
import { addApprovalCommands } from './approval/command.ts';
import { outputOptions, backendOptions } from './command-options.ts';
import { CliError, reportError } from './errors.ts';
import { EXIT_CODES, EXIT_CODES_HELP } from './exit-codes.ts';
import { addFleetCommand } from './fleet/command.ts';
import { addIdentitiesCommand } from './identities/command.ts';
import type { Io } from './io.ts';
import { addMigrationCommands } from './migration-commands.ts';
import { DEFAULT_SOAK_DAYS } from '../lambdas/domain/trust/retirement.ts';
import {
  EXAMPLE_SCENARIO,
  parseDemoFlags,
  parseKnownFlags,
  parseRetireFlags,
  parseServeFlags,
  PROGRAM,
  WATCHING_SCALE,
} from './options.ts';
import { addSweepCommands } from './sweep/command.ts';
import { addTrustCommands } from './trust/command.ts';
import { guardedIo } from './terminal.ts';

const EXAMPLES = `
Examples:
  # Try it: what would a migration do, and how does it go?
  ${PROGRAM} plan    --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox ${EXAMPLE_SCENARIO}
  ${PROGRAM} migrate --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox ${EXAMPLE_SCENARIO}

  # Then put it back: the sandbox is kept in a file between the commands
  ${PROGRAM} migrate ... --sandbox ${EXAMPLE_SCENARIO} --state world.json
  ${PROGRAM} rollback MIGRATION_ID --state world.json

  # A workload of your own: the service account that runs it, no add-on
  ${PROGRAM} migrate-workload --cluster payments-prod --namespace payments --service-account api \\
      --sandbox sandbox/scenarios/service-account-irsa.json

  # In a pipeline: one JSON document on stdout
  ${PROGRAM} migrate ... --json | jq -r .outcome
`;

const SANDBOX_HELP = `Use it:
  ${PROGRAM} sandbox --scenario ${EXAMPLE_SCENARIO} > sandbox.env &
  . ./sandbox.env         # once "serving" is said: points aws, kubectl and SDKs at the sandbox
  aws eks list-clusters
  kubectl get pods --all-namespaces
  kill %1

Exit codes:
  0  served until it was stopped
  2  bad input: nothing was started
  1  anything else`;

const ROLLBACK_HELP = `Exit codes:
  0  rolled-back, as asked
  1  anything else
  2  bad input, an unknown migration, or a rollback that can't be begun: nothing was changed
  5  needs-human: the report has the commands that finish it`;

const CANCEL_HELP = `Before its change has begun, a migration that is asked to stop ends blocked; after that it is rolled back. It reads the
request between its steps, so that the present one ends first.

Exit codes:
  0  it is asked to stop
  1  anything else
  2  bad input, an unknown migration, or one that is over or being put back already`;

const RELEASE_HELP = `A migration that ended needs-human keeps its locks until rollback has put the add-on back. Where it shall not come back, or has got
another identity, this lets them go: the next migration may begin. It changes nothing in AWS but the service's ledger.

Exit codes:
  0  it holds no lock any more
  1  anything else
  2  bad input, an unknown migration, or one that did not end needs-human or is being put back`;

const RETIRE_HELP = `It removes this cluster's OIDC statement for the migration's service accounts from the role's trust policy, once nothing needs it:
no other add-on, no annotated service account and no pod that still has the web identity token. Without --apply it only says what
it would do. Until then rollback and IRSA keep working; after it, --undo puts the statement back.

Exit codes:
  0  done, or with nothing in its way
  1  anything else
  2  bad input, or an unknown migration
  3  refused: something still needs it, or it is too early; nothing was changed`;

const SHOW_HELP = `Exit codes:
  0  there is such a migration, however it goes or went: see the outcome
  1  anything else
  2  bad input, or an unknown migration`;

const retireOptions = (command: Command): Command =>
  knownOptions(
    command
      .option('--apply', 'do it; without this flag nothing is changed')
      .option(
        '--soak-days <n>',
        `days since the end of the migration that must have passed (default: ${DEFAULT_SOAK_DAYS})`,
      )
      .option('--undo', 'put back what an earlier retire took out'),
    { reason: true },
  );

/** Commands about one migration that there is. */
const knownOptions = (command: Command, { reason }: { reason: boolean }): Command => {
  command.argument('<migration-id>', 'the id in the second line of what migrate prints');
  if (reason) command.option('--reason <text>', 'noted in the ledger');
  backendOptions(command.optionsGroup('Where:')).addOption(
    new Option('--sandbox <file>', 'the scenario that --state begins with').hideHelp(),
  );
  return outputOptions(command);
};

/** The SDK and the sandbox are loaded once there is something to run: help and wrong flags answer at once. */
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
  new Command('pod-identity')
    .description(
      'Moves EKS add-ons, and workloads of your own, from IRSA (IAM roles for service accounts) to EKS Pod Identity:\nplans, changes, verifies it on the pods, and goes back by itself.',
    )
    .version(manifest.version, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    // What stands behind a command's name is that command's, also of a command that has commands of its own beside its
    // flags.
    .enablePositionalOptions()
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // Errors are told by reportError, help that nobody asked for goes to stderr.
      writeErr: (text) => io.stderr.write(text),
      outputError: () => {},
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    })
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES_HELP}`);

const addKnownCommands = (program: Command, io: Io, finished: Finished): void => {
  knownOptions(
    program
      .command('rollback')
      .description('put back what a migration changed, also after it ended migrated, and check the pods')
      .option(
        '--accept-credential-gap',
        'go back even where pods may be without credentials before all of them are replaced',
      ),
    { reason: true },
  )
    .addHelpText('after', `\n${ROLLBACK_HELP}`)
    .action(async (id: string, flags: Record<string, unknown>) => finished(await runKnown(id, flags, 'rollback', io)));
  knownOptions(program.command('cancel').description('ask a migration that is under way to stop'), { reason: true })
    .addHelpText('after', `\n${CANCEL_HELP}`)
    .action(async (id: string, flags: Record<string, unknown>) => finished(await runKnown(id, flags, 'cancel', io)));
  knownOptions(
    program
      .command('release')
      .description('let go the locks of a migration that ended needs-human and is not to be put back'),
    { reason: true },
  )
    .addHelpText('after', `\n${RELEASE_HELP}`)
    .action(async (id: string, flags: Record<string, unknown>) => finished(await runKnown(id, flags, 'release', io)));
  knownOptions(program.command('show').description('tell how a migration went, or how far it has come'), {
    reason: false,
  })
    .addHelpText('after', `\n${SHOW_HELP}`)
    .action(async (id: string, flags: Record<string, unknown>) => finished(await runKnown(id, flags, 'show', io)));
};

const addRetireCommand = (program: Command, io: Io, finished: Finished): void => {
  retireOptions(
    program
      .command('retire')
      .description("take the way back to IRSA out of the role's trust policy, some days after a migration"),
  )
    .addHelpText('after', `\n${RETIRE_HELP}`)
    .action(async (id: string, flags: Record<string, unknown>) => finished(await runRetire(id, flags, io)));
};

const addDemoCommand = (program: Command, io: Io, finished: Finished): void => {
  program
    .command('demo')
    .description('tell the whole story on an example cluster in the sandbox')
    .option(
      '--clock <kind>',
      `virtual, real or scaled=X (default: scaled=${WATCHING_SCALE} on a terminal, else virtual)`,
    )
    .option('--debug', 'show the stack trace of an error')
    .action(async (flags: Record<string, unknown>) => finished(await runDemo(flags, io)));
};

const addSandboxCommand = (program: Command, io: Io, finished: Finished): void => {
  program
    .command('sandbox')
    .description('serve the AWS of a scenario on this machine, for aws, kubectl and anything with an SDK, until Ctrl-C')
    .option('--scenario <file>', `the AWS to play, such as ${EXAMPLE_SCENARIO} (required)`)
    .option(
      '--port <number>',
      'port of the AWS services on 127.0.0.1 (default: a free one; API servers always take free ones)',
    )
    .option('--clock <kind>', 'real or scaled=X (default: real)')
    .option('--seed <number>', "every id and jitter follows from it (default: the scenario's)")
    .option('--log <file>', 'write every API call to that file as it comes, one JSON document a line')
    .option('--kubeconfig <file>', 'write the kubeconfig there, and leave it (default: a temporary file)')
    .option('--json', 'the environment as one JSON document instead of export lines')
    .option('--debug', 'show the stack trace of an error')
    .addHelpText('after', `\n${SANDBOX_HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await runSandbox(flags, io)));
};

/** In the order in which help lists the commands. */
const build = (io: Io, finished: Finished): Command => {
  const program = newProgram(io);
  addMigrationCommands(program, io, finished);
  addKnownCommands(program, io, finished);
  addApprovalCommands(program, io, finished);
  addSweepCommands(program, io, finished);
  addRetireCommand(program, io, finished);
  addTrustCommands(program, io, finished);
  addIdentitiesCommand(program, io, finished);
  addAccessCommand(program, io, finished);
  addFleetCommand(program, io, finished);
  addDemoCommand(program, io, finished);
  addSandboxCommand(program, io, finished);
  return program;
};

const fromCommander = (error: CommanderError, command: string): CliError =>
  new CliError(
    'BadOption',
    error.message.replace(/^error: /, ''),
    `See: ${PROGRAM} ${command ? `${command} ` : ''}--help`,
  );

/** The command that was meant, as it is typed: with its group. */
const namedIn = (group: Command, [name, ...others]: readonly string[]): string => {
  const command = group.commands.find((one) => one.name() === name);
  return command === undefined ? '' : [command.name(), namedIn(command, others)].join(' ').trim();
};

/** Runs the program. `argv` begins with the command. Answers the exit code; never throws and never exits by itself. */
export const main = async (argv: readonly string[], given: Io): Promise<number> => {
  const io = guardedIo(given);
  let exitCode: number = EXIT_CODES.ok;
  const told = { json: argv.includes('--json'), debug: argv.includes('--debug') };
  const program = build(io, (code) => {
    exitCode = code;
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
    // Help was printed, because a command of a group is missing.
    if (error.code === 'commander.help') return EXIT_CODES.badInput;
    return reportError(fromCommander(error, namedIn(program, argv)), io, told);
  }
};
