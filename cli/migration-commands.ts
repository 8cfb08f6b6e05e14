/** Defines `plan`, `migrate` and `migrate-workload`: their flags and help. */
import type { Command } from 'commander';
import { collect, outputOptions, backendOptions, confirmOption } from './command-options.ts';
import { APPROVAL_HOURS, MOST_DURATION_MINUTES } from '../lambdas/domain/migration/request.ts';
import { EXIT_CODES_HELP } from './exit-codes.ts';
import type { Io } from './io.ts';
import { parseMigrationFlags, parseWorkloadFlags, WATCHING_SCALE, WORKLOAD_COMMAND } from './options.ts';

const DEPLOYED_HELP = `A deployed service (--deployed) is found through the outputs of its stack, in these variables; "sandbox" prints them too:
  POD_IDENTITY_API_URL: the service's API, which needs only the permission execute-api:Invoke; without it, direct calls, with
  POD_IDENTITY_STATE_MACHINE_ARN, POD_IDENTITY_RECOVER_STATE_MACHINE_ARN, POD_IDENTITY_TABLE_NAME
Credentials and endpoints come from the AWS SDK's configuration (AWS_PROFILE, AWS_ENDPOINT_URL_...).`;

const WORKLOAD_HELP = `Associates the service account with its role, restarts the Deployments, StatefulSets and DaemonSets that use it, one rolling
restart each, and verifies the new identity on every pod. A failure is rolled back. The pods must belong to such a workload. The
migration waits for pods of Jobs; other pods block it (see --verification api). Service accounts of add-ons are migrated with their add-on.`;

const targetOptions = (command: Command): Command =>
  command
    .option(
      '--account <id>',
      "AWS account (default: the account of the scenario's only cluster of that name, or the caller's account with --deployed)",
    )
    .option('--region <name>', 'AWS region (default: the region of that cluster, or AWS_REGION with --deployed)');

/** Adds the options on trust, verification and agent, which all migrations share. */
const safetyOptions = (command: Command): Command =>
  command
    .option(
      '--trust <mode>',
      "if a role's trust policy does not allow EKS Pod Identity: validate blocks the migration; repair first adds one statement, which a rollback removes (default: validate)",
    )
    .option(
      '--accept-key <key>',
      'accept a condition key of a trust policy whose value is not known beforehand, such as aws:SourceIp; may be repeated',
      collect,
    )
    .option(
      '--verification <mode>',
      'injected: require that the webhook has put the credentials configuration of EKS Pod Identity into every pod that counts; api: for clusters whose pods the service may not read, rely on what EKS reports and check no pod (default: injected)',
    )
    .option(
      '--agent <mode>',
      'if the cluster has no Pod Identity agent: require blocks the migration; install first installs the add-on eks-pod-identity-agent, which stays (default: require)',
    )
    .option(
      '--max-duration-minutes <n>',
      `block a plan whose forecast is longer, 1 to ${MOST_DURATION_MINUTES} minutes; a running migration is not stopped (default: ${MOST_DURATION_MINUTES}, a week)`,
    )
    .option('--reason <text>', 'reason, recorded in the ledger')
    .option('--dry-run', 'only plan, change nothing');

/** Adds the options on what a change waits for. A plan changes nothing and waits for nothing. */
const waitOptions = (command: Command): Command =>
  confirmOption(command)
    .optionsGroup('When:')
    .option(
      '--approval <mode>',
      'required: wait until the plan is approved; none: wait only if the deployment requires an approval for every change (default: none)',
    )
    .option(
      '--approval-hours <n>',
      `how long to wait for the approval, ${APPROVAL_HOURS.least} to ${APPROVAL_HOURS.most} hours, before the migration ends blocked (default: ${APPROVAL_HOURS.usual})`,
    )
    .option(
      '--window <cron>',
      "begin the change only within a change window: when it opens, as five cron fields such as '0 22 * * SUN' (default: the deployment's window, if it has one)",
    )
    .option('--window-minutes <n>', 'how long the window stays open, in minutes')
    .option('--window-zone <name>', 'time zone of the window, such as Europe/Berlin')
    .option(
      '--window-wait-hours <n>',
      'how long to wait for the window before the migration ends blocked (default: 336, two weeks)',
    )
    .option('--approve-as <name>', 'in the embedded sandbox: approve the plan as that principal, as a rehearsal');

