/** `sweep` with its commands, and `sweeps`: their flags and help. */
import { type Command, Option } from 'commander';
import { sweepLimits } from '../../lambdas/domain/sweep/model.ts';
import { LIMIT } from '../approval/options.ts';
import { collect, outputOptions, backendOptions } from '../command-options.ts';
import { SWEEP_EXIT_CODES_HELP } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { parseKnownSweepFlags, parseReportFlags, parseSweepFlags, parseSweepListFlags } from './options.ts';

const WHERE_HELP = `A deployed service (--deployed) is found by the outputs of its stack, in these variables; "sandbox" prints them too:
  POD_IDENTITY_API_URL: by its API, with the right execute-api:Invoke, and s3:GetObject for reports; without it by direct calls,
  which need what migrate --deployed needs, POD_IDENTITY_SWEEP_STATE_MACHINE_ARN and, to say how far it is,
  POD_IDENTITY_SWEEP_BUCKET_NAME. Ctrl-C stops following; the sweep goes on.`;

const SWEEP_HELP = `First look, then plan, then move a few, and all the rest in waves that stop when something is off:
  pod-identity sweep --mode inventory --sandbox fleet.json --report fleet.html
  pod-identity sweep --mode migrate --sandbox fleet.json --cluster 'dev-*' --canary 1 --report out.html --report out.csv

Each of --account, --region, --cluster and --addon may be given again, or have several values with commas between them. A cluster or
an add-on that is tagged pod-identity-migration=exclude is left out; with --tagging opt-in all that is not tagged include.
The limits and options are of plan and migrate; an inventory, which goes by the options too, begins nothing.

${WHERE_HELP}

${SWEEP_EXIT_CODES_HELP}`;

const ASK_EXIT_CODES = `Exit codes:
  0  it is noted
  1  anything else
  2  bad input, an unknown sweep, or one of which this can't be asked now: nothing was changed`;

const ASKED = {
  pause: ['begin no more migrations until it is resumed; those under way end', ASK_EXIT_CODES],
  resume: [
    'go on with a sweep that is paused or has stopped; what has ended is not done again',
    `In a sandbox that is kept (--state) it is followed to its end, and the exit code is that of sweep.\n\n${ASK_EXIT_CODES}`,
  ],
  stop: ['begin no more migrations, and end once those under way have ended', ASK_EXIT_CODES],
} as const satisfies Record<string, readonly [string, string]>;

const KNOWN_EXIT_CODES = `Exit codes:
  0  there is such a sweep, however it goes or went
  1  anything else
  2  bad input, or an unknown sweep`;

const REPORT_EXIT_CODES = `Exit codes:
  0  the files are written
  1  the report can't be read, or anything else
  2  bad input, an unknown sweep, or one that is not over`;

const LIST_EXIT_CODES = `Newest first. One of the last seconds may be missing.

Exit codes:
  0  that is the list, however long
  1  anything else
  2  bad input`;

const { canary, concurrency, perAccount, perRegion, stopAfterFailures, stopAtFailurePercent } = sweepLimits.parse({});

const selectionOptions = (command: Command): Command =>
  command
    .optionsGroup('Which add-ons:')
    .option(
      '--account <id>',
      "of these AWS accounts (default: all of the scenario, or those of the deployment's configuration)",
      collect,
    )
    .option('--region <name>', 'of these AWS regions (default: likewise)', collect)
    .option('--cluster <pattern>', 'of clusters of such a name: * stands for any text, ? for one character', collect)
    .option('--cluster-tag <key=value>', 'of clusters that have this tag; given again: all of them', collect)
    .option('--addon <name>', 'these add-ons', collect)
    .option(
      '--tagging <mode>',
      'opt-out: all but what is tagged exclude; opt-in: what is tagged include alone (default: opt-out)',
    );

const limitOptions = (command: Command): Command =>
  command
    .optionsGroup('How many at once, and when to stop:')
    .option('--canary <n>', `size of the first wave; each next one is twice as large (default: ${canary})`)
    .option('--concurrency <n>', `never more at once (default: ${concurrency})`)
    .option('--per-account <n>', `never more at once in one account (default: ${perAccount})`)
    .option('--per-region <n>', `never more at once in one region of one account (default: ${perRegion})`)
    .option('--stop-after <n>', `failed migrations after which no more are begun (default: ${stopAfterFailures})`)
    .option(
      '--stop-at-percent <n>',
      `the same as a share of those that have ended, once as many have as run at once (default: ${stopAtFailurePercent})`,
    )
    .option(
      '--calls-per-second <n>',
      'calls of EKS that the look makes in one region of one account at most (default: 5)',
    );

