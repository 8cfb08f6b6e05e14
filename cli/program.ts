/** The commands, their flags and help. `main` is the whole program, with its streams given. */
import { Command, CommanderError, Option } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { CliError, reportError } from './errors.ts';
import { EXIT_CODES, EXIT_CODES_HELP } from './exit-codes.ts';
import type { Io } from './io.ts';
import { EXAMPLE_SCENARIO, parseDemoFlags, parseFlags, parseServeFlags, PROGRAM, WATCHING_SCALE } from './options.ts';

const EXAMPLES = `
Examples:
  # Try it: what would a migration do, and how does it go?
  ${PROGRAM} plan    --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox ${EXAMPLE_SCENARIO}
  ${PROGRAM} migrate --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox ${EXAMPLE_SCENARIO}

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

const migrationOptions = (command: Command): Command =>
  command
    .optionsGroup('What to migrate:')
    .option('--cluster <name>', 'EKS cluster (required)')
    .option('--addon <name>', 'add-on, such as aws-ebs-csi-driver (required)')
    .option('--account <id>', "AWS account; default: that of the scenario's only cluster of that name")
    .option('--region <name>', 'AWS region; default: likewise')
    .optionsGroup('How:')
    .option('--strategy <name>', 'recreate: delete the add-on and create it again (default: recreate)')
    .option('--preserve', "keep the add-on's software running while EKS lets go of it")
    .option('--role-arn <arn>', 'IAM role for the service accounts; default: the role that the add-on has now')
    .option('--resolve-conflicts <mode>', 'over preserved objects: NONE or OVERWRITE (default: NONE)')
    .option('--dry-run', 'plan only, change nothing')
    .optionsGroup('Where:')
    .option('--sandbox <file>', 'run in a sandbox with the AWS accounts of that scenario file (required for now)')
    .option('--seed <number>', "every id and jitter follows from it (default: the scenario's)")
    .option('--clock <kind>', `virtual, real or scaled=X (default: virtual; scaled=${WATCHING_SCALE} for migrate on a terminal)`)
    .option('--calls <file>', 'write every API call to that file, one JSON document a line')
    .addOption(new Option('--local').hideHelp())
    .addOption(new Option('--deployed').hideHelp())
    .optionsGroup('Output:')
    .option('--json', 'one JSON document on stdout')
    .option('--debug', 'show the stack trace of an error');

/** The SDK and the sandbox are loaded once there is something to run: help and wrong flags answer at once. */
const runMigrate = async (flags: Record<string, unknown>, command: 'plan' | 'migrate', io: Io): Promise<number> => {
  const parsed = parseFlags(flags, command);
  const { migrate } = await import('./migrate.ts');
  return migrate(command === 'plan' ? { ...parsed, dryRun: true } : parsed, io);
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

const build = (io: Io, finished: (exitCode: number) => void): Command => {
  const program = new Command('pod-identity')
    .description('Moves EKS add-ons from IRSA (IAM roles for service accounts) to EKS Pod Identity:\nplans, changes, proves it on the pods, and goes back by itself.')
    .version(manifest.version, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
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

  migrationOptions(program.command('plan').description('say what a migration would do, check that it can be done, change nothing'))
    .addHelpText('after', `\n${EXIT_CODES_HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await runMigrate(flags, 'plan', io)));
  migrationOptions(program.command('migrate').description('plan, change, prove, and go back if it fails'))
    .addHelpText('after', `\n${EXIT_CODES_HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await runMigrate(flags, 'migrate', io)));
  program
    .command('demo')
    .description('tell the whole story on an example cluster in the sandbox')
    .option('--clock <kind>', `virtual, real or scaled=X (default: scaled=${WATCHING_SCALE} on a terminal, else virtual)`)
    .option('--debug', 'show the stack trace of an error')
    .action(async (flags: Record<string, unknown>) => finished(await runDemo(flags, io)));
  program
    .command('sandbox')
    .description('serve the AWS of a scenario on this machine, for aws, kubectl and anything with an SDK, until Ctrl-C')
    .option('--scenario <file>', `the AWS to play, such as ${EXAMPLE_SCENARIO} (required)`)
    .option('--port <number>', 'port of the AWS services on 127.0.0.1 (default: a free one; API servers always take free ones)')
    .option('--clock <kind>', 'real or scaled=X (default: real)')
    .option('--seed <number>', "every id and jitter follows from it (default: the scenario's)")
    .option('--log <file>', 'write every API call to that file as it comes, one JSON document a line')
    .option('--kubeconfig <file>', 'write the kubeconfig there, and leave it (default: a temporary file)')
    .option('--json', 'the environment as one JSON document instead of export lines')
    .option('--debug', 'show the stack trace of an error')
    .addHelpText('after', `\n${SANDBOX_HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await runSandbox(flags, io)));
  return program;
};

const fromCommander = (error: CommanderError, command: string): CliError =>
  new CliError('BadOption', error.message.replace(/^error: /, ''), `See: ${PROGRAM} ${command ? `${command} ` : ''}--help`);

/** Runs the program. `argv` begins with the command. Answers the exit code; never throws and never exits by itself. */
export const main = async (argv: readonly string[], io: Io): Promise<number> => {
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
    const command = program.commands.find((one) => one.name() === argv[0])?.name() ?? '';
    return reportError(fromCommander(error, command), io, told);
  }
};
