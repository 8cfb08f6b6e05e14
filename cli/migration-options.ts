/** Options that the commands about one migration share, in commander's form. */
import type { Command } from 'commander';
import type { Use } from '../lambdas/domain/acceptance/kinds.ts';
import { OWNER_TOOLS } from '../lambdas/domain/owners/model.ts';
import { MOST_DURATION_MINUTES } from '../lambdas/domain/request/request.ts';
import { acceptOption, backendOptions, collect, outputOptions } from './command-options.ts';
import { WATCHING_SCALE } from './options.ts';

export const DEPLOYED_HELP = `A deployed service (--deployed) is found by the outputs of its stack (--stack), or by these variables, which take precedence:
  POD_IDENTITY_API_URL: the service's API, which needs only the permission execute-api:Invoke; without it, direct calls, with
  POD_IDENTITY_STATE_MACHINE_ARN, POD_IDENTITY_RECOVER_STATE_MACHINE_ARN, POD_IDENTITY_TABLE_NAME
Credentials and endpoints come from the AWS SDK's configuration (AWS_PROFILE, AWS_ENDPOINT_URL_...).`;

/** Adds the account and the region of the cluster. */
export const targetOptions = (command: Command): Command =>
  command
    .option(
      '--account <id>',
      "AWS account (default: the account of the scenario's only cluster of that name, or the caller's account with --deployed)",
    )
    .option('--region <name>', 'AWS region (default: the region of that cluster, or AWS_REGION with --deployed)');

/** The same for commands that read AWS with the caller's own credentials. */
export const readTargetOptions = (command: Command): Command =>
  command
    .option(
      '--account <id>',
      "AWS account (default: the account of the scenario's only cluster of that name, or the account of the credentials)",
    )
    .option(
      '--region <name>',
      'AWS region (default: the region of that cluster, or AWS_REGION, or that of the profile)',
    );

/** Adds the options on trust, verification and agent, which all migrations share. */
export const safetyOptions = (command: Command, use: Use): Command =>
  acceptOption(command, use)
    .option(
      '--trust <mode>',
      "if a role's trust policy does not allow EKS Pod Identity: validate blocks the migration; repair first adds one statement, which a rollback removes (default: validate)",
    )
    .option(
      '--iac <tool>',
      `tool whose code defines what is migrated, where nothing shows it: ${OWNER_TOOLS.join(', ')}`,
    )
    .option(
      '--verification <level>',
      'ready: require that every pod that counts has the credentials configuration of EKS Pod Identity and stays ready for a settling time; injected: the configuration alone; api: for clusters whose pods the service may not read, rely on what EKS reports and check no pod (default: ready)',
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

export const whereOptions = (command: Command): Command => {
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

/** Adds the options that only the migration of an add-on has. */
export const addonHowOptions = (command: Command): Command =>
  command
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
    );
