/** `identities`: its flags and help. */
import type { Command } from 'commander';
import { outputOptions } from '../command-options.ts';
import type { Io } from '../io.ts';
import { EXAMPLE_SCENARIO, PROGRAM } from '../options.ts';
import { parseIdentitiesFlags } from './options.ts';

const HELP = `Examples:
  ${PROGRAM} identities --cluster reliability-dev --sandbox ${EXAMPLE_SCENARIO}
  ${PROGRAM} identities --cluster reliability-dev --deployed --region eu-west-1 --json | jq '.workloads[] | select(.identity == "irsa")'
  ${PROGRAM} identities --cluster reliability-dev --deployed --format mermaid > identities.mmd

It reads and changes nothing, with the operator's credentials in a sandbox, and with your own in AWS (AWS_PROFILE, AWS_REGION,
AWS_ENDPOINT_URL_...): it needs no deployed service. What it asks for: docs/identities.md.

Exit codes:
  0  all was read, whatever it says
  1  anything else
  2  bad input, or an unknown cluster
  3  these credentials may not read the pods; or not all of the rest, which is then told, and unknown`;

/** What does the work is loaded once there is some: help and wrong flags answer at once. */
const run = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseIdentitiesFlags(flags);
  const { identities } = await import('./identities.ts');
  return identities(parsed, io);
};

export const addIdentitiesCommand = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  const command = program
    .command('identities')
    .description(
      'say of every workload of a cluster how it gets its AWS credentials, and what stands in the way of Pod Identity',
    )
    .optionsGroup('What to look at:')
    .option('--cluster <name>', 'EKS cluster (required)')
    .option(
      '--account <id>',
      "AWS account; default: that of the scenario's only cluster of that name, or the caller's with --deployed",
    )
    .option('--region <name>', 'AWS region; default: likewise, or AWS_REGION with --deployed')
    .option('--namespace <name>', 'that namespace alone')
    .option(
      '--roles',
      'look through all roles of the account as well: which would let a service account in by IRSA that nothing gives them to?',
    )
    .optionsGroup('Where:')
    .option('--sandbox <file>', 'in a sandbox with the AWS accounts of that scenario file')
    .option('--state <file>', 'in the sandbox that is kept in that file')
    .option('--deployed', 'in AWS, or in what "sandbox" serves in another terminal');
  outputOptions(command)
    .option('--format <name>', 'table, mermaid or graphviz (default: table)')
    .addHelpText('after', `\n${HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await run(flags, io)));
};
