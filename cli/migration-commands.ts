/** Defines `migrate` and `migrate-workload`: their flags and help. */
import type { Command } from 'commander';
import { confirmOption } from './command-options.ts';
import { APPROVAL_HOURS } from '../lambdas/domain/request/request.ts';
import { EXIT_CODES_HELP } from './exit-codes.ts';
import type { Io } from './io.ts';
import { addonHowOptions, DEPLOYED_HELP, safetyOptions, targetOptions, whereOptions } from './migration-options.ts';
import { addPlanCommand } from './plan/command.ts';
import { parseMigrationFlags, parseWorkloadFlags, WORKLOAD_COMMAND } from './options.ts';

const WORKLOAD_HELP = `Associates the service account with its role, restarts the Deployments, StatefulSets and DaemonSets that use it, one rolling
restart each, and verifies the new identity on every pod. A failure is rolled back. The pods must belong to such a workload. Pods
of Jobs keep the old identity until they end; other pods block it (see --verification api). Service accounts of add-ons are migrated with their
add-on.`;

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

const addonOptions = (command: Command): Command => {
  command
    .optionsGroup('What to migrate:')
    .option('--cluster <name>', 'EKS cluster (required)')
    .option('--addon <name>', 'add-on, such as aws-ebs-csi-driver (required)');
  addonHowOptions(targetOptions(command).optionsGroup('How:'));
  safetyOptions(command, 'add-on');
  return whereOptions(waitOptions(command)).addHelpText('after', `\n${DEPLOYED_HELP}\n\n${EXIT_CODES_HELP}`);
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
  return whereOptions(waitOptions(safetyOptions(command, 'service-account'))).addHelpText(
    'after',
    `\n${WORKLOAD_HELP}\n\n${DEPLOYED_HELP}\n\n${EXIT_CODES_HELP}`,
  );
};

/** Loads the SDK and the sandbox only when there is something to run, so that help and wrong flags are fast. */
const runMigrate = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseMigrationFlags(flags, 'migrate');
  const { migrate } = await import('./migrate.ts');
  return migrate(parsed, io);
};

const runWorkload = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseWorkloadFlags(flags);
  const { migrateWorkload } = await import('./migrate.ts');
  return migrateWorkload(parsed, io);
};

export const addMigrationCommands = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  addPlanCommand(program, io, finished);
  addonOptions(
    program.command('migrate').description('migrate an add-on: plan, change and verify, and roll back on failure'),
  ).action(async (flags: Record<string, unknown>) => finished(await runMigrate(flags, io)));
  workloadOptions(
    program.command(WORKLOAD_COMMAND).description('migrate the pods of a service account that belongs to no add-on'),
  ).action(async (flags: Record<string, unknown>) => finished(await runWorkload(flags, io)));
};
