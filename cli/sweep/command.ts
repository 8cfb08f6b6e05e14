/** Defines `sweep` with its commands, and `sweeps`: their flags and help. */
import { type Command, Option } from 'commander';
import { sweepLimits } from '../../lambdas/domain/sweep/request.ts';
import { LIMIT } from '../approval/options.ts';
import { acceptOption, collect, outputOptions, backendOptions, confirmOption } from '../command-options.ts';
import { SWEEP_EXIT_CODES_HELP } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { parseKnownSweepFlags, parseReportFlags, parseSweepFlags, parseSweepListFlags } from './options.ts';

const WHERE_HELP = `A deployed service (--deployed) is found by the outputs of its stack (--stack), or by these variables, which take precedence:
  POD_IDENTITY_API_URL: the service's API, which needs only execute-api:Invoke, and s3:GetObject for reports; without it,
  direct calls, with the variables of migrate --deployed, POD_IDENTITY_SWEEP_STATE_MACHINE_ARN and, to show the progress,
  POD_IDENTITY_SWEEP_BUCKET_NAME. Ctrl-C stops following; the sweep continues.`;

const SWEEP_HELP = `Take an inventory first, then plan, then migrate a few add-ons, and the rest in waves that stop after failures:
  pod-identity sweep --mode inventory --sandbox fleet.json --report fleet.html
  pod-identity sweep --mode migrate --sandbox fleet.json --cluster 'dev-*' --canary 1 --report out.html --report out.csv

Each of --account, --region, --cluster and --addon may be repeated, or have several comma-separated values. A cluster or add-on with
the tag pod-identity-migration=exclude is excluded; with --tagging opt-in, everything without the value include is.
The limits apply to --mode plan and migrate. The options of migrate apply to --mode inventory too: they decide what is ready.

${WHERE_HELP}

${SWEEP_EXIT_CODES_HELP}`;

const ASK_EXIT_CODES = `Exit codes:
  0  the request was recorded
  1  any other failure
  2  bad input, an unknown sweep, or one whose state does not allow it: nothing was changed`;

const ASKED = {
  pause: ['begin no more migrations until the sweep is resumed; running migrations end', ASK_EXIT_CODES],
  resume: [
    'continue a sweep that is paused or stopped; migrations that have ended are not repeated',
    `In a sandbox that is kept in a file (--state), the command follows the sweep to its end, and the exit codes are those of "sweep".\n\n${ASK_EXIT_CODES}`,
  ],
  stop: ['begin no more migrations, and end the sweep once running migrations have ended', ASK_EXIT_CODES],
} as const satisfies Record<string, readonly [string, string]>;

const KNOWN_EXIT_CODES = `Exit codes:
  0  the sweep exists, regardless of its outcome
  1  any other failure
  2  bad input, or an unknown sweep`;

const REPORT_EXIT_CODES = `Exit codes:
  0  the files were written
  1  the report cannot be read, or any other failure
  2  bad input, an unknown sweep, or one that has not ended`;

const LIST_EXIT_CODES = `Newest first. A sweep that started seconds ago may be missing.

Exit codes:
  0  the list was printed, even if it is empty
  1  any other failure
  2  bad input`;

const { canary, concurrency, perAccount, perRegion, stopAfterFailures, stopAtFailurePercent } = sweepLimits.parse({});

const selectionOptions = (command: Command): Command =>
  command
    .optionsGroup('Which add-ons:')
    .option(
      '--account <id>',
      "only in these AWS accounts (default: all accounts of the scenario, or of the deployment's configuration)",
      collect,
    )
    .option('--region <name>', 'only in these AWS regions (default: likewise)', collect)
    .option('--cluster <pattern>', 'only on clusters whose name matches: * matches any text, ? one character', collect)
    .option('--cluster-tag <key=value>', 'only on clusters with this tag; if repeated, with all of them', collect)
    .option('--addon <name>', 'only these add-ons', collect)
    .option(
      '--tagging <mode>',
      'opt-out: everything not tagged exclude; opt-in: only what is tagged include (default: opt-out)',
    );

const limitOptions = (command: Command): Command =>
  command
    .optionsGroup('Pace, and when to stop:')
    .option('--canary <n>', `size of the first wave; each further wave is twice as large (default: ${canary})`)
    .option('--concurrency <n>', `maximum number of migrations at a time (default: ${concurrency})`)
    .option('--per-account <n>', `maximum number at a time in one account (default: ${perAccount})`)
    .option('--per-region <n>', `maximum number at a time in one region of one account (default: ${perRegion})`)
    .option('--stop-after <n>', `number of failed migrations after which no more begin (default: ${stopAfterFailures})`)
    .option(
      '--stop-at-percent <n>',
      `the same as a percentage of ended migrations, once at least --concurrency of them have ended (default: ${stopAtFailurePercent})`,
    )
    .option(
      '--calls-per-second <n>',
      'maximum rate of EKS calls of the inventory in one region of one account (default: 5)',
    );

const howOptions = (command: Command): Command => confirmOption(acceptOption(migrationOptions(command), 'sweep'));

