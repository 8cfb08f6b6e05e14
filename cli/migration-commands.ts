/** `plan`, `migrate` and `migrate-workload`: their flags and help. */
import type { Command } from 'commander';
import { collect, outputOptions, backendOptions } from './command-options.ts';
import { APPROVAL_HOURS, MOST_DURATION_MINUTES } from '../lambdas/domain/migration/request.ts';
import { EXIT_CODES_HELP } from './exit-codes.ts';
import type { Io } from './io.ts';
import { parseMigrationFlags, parseWorkloadFlags, WATCHING_SCALE, WORKLOAD_COMMAND } from './options.ts';

const DEPLOYED_HELP = `A deployed service (--deployed) is found by the outputs of its stack, in these variables; "sandbox" prints them too:
  POD_IDENTITY_API_URL: by its API, with the right execute-api:Invoke and no other; without it by direct calls, which need
  POD_IDENTITY_STATE_MACHINE_ARN, POD_IDENTITY_RECOVER_STATE_MACHINE_ARN, POD_IDENTITY_TABLE_NAME
Credentials and endpoints are the AWS SDK's own (AWS_PROFILE, AWS_ENDPOINT_URL_...).`;

const WORKLOAD_HELP = `It associates the service account with its role, restarts the Deployments, StatefulSets and DaemonSets that run with it, one rolling
restart each, and verifies the new identity on every pod. What fails is put back. The pods must be ones that such a workload makes again:
those of Jobs are waited for, all others block (see --verification api). Service accounts of add-ons are migrated with their add-on.`;

const targetOptions = (command: Command): Command =>
  command
    .option(
      '--account <id>',
      "AWS account; default: that of the scenario's only cluster of that name, or the caller's with --deployed",
    )
    .option('--region <name>', 'AWS region; default: likewise, or AWS_REGION with --deployed');

/** Trust, proof and agent: the same whatever migrates. */
const safetyOptions = (command: Command): Command =>
  command
    .option(
      '--trust <mode>',
      "a role's trust policy that does not let EKS Pod Identity in. validate: it blocks the migration; repair: one statement is added first, and taken out again by a rollback (default: validate)",
    )
    .option(
      '--accept-key <key>',
      'condition key of a trust policy whose value nobody knows beforehand, such as aws:SourceIp, and that will not stand in the way; may be given again',
      collect,
    )
    .option(
      '--verification <mode>',
      'injected: migrated means that the webhook has put the credentials configuration of EKS Pod Identity into every pod that counts; api: where nobody may look at the pods, what EKS says is taken, and no pod is seen (default: injected)',
    )
    .option(
      '--agent <mode>',
      'a cluster without the Pod Identity agent. require: it blocks the migration; install: the add-on eks-pod-identity-agent is installed first, and stays (default: require)',
    )
    .option(
      '--max-duration-minutes <n>',
      `a plan whose forecast is longer blocks, 1 to ${MOST_DURATION_MINUTES} minutes; a migration that takes longer than its forecast goes on (default: ${MOST_DURATION_MINUTES}, a week)`,
    )
    .option('--reason <text>', 'noted in the ledger')
    .option('--dry-run', 'plan only, change nothing');

/** What a change waits for; a plan changes nothing, and waits for nothing. */
const waitOptions = (command: Command): Command =>
  command
    .optionsGroup('When:')
    .option(
      '--approval <mode>',
      'required: it waits until somebody has approved its plan; none: it does so only where the deployment wants it of every change (default: none)',
    )
    .option(
      '--approval-hours <n>',
      `how long it waits for that, ${APPROVAL_HOURS.least} to ${APPROVAL_HOURS.most} hours; then it ends blocked (default: ${APPROVAL_HOURS.usual})`,
    )
    .option(
      '--window <cron>',
      "the change begins within a window alone: when it opens, five fields of cron such as '0 22 * * SUN' (default: the deployment's window, where it has one)",
    )
    .option('--window-minutes <n>', 'how long the window stays open')
    .option('--window-zone <name>', 'its time zone, such as Europe/Berlin')
    .option(
      '--window-wait-hours <n>',
      'how long it waits for the window; then it ends blocked (default: 336, two weeks)',
    )
    .option('--approve-as <name>', 'of a sandbox of this program: approve the plan as that principal, to rehearse it');

const whereOptions = (command: Command): Command => {
  command
    .optionsGroup('Where:')
    .option('--sandbox <file>', 'run in a sandbox with the AWS accounts of that scenario file');
  backendOptions(command)
    .option('--seed <number>', "of a sandbox: every id and jitter follows from it (default: the scenario's)")
    .option(
      '--clock <kind>',
      `of a sandbox: virtual, real or scaled=X (default: virtual; scaled=${WATCHING_SCALE} for a migration on a terminal)`,
    )
    .option('--calls <file>', 'of a sandbox: write every API call to that file, one JSON document a line');
  return outputOptions(command);
};