const howOptions = (command: Command): Command =>
  command
    .optionsGroup('How each is migrated (as migrate has them):')
    .option('--strategy <name>', 'auto, in-place or recreate (default: auto)')
    .option('--max-disruption <limit>', 'rolling or outage')
    .option('--max-duration-minutes <n>', 'a plan whose forecast is longer blocks')
    .option('--preserve', 'where an add-on is deleted, keep its pods running meanwhile')
    .option('--resolve-conflicts <mode>', 'PRESERVE, NONE or OVERWRITE')
    .option('--trust <mode>', 'validate or repair (default: validate)')
    .option(
      '--accept-key <key>',
      'condition key of trust policies that will not stand in the way; may be given again',
      collect,
    )
    .option(
      '--accept-identity-loss <service-account>',
      "service account that has an add-on's role, gets no association, and may fall back to the node role; may be given again",
      collect,
    )
    .option('--verification <mode>', 'pods or api (default: pods)')
    .option('--agent <mode>', 'require or install (default: require)')
    .option('--approval <mode>', 'required: each plan has to be approved; of a deployed service (default: none)')
    .option('--window <cron>', "migrations begin within a window alone: when it opens, such as '0 22 * * SUN'")
    .option('--window-minutes <n>', 'how long the window stays open')
    .option('--window-zone <name>', 'its time zone, such as Europe/Berlin')
    .option(
      '--window-wait-hours <n>',
      'how long one that was begun waits for it, where it has closed meanwhile (default: 336)',
    )
    .option('--reason <text>', 'noted in the ledger');

const whereOptions = (command: Command): Command => {
  command
    .optionsGroup('Where:')
    .option('--sandbox <file>', 'run in a sandbox with the AWS accounts of that scenario file');
  backendOptions(command)
    .option('--seed <number>', "of a sandbox: every id and jitter follows from it (default: the scenario's)")
    .option('--clock <kind>', 'of a sandbox: virtual, real or scaled=X (default: virtual, also where somebody watches)')
    .option('--calls <file>', 'of a sandbox: write every API call to that file, one JSON document a line')
    .option(
      '--previous <file>',
      'of a sandbox: JSON report of an earlier sweep with the same selection, for the trend',
    );
  return outputOptions(command);
};

const reportOption = (command: Command): Command =>
  command.option(
    '--report <file>',
    'write the report there: .html, .json or .csv by its ending; may be given again',
    collect,
  );

/** A command about one sweep that there is. */
const knownOptions = (command: Command): Command =>
  outputOptions(
    backendOptions(
      command.argument('<sweep-id>', 'the id in the second line of what sweep prints').optionsGroup('Where:'),
    ).addOption(new Option('--sandbox <file>', 'the scenario that --state begins with').hideHelp()),
  );

/** What does the work is loaded once there is some: help and wrong flags answer at once. */
const work = () => import('./run.ts');

type Flags = Record<string, unknown>;

const addKnown = (sweep: Command, io: Io, finished: (exitCode: number) => void): void => {
  knownOptions(sweep.command('show').description('tell how a sweep went, or how far it has come'))
    .addHelpText('after', `\n${KNOWN_EXIT_CODES}`)
    .action(async (sweepId: string, flags: Flags) => {
      const parsed = parseKnownSweepFlags({ ...flags, sweepId }, 'show');
      finished(await (await work()).showSweepCommand(parsed, io));
    });
  for (const [command, [description, help]] of Object.entries(ASKED) as [
    keyof typeof ASKED,
    readonly [string, string],
  ][]) {
    knownOptions(sweep.command(command).description(description).option('--reason <text>', 'noted in the ledger'))
      .addHelpText('after', `\n${help}`)
      .action(async (sweepId: string, flags: Flags) => {
        const parsed = parseKnownSweepFlags({ ...flags, sweepId }, command);
        finished(await (await work()).askSweepCommand(command, parsed, io));
      });
  }
  knownOptions(reportOption(sweep.command('report').description('write the report of a sweep that is over')))
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
      'look at a fleet of clusters, plan what is ready, or migrate it in waves; with a command: about a sweep that there is',
    )
    .enablePositionalOptions()
    .optionsGroup('What to do:')
    .option(
      '--mode <name>',
      'inventory: only look; plan: plan what is ready, change nothing; migrate: migrate it in waves (required)',
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
    .option('--status <name>', 'that stand so: running, paused, stopping or ended')
    .option('--since <time>', 'started then or later, such as 2026-01-15 or 2026-01-15T09:00:00Z')
    .option('--until <time>', 'started before that time')
    .option('--limit <n>', `at most so many (default: ${LIMIT.usual})`);
  outputOptions(
    backendOptions(list.optionsGroup('Where:')).addOption(
      new Option('--sandbox <file>', 'the scenario that --state begins with').hideHelp(),
    ),
  )
    .addHelpText('after', `\n${LIST_EXIT_CODES}`)
    .action(async (flags: Flags) => {
      const parsed = parseSweepListFlags(flags);
      finished(await (await work()).listSweepsCommand(parsed, io));
    });
};