const migrationOptions = (command: Command): Command =>
  command
    .optionsGroup('How to migrate each add-on (see migrate --help):')
    .option('--strategy <name>', 'auto, in-place or recreate (default: auto)')
    .option('--max-disruption <limit>', 'rolling or outage')
    .option('--max-duration-minutes <n>', 'block a plan whose forecast is longer')
    .option('--preserve', 'if an add-on is deleted, keep its pods running')
    .option('--resolve-conflicts <mode>', 'PRESERVE, NONE or OVERWRITE')
    .option('--trust <mode>', 'validate or repair (default: validate)')
    .option('--iac <tool>', "tool whose code defines the fleet's add-ons, where nothing shows it")
    .option('--verification <level>', 'ready, injected or api (default: ready)')
    .option('--agent <mode>', 'require or install (default: require)')
    .option('--approval <mode>', 'required: every plan needs an approval; only with a deployed service (default: none)')
    .option('--window <cron>', "begin migrations only within a change window: when it opens, such as '0 22 * * SUN'")
    .option('--window-minutes <n>', 'how long the window stays open, in minutes')
    .option('--window-zone <name>', 'time zone of the window, such as Europe/Berlin')
    .option(
      '--window-wait-hours <n>',
      'how long a migration that has started waits if the window has closed meanwhile (default: 336)',
    )
    .option('--reason <text>', 'reason, recorded in the ledger');

const whereOptions = (command: Command): Command => {
  command
    .optionsGroup('Where:')
    .option('--sandbox <file>', 'run in a sandbox with the AWS accounts of that scenario file');
  backendOptions(command)
    .option('--seed <number>', "in a sandbox: seed of all ids and jitter (default: the scenario's)")
    .option('--clock <kind>', 'in a sandbox: virtual, real or scaled=X (default: virtual, also on a terminal)')
    .option('--calls <file>', 'in a sandbox: write every API call to that file, one JSON document per line')
    .option(
      '--previous <file>',
      'in a sandbox: JSON report of an earlier sweep with the same selection, for the trend',
    );
  return outputOptions(command);
};

const reportOption = (command: Command): Command =>
  command.option(
    '--report <file>',
    'write the report to that file, as .html, .json or .csv by its extension; may be repeated',
    collect,
  );

/** Adds the options of a command about one existing sweep. */
const knownOptions = (command: Command): Command =>
  outputOptions(
    backendOptions(
      command.argument('<sweep-id>', 'id of the sweep, in the second line that sweep prints').optionsGroup('Where:'),
    ).addOption(new Option('--sandbox <file>', 'the scenario that --state starts from').hideHelp()),
  );

/** Loads the implementation only when it is needed, so that help and wrong flags are fast. */
const work = () => import('./run.ts');

type Flags = Record<string, unknown>;

const addKnown = (sweep: Command, io: Io, finished: (exitCode: number) => void): void => {
  knownOptions(sweep.command('show').description('show the state or the progress of a sweep'))
    .addHelpText('after', `\n${KNOWN_EXIT_CODES}`)
    .action(async (sweepId: string, flags: Flags) => {
      const parsed = parseKnownSweepFlags({ ...flags, sweepId }, 'show');
      finished(await (await work()).showSweepCommand(parsed, io));
    });
  for (const [command, [description, help]] of Object.entries(ASKED) as [
    keyof typeof ASKED,
    readonly [string, string],
  ][]) {
    knownOptions(
      sweep.command(command).description(description).option('--reason <text>', 'reason, recorded in the ledger'),
    )
      .addHelpText('after', `\n${help}`)
      .action(async (sweepId: string, flags: Flags) => {
        const parsed = parseKnownSweepFlags({ ...flags, sweepId }, command);
        finished(await (await work()).askSweepCommand(command, parsed, io));
      });
  }
  knownOptions(reportOption(sweep.command('report').description('write the report of a sweep that has ended')))
    .addHelpText('after', `\n${REPORT_EXIT_CODES}`)
    .action(async (sweepId: string, flags: Flags) => {
      const parsed = parseReportFlags({ ...flags, sweepId });
      finished(await (await work()).reportSweepCommand(parsed, io));
    });
};

export const addSweepCommands = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  const sweep = program
    .command('sweep')
    .description(
      'take the inventory of a fleet of clusters, plan what is ready, or migrate it in waves; with a command: manage a sweep',
    )
    .enablePositionalOptions()
    .optionsGroup('What to do:')
    .option(
      '--mode <name>',
      'inventory: only read; plan: plan what is ready, change nothing; migrate: migrate it in waves (required)',
    );
  reportOption(sweep);
  whereOptions(howOptions(limitOptions(selectionOptions(sweep))))
    .addHelpText('after', `\n${SWEEP_HELP}`)
    .action(async (flags: Flags) => {
      const parsed = parseSweepFlags(flags);
      finished(await (await work()).sweep(parsed, io));
    });
  addKnown(sweep, io, finished);

  const list = program
    .command('sweeps')
    .description('list sweeps, newest first')
    .option('--status <name>', 'only sweeps with that status: running, paused, stopping or ended')
    .option('--since <time>', 'only those started at that time or later, such as 2026-01-15 or 2026-01-15T09:00:00Z')
    .option('--until <time>', 'only those started before that time')
    .option('--limit <n>', `maximum number of entries (default: ${LIMIT.usual})`);
  outputOptions(
    backendOptions(list.optionsGroup('Where:')).addOption(
      new Option('--sandbox <file>', 'the scenario that --state starts from').hideHelp(),
    ),
  )
    .addHelpText('after', `\n${LIST_EXIT_CODES}`)
    .action(async (flags: Flags) => {
      const parsed = parseSweepListFlags(flags);
      finished(await (await work()).listSweepsCommand(parsed, io));
    });
};
