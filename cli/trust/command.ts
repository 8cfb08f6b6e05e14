/** Defines `trust check`, `trust repair` and `trust target-role`: their flags and help. */
import { Command } from 'commander';
import { acceptOption, collect, confirmOption, outputOptions } from '../command-options.ts';
import type { Io } from '../io.ts';
import { EXAMPLE_SCENARIO, PROGRAM } from '../options.ts';
import {
  parseTrustBatchFlags,
  parseTrustCheckFlags,
  parseTrustRepairFlags,
  parseTrustTargetRoleFlags,
} from './options.ts';

const ROLE = 'arn:aws:iam::111122223333:role/reliability-dev-ebs-csi-driver-irsa-role';
const QUESTION =
  '--cluster-arn arn:aws:eks:eu-west-1:111122223333:cluster/reliability-dev --namespace kube-system --service-account ebs-csi-controller-sa';

const WHERE_HELP = `Without --sandbox and --state, --role-arn is read from IAM, with credentials and endpoints of the AWS SDK (AWS_PROFILE,
AWS_ENDPOINT_URL_IAM). IRSA stays unknown without --oidc-issuer; a sandbox knows the issuer of its cluster.`;

const CHECK_HELP = `Examples:
  ${PROGRAM} trust check --policy trust.json ${QUESTION}
  ${PROGRAM} trust check --role-arn ${ROLE} ${QUESTION} --sandbox ${EXAMPLE_SCENARIO}

${WHERE_HELP}

With --batch, each line is one JSON object, {"id", "policy", "roleArn", "clusterArn", "namespace", "serviceAccount", "oidcIssuer"?,
"disableSessionTags"?}, with the policy as an object or as text. Each line gets one answer, in the same order: {"id", "podIdentity",
"irsa"}; an unusable line gets {"id"?, "line", "error"}, and the others are still answered.

Exit codes, by the verdict for EKS Pod Identity only (after "retire", IRSA is expected to be denied):
  0  allowed; in a batch, on every line
  1  any other failure
  2  the policy is invalid, or bad input; in a batch, on any line
  3  denied or unknown; in a batch, on any line`;

const REPAIR_HELP = `Adds one statement, only for this cluster and these service accounts, and only if the evaluation shows that it is needed;
existing statements are not changed. A conflicting Deny is explained, not removed.

  --policy    prints the repaired document on stdout and a summary on stderr; with --dry-run, shows only the change
  --role-arn  writes the policy to the role and reads it back; with --dry-run, shows the change. A concurrent change by
              another principal is never overwritten

${WHERE_HELP}

Exit codes:
  0  repaired, or nothing to repair
  1  any other failure, or the question was answered with no
  2  the policy is invalid, or bad input
  3  refused, with the reason and a remedy; nothing was changed`;

const TARGET_ROLE_HELP = `EKS Pod Identity gives a service account a role of the cluster's account only. That role may assume a role of another account,
the target role. This command prints both roles' policies and the commands that create everything, each evaluated as IAM
does. It calls nothing and changes nothing.

Example:
  ${PROGRAM} trust target-role --role-arn arn:aws:iam::444455556666:role/report-archive \\
      --cluster-arn arn:aws:eks:eu-west-1:111122223333:cluster/reports-prod --namespace reports --service-account export

Exit codes:
  0  printed
  1  any other failure
  2  the policy is invalid, or bad input
  3  refused: a Deny in the policy of --policy would still apply`;

const policyOptions = (command: Command): Command =>
  command
    .optionsGroup('Which trust policy:')
    .option('--policy <file>', 'file with the policy, as JSON or URL-encoded as IAM returns it; - for stdin')
    .option('--role-arn <arn>', 'role with the policy')
    .optionsGroup('For which service account:')
    .option('--cluster-arn <arn>', 'EKS cluster (required)')
    .option('--namespace <name>', 'namespace of the service account (required)');

const howOptions = (command: Command): Command =>
  acceptOption(command, 'trust-policy')
    .option('--oidc-issuer <url>', 'OIDC issuer of the cluster, as aws eks describe-cluster shows it')
    .option('--disable-session-tags', 'the association has disableSessionTags: EKS sends no session tags');

const whereOptions = (command: Command): Command =>
  command
    .optionsGroup('Where:')
    .option('--sandbox <file>', 'read the role from the AWS accounts of that scenario file')
    .option('--state <file>', 'read the role from the sandbox that is kept in that file');

/** Loads the implementation only when it is needed, so that help and wrong flags are fast. */
const runCheck = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  if (flags['batch'] === undefined) {
    const parsed = parseTrustCheckFlags(flags);
    const { trustCheck } = await import('./check.ts');
    return trustCheck(parsed, io);
  }
  const parsed = parseTrustBatchFlags(flags);
  const { trustCheckBatch } = await import('./batch.ts');
  return trustCheckBatch(parsed, io);
};

const runRepair = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseTrustRepairFlags(flags);
  const { trustRepair } = await import('./repair.ts');
  return trustRepair(parsed, io);
};

const runTargetRole = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseTrustTargetRoleFlags(flags);
  const { trustTargetRole } = await import('./target-role.ts');
  return trustTargetRole(parsed, io);
};

const addTargetRoleCommand = (trust: Command, io: Io, finished: (exitCode: number) => void): void => {
  const command = trust
    .command('target-role')
    .description('print what pods need to use a role of another account through EKS Pod Identity')
    .option('--role-arn <arn>', 'the role of the other account (required)')
    .option('--cluster-arn <arn>', 'EKS cluster (required)')
    .option('--namespace <name>', 'namespace of the service account (required)')
    .option('--service-account <name>', 'service account (required)')
    .option(
      '--base-role-name <name>',
      "name of the new role in the cluster's account (default: by the service account)",
    )
    .option('--policy <file>', "file with the role's current trust policy, as JSON; - for stdin");
  outputOptions(command)
    .addHelpText('after', `\n${TARGET_ROLE_HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await runTargetRole(flags, io)));
};

export const addTrustCommands = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  const trust = program
    .command('trust')
    .description(
      "evaluate a role's trust policy as IAM does, repair it, or set up a role of another account: see trust --help",
    );

  const check = policyOptions(
    trust
      .command('check')
      .description('check whether a service account may use a role through EKS Pod Identity and IRSA, and why'),
  );
  howOptions(check.option('--service-account <name>', 'service account (required)'));
  outputOptions(
    whereOptions(
      check
        .optionsGroup('In a batch:')
        .option(
          '--batch <file>',
          'read one question per line of that file (- for stdin), instead of all of the above except --accept',
        ),
    ),
  )
    .addHelpText('after', `\n${CHECK_HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await runCheck(flags, io)));

  const repair = policyOptions(
    trust.command('repair').description('add the one statement that allows EKS Pod Identity, if it is needed'),
  );
  howOptions(
    repair.option(
      '--service-account <name>',
      'service account (required); may be repeated for others in the namespace',
      collect,
    ),
  );
  outputOptions(
    whereOptions(confirmOption(repair.optionsGroup('How:').option('--dry-run', 'show the change, write nothing'))),
  )
    .addHelpText('after', `\n${REPAIR_HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await runRepair(flags, io)));
  addTargetRoleCommand(trust, io, finished);
};
