/** Defines `plan`: its flags and help. */
import type { Command } from 'commander';
import { formatOption } from '../hand-off/command.ts';
import type { Io } from '../io.ts';
import { addonHowOptions, safetyOptions, targetOptions, whereOptions } from '../migration-options.ts';
import { EXAMPLE_SCENARIO, PROGRAM } from '../options.ts';
import { parsePlanFlags } from './options.ts';

const HELP = `Examples:
  ${PROGRAM} plan --cluster reliability-dev
  ${PROGRAM} plan --cluster reliability-dev --addon aws-ebs-csi-driver
  ${PROGRAM} plan --cluster reliability-dev --addon aws-ebs-csi-driver --hand-off --format terraform
  ${PROGRAM} plan --cluster payments-prod --namespace payments --service-account api
  ${PROGRAM} plan --cluster reliability-dev --output markdown >> "$GITHUB_STEP_SUMMARY"
  ${PROGRAM} plan --cluster reliability-dev --sandbox ${EXAMPLE_SCENARIO}

Without --sandbox, --state or --deployed, the plan is made here, with your own credentials as the AWS CLI finds them
(--profile, AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL...). It needs no deployed service, and nothing is written anywhere.
docs/plan.md lists the permissions that it needs, and what it cannot know. With --deployed, the deployed service makes the
plan of an add-on or a service account; the plan of a cluster is always made here.

Exit codes:
  0  planned, or nothing to do; for a cluster: nothing is blocked, and everything was read
  1  any other failure
  2  bad input, or no valid credentials
  3  blocked; for a cluster: something is blocked, or could not be read. --output json is complete in both cases`;

/** Loads the implementation only when it is needed, so that help and wrong flags are fast. */
const run = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parsePlanFlags(flags);
  const { plan } = await import('./plan.ts');
  return plan(parsed, io);
};

export const addPlanCommand = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  const command = program
    .command('plan')
    .description(
      'show what a migration would do, of an add-on, a service account or a whole cluster; run its checks, change nothing',
    )
    .optionsGroup('What to plan:')
    .option('--cluster <name>', 'EKS cluster (required)')
    .option('--addon <name>', 'add-on, such as aws-ebs-csi-driver (default: all of them, and all service accounts)')
    .option(
      '--namespace <name>',
      'namespace of --service-account; without it, only the service accounts of that namespace',
    )
    .option('--service-account <name>', 'service account that belongs to no add-on');
  addonHowOptions(targetOptions(command).optionsGroup('How (an add-on):'));
  safetyOptions(
    command
      .optionsGroup('How (a service account):')
      .option('--annotation <mode>', 'keep or remove its annotation eks.amazonaws.com/role-arn (default: keep)')
      .optionsGroup('How:'),
    'add-on',
  );
  formatOption(
    whereOptions(command)
      .optionsGroup('Output:')
      .option(
        '--hand-off',
        'after the plan, print what the code that defines it must contain after the migration (docs/hand-off.md)',
      ),
    'with --hand-off: ',
  )
    .option('--output <format>', 'table, json or yaml; markdown for a cluster (default: table)')
    .addHelpText('after', `\n${HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await run(flags, io)));
};
