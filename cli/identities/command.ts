/** Defines `identities`: its flags and help. */
import type { Command } from 'commander';
import { outputOptions } from '../command-options.ts';
import type { Io } from '../io.ts';
import { readTargetOptions } from '../migration-options.ts';
import { EXAMPLE_SCENARIO, PROGRAM } from '../options.ts';
import { parseIdentitiesFlags } from './options.ts';

const HELP = `Examples:
  ${PROGRAM} identities --cluster reliability-dev --sandbox ${EXAMPLE_SCENARIO}
  ${PROGRAM} identities --cluster reliability-dev --region eu-west-1 --json | jq '.workloads[] | select(.identity == "irsa")'
  ${PROGRAM} identities --cluster reliability-dev --format mermaid > identities.mmd

This command only reads: with your own credentials in AWS (--profile, AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL...), and
with the operator's in a sandbox. It needs no deployed service. docs/identities.md lists the permissions that it needs.

Exit codes:
  0  everything was read, regardless of the result
  1  any other failure
  2  bad input, an unknown cluster, or no valid credentials
  3  these credentials do not allow reading the pods, or some of the rest, which is then reported as unknown`;

/** Loads the implementation only when it is needed, so that help and wrong flags are fast. */
const run = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseIdentitiesFlags(flags);
  const { identities } = await import('./identities.ts');
  return identities(parsed, io);
};

export const addIdentitiesCommand = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  const command = program
    .command('identities')
    .description('show how each workload of a cluster gets its AWS credentials, and what blocks Pod Identity')
    .optionsGroup('What to read:')
    .option('--cluster <name>', 'EKS cluster (required)');
  readTargetOptions(command)
    .option('--profile <name>', 'profile of the AWS configuration (default: AWS_PROFILE, or the default profile)')
    .option('--namespace <name>', 'only that namespace')
    .option(
      '--roles',
      'also list roles of the account that trust service accounts through IRSA without an annotation or association',
    )
    .optionsGroup('Where:')
    .option('--sandbox <file>', 'in a sandbox with the AWS accounts of that scenario file')
    .option('--state <file>', 'in the sandbox that is kept in that file')
    .option(
      '--deployed',
      'through the API of the deployed service, if POD_IDENTITY_API_URL is set; otherwise the same as without it',
    );
  outputOptions(command)
    .option('--format <name>', 'table, mermaid or graphviz (default: table)')
    .addHelpText('after', `\n${HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await run(flags, io)));
};