const whereOptions = (command: Command): Command => {
  command
    .optionsGroup('Where:')
    .option('--sandbox <file>', 'run in a sandbox with the AWS accounts of that scenario file');
  backendOptions(command)
    .option('--seed <number>', "in a sandbox: seed of all ids and jitter (default: the scenario's)")
    .option(
      '--clock <kind>',
      `in a sandbox: virtual, real or scaled=X (default: virtual; scaled=${WATCHING_SCALE} for a migration on a terminal)`,
    )
    .option('--calls <file>', 'in a sandbox: write every API call to that file, one JSON document per line');
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
      'auto: the strategy with the least disruption, then the next one if the pods do not get the new identity; in-place: update the add-on, its pods roll; recreate: delete it and create it again, its pods are gone in between unless --preserve (default: auto)',
    )
    .option(
      '--max-disruption <limit>',
      'disruption to allow. rolling: pods roll, and enough of them stay ready; outage: pods may be gone for a while (default: rolling with auto, otherwise what the strategy needs)',
    )
    .option(
      '--preserve',
      'if the add-on is deleted, keep its pods running; they roll once it is created again. With auto: exclude strategies without preserve',
    )
    .option(
      '--resolve-conflicts <mode>',
      "what to do with fields of the add-on's objects that another field manager has changed. PRESERVE: keep them (in place); NONE: fail on a conflict, and roll back; OVERWRITE: reset them, including those of pods (default: PRESERVE in place, otherwise NONE)",
    )
    .option('--role-arn <arn>', 'IAM role for all its service accounts (default: the current role of the add-on)')
    .option(
      '--role <service-account=arn>',
      'IAM role for the pods of one service account; may be repeated, takes precedence over --role-arn. A service account that has the role of the add-on, but for which the add-on supports no association, gets a standalone association',
      collect,
    )
    .option(
      '--accept-identity-loss <service-account>',
      "allow a service account that has the add-on's role and gets no association to fall back to the node role; may be repeated",
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
    .option('--service-account <name>', 'service account whose pods to migrate (required)');
  targetOptions(command)
    .optionsGroup('How:')
    .option(
      '--annotation <mode>',
      'what to do with its annotation eks.amazonaws.com/role-arn once the pods are verified. keep: it stays, without effect while the association exists; remove: delete it (default: keep)',
    )
    .option(
      '--max-disruption <limit>',
      'disruption to allow. rolling: block if a restart leaves a workload briefly without pods (strategy Recreate, a StatefulSet with one replica); outage: allow that (default: warn)',
    )
    .option('--role-arn <arn>', 'IAM role for its pods (default: the role in its annotation)');
  return whereOptions(waitOptions(safetyOptions(command))).addHelpText(
    'after',
    `\n${WORKLOAD_HELP}\n\n${DEPLOYED_HELP}\n\n${EXIT_CODES_HELP}`,
  );
};

/** Loads the SDK and the sandbox only when there is something to run, so that help and wrong flags are fast. */
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
  addonOptions(program.command('plan').description('show what a migration would do, run its checks, change nothing'), {
    waits: false,
  }).action(async (flags: Record<string, unknown>) => finished(await runMigrate(flags, 'plan', io)));
  addonOptions(
    program.command('migrate').description('migrate an add-on: plan, change and verify, and roll back on failure'),
    {
      waits: true,
    },
  ).action(async (flags: Record<string, unknown>) => finished(await runMigrate(flags, 'migrate', io)));
  workloadOptions(
    program.command(WORKLOAD_COMMAND).description('migrate the pods of a service account that belongs to no add-on'),
  ).action(async (flags: Record<string, unknown>) => finished(await runWorkload(flags, io)));
};
