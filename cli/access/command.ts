/** `grant-access`: its flags and help. */
import type { Command } from 'commander';
import { collect, outputOptions } from '../command-options.ts';
import type { Io } from '../io.ts';
import { EXAMPLE_SCENARIO, PROGRAM } from '../options.ts';
import { GRANT_ACCESS, parseGrantFlags } from './options.ts';
import { ACCESS_VARIABLES } from './roles.ts';

const HELP = `The service reads pods, and what makes them, on the cluster's API server, and restarts the workloads there of what it migrates: add-ons,
or service accounts that are no add-on's (--service-account). This says what it needs for that, and gives it: an access entry for each
of its roles, with a Kubernetes group, and narrow RBAC objects for the groups. With --service-account alone no add-on is looked at.
Without --apply nothing is changed: the RBAC objects are printed as YAML on stdout, all else on stderr. See docs/kubernetes-access.md.

Examples:
  ${PROGRAM} ${GRANT_ACCESS} --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox ${EXAMPLE_SCENARIO}
  ${PROGRAM} ${GRANT_ACCESS} --cluster payments-prod --service-account payments/api --sandbox sandbox/scenarios/service-account-irsa.json
  ${PROGRAM} ${GRANT_ACCESS} --cluster reliability-dev --deployed | kubectl apply -f -
  ${PROGRAM} ${GRANT_ACCESS} --cluster reliability-dev --deployed --apply

It uses your own credentials. --apply makes and changes access entries (eks:CreateAccessEntry, eks:UpdateAccessEntry), and RBAC objects
with the rights of an administrator of the cluster, such as AmazonEKSClusterAdminPolicy. Nothing that others have put there is taken
away. A second run changes nothing; one without --annotation remove takes the right to a service account's annotation away again.

The roles of a deployed service (--deployed) are outputs of its stack, in these variables; "sandbox" prints them too:
  ${Object.values(ACCESS_VARIABLES)
    .map(({ variable }) => variable)
    .join(', ')}

Exit codes:
  0  done, or shown
  1  anything else; with --apply, what was done before is said
  2  bad input, an unknown cluster, add-on or service account
  3  refused: these credentials may not, the cluster takes no access entries, or something is in the way; nothing was changed`;

/** What does the work is loaded once there is some: help and wrong flags answer at once. */
const run = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseGrantFlags(flags);
  const { grantAccessCommand } = await import('./run.ts');
  return grantAccessCommand(parsed, io);
};

export const addAccessCommand = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  const command = program
    .command(GRANT_ACCESS)
    .description(
      "give the service the access to a cluster's API server that it needs, and no more; without --apply only show it",
    )
    .optionsGroup('What for:')
    .option('--cluster <name>', 'EKS cluster (required)')
    .option(
      '--addon <name>',
      'an add-on that shall be migrated; may be given again (default, without --service-account: all of the cluster that take EKS Pod Identity)',
      collect,
    )
    .option(
      '--service-account <namespace/name>',
      "a service account that is no add-on's and shall be migrated; may be given again",
      collect,
    )
    .option(
      '--annotation <mode>',
      'what its migration shall do with its IRSA annotation: keep, or remove, which takes the right to change that service account (default: keep)',
    )
    .option(
      '--account <id>',
      "AWS account; default: that of the scenario's only cluster of that name, or the caller's with --deployed",
    )
    .option('--region <name>', 'AWS region; default: likewise, or AWS_REGION with --deployed')
    .optionsGroup('How:')
    .option('--apply', 'do it; without this flag nothing is changed')
    .optionsGroup('Where:')
    .option('--sandbox <file>', 'in a sandbox with the AWS accounts of that scenario file')
    .option('--state <file>', 'in the sandbox that is kept in that file')
    .option('--deployed', 'in AWS, or in the sandbox that "sandbox" serves in another terminal');
  outputOptions(command)
    .addHelpText('after', `\n${HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await run(flags, io)));
};
