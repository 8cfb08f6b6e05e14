/** `trust check` and `trust repair`: their flags and help. */
import { Command } from 'commander';
import { collect, outputOptions } from '../command-options.ts';
import type { Io } from '../io.ts';
import { EXAMPLE_SCENARIO, PROGRAM } from '../options.ts';
import { parseTrustBatchFlags, parseTrustCheckFlags, parseTrustRepairFlags } from '../trust-options.ts';

const ROLE = 'arn:aws:iam::111122223333:role/reliability-dev-ebs-csi-driver-irsa-role';
const QUESTION =
  '--cluster-arn arn:aws:eks:eu-west-1:111122223333:cluster/reliability-dev --namespace kube-system --service-account ebs-csi-controller-sa';

const WHERE_HELP = `Without --sandbox and --state, --role-arn is read from IAM, with the AWS SDK's own credentials and endpoints (AWS_PROFILE,
AWS_ENDPOINT_URL_IAM). IRSA stays unknown without --oidc-issuer; a sandbox knows its cluster's own.`;

const CHECK_HELP = `Examples:
  ${PROGRAM} trust check --policy trust.json ${QUESTION}
  ${PROGRAM} trust check --role-arn ${ROLE} ${QUESTION} --sandbox ${EXAMPLE_SCENARIO}

${WHERE_HELP}

A batch: one JSON object a line, {"id", "policy", "roleArn", "clusterArn", "namespace", "serviceAccount", "oidcIssuer"?,
"disableSessionTags"?} with the policy as an object or as text. Each gets its line back, in the same order: {"id", "podIdentity",
"irsa"}; a line that can't be used gets {"id"?, "line", "error"}, and the rest goes on.

Exit codes, by the verdict for EKS Pod Identity alone (a role that IRSA can't use any more is as it should be after "retire"):
  0  allowed; of a batch: on every line
  1  anything else
  2  the policy is invalid, or bad input; of a batch: on any line
  3  denied or unknown; of a batch: on any line`;

const REPAIR_HELP = `It adds one statement, for this cluster and these service accounts alone, and only if the evaluation says that one is needed;
nothing that is there is changed. A Deny that stands in the way is explained, not removed.

  --policy    the repaired document goes to stdout, what was done to stderr; with --dry-run the change alone is shown
  --role-arn  it is written to the role, and read back; with --dry-run the change is shown. Nothing that somebody else
              writes meanwhile is overwritten

${WHERE_HELP}

Exit codes:
  0  repaired, or nothing to repair
  1  anything else
  2  the policy is invalid, or bad input
  3  refused, with why and what to do instead; nothing was changed`;

const policyOptions = (command: Command): Command =>
  command
    .optionsGroup('Which trust policy:')
    .option('--policy <file>', 'a file with the policy, JSON or as IAM answers it, URL-encoded; - for stdin')
    .option('--role-arn <arn>', 'the role that has it')
    .optionsGroup('For whom:')
    .option('--cluster-arn <arn>', 'the EKS cluster (required)')
    .option('--namespace <name>', 'the namespace of the service account (required)');

const howOptions = (command: Command): Command =>
  command
    .option('--oidc-issuer <url>', "the cluster's OIDC issuer, as aws eks describe-cluster tells it")
    .option('--disable-session-tags', 'the association has disableSessionTags: EKS sends no session tags')
    .option(
      '--accept-key <key>',
      'condition key whose value nobody knows beforehand, such as aws:SourceIp, and that will not stand in the way; may be given again',
      collect,
    );

const whereOptions = (command: Command): Command =>
  command
    .optionsGroup('Where:')
    .option('--sandbox <file>', 'read the role from the AWS accounts of that scenario file')
    .option('--state <file>', 'read it from the sandbox that is kept in that file');

/** What does the work is loaded once there is some: help and wrong flags answer at once. */
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

export const addTrustCommands = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  const trust = program
    .command('trust')
    .description(
      "evaluate a role's trust policy as IAM does, and repair it: see trust check --help and trust repair --help",
    );

  const check = policyOptions(
    trust
      .command('check')
      .description('may this service account use this role, by EKS Pod Identity and by IRSA, and why?'),
  );
  howOptions(check.option('--service-account <name>', 'the service account (required)'));
  outputOptions(
    whereOptions(
      check
        .optionsGroup('Many at once:')
        .option(
          '--batch <file>',
          'one question on each line of that file, - for stdin; in place of all of the above but --accept-key',
        ),
    ),
  )
    .addHelpText('after', `\n${CHECK_HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await runCheck(flags, io)));

  const repair = policyOptions(
    trust.command('repair').description('add the one statement that lets EKS Pod Identity in, where it is needed'),
  );
  howOptions(
    repair.option(
      '--service-account <name>',
      'the service account (required); may be given again for another of the namespace',
      collect,
    ),
  );
  outputOptions(whereOptions(repair.optionsGroup('How:').option('--dry-run', 'show the change, write nothing')))
    .addHelpText('after', `\n${REPAIR_HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await runRepair(flags, io)));
};