const addonOptions = (command: Command, { waits }: { waits: boolean }): Command => {
  command
    .optionsGroup('What to migrate:')
    .option('--cluster <name>', 'EKS cluster (required)')
    .option('--addon <name>', 'add-on, such as aws-ebs-csi-driver (required)');
  targetOptions(command)
    .optionsGroup('How:')
    .option(
      '--strategy <name>',
      'auto: the way that disturbs least, then the next one where the pods do not take the new identity; in-place: update the add-on, its pods roll; recreate: delete it and create it again, its pods are gone in between unless --preserve (default: auto)',
    )
    .option(
      '--max-disruption <limit>',
      'how far it may go. rolling: pods roll, enough of them stay ready; outage: pods may be gone for a while (default: rolling with auto, else what the strategy takes)',
    )
    .option(
      '--preserve',
      'where the add-on is deleted, keep its pods running meanwhile; they roll once it is back. With auto: no way without',
    )
    .option(
      '--resolve-conflicts <mode>',
      "fields of the add-on's objects that others have changed. PRESERVE: they stay (in place); NONE: a create that meets one fails, and is rolled back; OVERWRITE: they are reset, pods included (default: PRESERVE in place, else NONE)",
    )
    .option('--role-arn <arn>', 'IAM role for all its service accounts; default: the role that the add-on has now')
    .option(
      '--role <service-account=arn>',
      'IAM role for the pods of one service account; may be given again for another, goes before --role-arn. One that the add-on takes no association for gets a standalone association, if it has the role of the add-on now',
      collect,
    )
    .option(
      '--accept-identity-loss <service-account>',
      "a service account that has the add-on's role, gets no association, and may fall back to the node role; may be given again for another",
      collect,
    );
  safetyOptions(command);
  return whereOptions(waits ? waitOptions(command) : command).addHelpText(
    'after',
    `\n${DEPLOYED_HELP}\n\n${EXIT_CODES_HELP}`,
  );
};

const workloadOptions = (command: Command): Command => {
  command
    .optionsGroup('What to migrate:')
    .option('--cluster <name>', 'EKS cluster (required)')
    .option('--namespace <name>', 'namespace of the service account (required)')
    .option('--service-account <name>', 'service account whose pods shall move (required)');
  targetOptions(command)
    .optionsGroup('How:')
    .option(
      '--annotation <mode>',
      'its annotation eks.amazonaws.com/role-arn, once the pods are verified. keep: it stays, and does nothing as long as there is an association; remove: it is taken off (default: keep)',
    )
    .option(
      '--max-disruption <limit>',
      'rolling: a workload whose pods would all be gone for a moment in a restart (strategy Recreate, a StatefulSet of one) blocks; outage: it does not (default: it is a warning)',
    )
    .option('--role-arn <arn>', 'IAM role for its pods; default: the one that its annotation names');
  return whereOptions(waitOptions(safetyOptions(command))).addHelpText(
    'after',
    `\n${WORKLOAD_HELP}\n\n${DEPLOYED_HELP}\n\n${EXIT_CODES_HELP}`,
  );
};

/** The SDK and the sandbox are loaded once there is something to run: help and wrong flags answer at once. */
const runMigrate = async (flags: Record<string, unknown>, command: 'plan' | 'migrate', io: Io): Promise<number> => {
  const parsed = parseMigrationFlags(flags, command);
  const { migrate } = await import('./migrate.ts');
  return migrate(command === 'plan' ? { ...parsed, dryRun: true } : parsed, io);
};

const runWorkload = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseWorkloadFlags(flags);
  const { migrateWorkload } = await import('./migrate.ts');
  return migrateWorkload(parsed, io);
};

export const addMigrationCommands = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  addonOptions(
    program.command('plan').description('say what a migration would do, check that it can be done, change nothing'),
    { waits: false },
  ).action(async (flags: Record<string, unknown>) => finished(await runMigrate(flags, 'plan', io)));
  addonOptions(program.command('migrate').description('plan, change, verify, and go back if it fails'), {
    waits: true,
  }).action(async (flags: Record<string, unknown>) => finished(await runMigrate(flags, 'migrate', io)));
  workloadOptions(
    program
      .command(WORKLOAD_COMMAND)
      .description("migrate the pods of a service account that is no add-on's, as migrate does an add-on's"),
  ).action(async (flags: Record<string, unknown>) => finished(await runWorkload(flags, io)));
};
