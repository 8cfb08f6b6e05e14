/** Defines `grant-access`: its flags and help. */
import type { Command } from 'commander';
import { collect, confirmOption, outputOptions } from '../command-options.ts';
import { stackOptions } from '../stack-options.ts';
import type { Io } from '../io.ts';
import { EXAMPLE_SCENARIO, PROGRAM, WORKLOAD_SCENARIO } from '../options.ts';
import { GRANT_ACCESS, parseGrantFlags } from '../cluster-access/options.ts';
import { ACCESS_VARIABLES } from '../service-roles.ts';

const HELP = `The service reads pods and their controllers from the cluster's API server, and restarts the workloads of what it migrates: add-ons,
or service accounts that belong to no add-on (--service-account). This command shows and grants the access needed: an access entry for
each of its roles, with a Kubernetes group, and narrow RBAC objects for the groups. With only --service-account, add-ons are ignored.
Without --apply, nothing is changed: the RBAC objects are printed as YAML on stdout, the rest on stderr. See docs/kubernetes-access.md.

Examples:
  ${PROGRAM} ${GRANT_ACCESS} --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox ${EXAMPLE_SCENARIO}
  ${PROGRAM} ${GRANT_ACCESS} --cluster payments-prod --service-account payments/api --sandbox ${WORKLOAD_SCENARIO}
  ${PROGRAM} ${GRANT_ACCESS} --cluster reliability-dev --deployed | kubectl apply -f -
  ${PROGRAM} ${GRANT_ACCESS} --cluster reliability-dev --deployed --apply

Your own credentials are used. --apply creates and updates access entries (eks:CreateAccessEntry, eks:UpdateAccessEntry) and RBAC objects,
which needs an administrator of the cluster, for example with AmazonEKSClusterAdminPolicy. No third-party access is removed. A second
run changes nothing; a run without --annotation remove revokes the permission to change a service account's annotation.

The roles of a deployed service (--deployed) are outputs of its stack, in these variables; "sandbox" prints them too:
  ${Object.values(ACCESS_VARIABLES)
    .map(({ variable }) => variable)
    .join(', ')}

Exit codes:
  0  done, or shown
  1  any other failure; with --apply, the changes already made are listed
  2  bad input, an unknown cluster, add-on or service account
  3  refused: missing permissions, a cluster without access entries, or a conflict; nothing was changed`;

/** Loads the implementation only when it is needed, so that help and wrong flags are fast. */
const run = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseGrantFlags(flags);
  const { grantAccessCommand } = await import('./run.ts');
  return grantAccessCommand(parsed, io);
};

export const addAccessCommand = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  const command = program
    .command(GRANT_ACCESS)
    .description("grant the service the access that it needs to a cluster's API server; without --apply, only show it")
    .optionsGroup('What to migrate:')
    .option('--cluster <name>', 'EKS cluster (required)')
    .option(
      '--addon <name>',
      'add-on to migrate; may be repeated (default without --service-account: all add-ons of the cluster that support EKS Pod Identity)',
      collect,
    )
    .option(
      '--service-account <namespace/name>',
      'service account to migrate that belongs to no add-on; may be repeated',
      collect,
    )
    .option(
      '--annotation <mode>',
      'what the migration does with the IRSA annotation: keep, or remove, which needs the permission to change that service account (default: keep)',
    )
    .option(
      '--account <id>',
      "AWS account (default: the account of the scenario's only cluster of that name, or the caller's account with --deployed)",
    )
    .option('--region <name>', 'AWS region (default: the region of that cluster, or AWS_REGION with --deployed)')
    .optionsGroup('How:')
    .option('--apply', 'apply the change; without this option, nothing is changed');
  confirmOption(command)
    .optionsGroup('Where:')
    .option('--sandbox <file>', 'in a sandbox with the AWS accounts of that scenario file')
    .option('--state <file>', 'in the sandbox that is kept in that file')
    .option('--deployed', 'in AWS, or in the sandbox that "sandbox" serves in another terminal');
  outputOptions(stackOptions(command))
    .addHelpText('after', `\n${HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await run(flags, io)));
};
