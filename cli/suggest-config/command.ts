/** Defines `suggest-config`: its flags and help. */
import type { Command } from 'commander';
import { awsOptions } from '../aws/options.ts';
import { collect, outputOptions } from '../command-options.ts';
import type { Io } from '../io.ts';
import { EXAMPLE_SCENARIO, PROGRAM } from '../options.ts';
import { parseSuggestFlags, SUGGEST_CONFIG } from './options.ts';

const HELP = `Examples:
  ${PROGRAM} ${SUGGEST_CONFIG} --cluster prod --region eu-west-1 --out pod-identity.yaml
  ${PROGRAM} ${SUGGEST_CONFIG} --cluster reliability-dev --sandbox ${EXAMPLE_SCENARIO}

This command only reads, with your own credentials. Clusters in other regions are named by their ARNs; all must be in one
account. Every role is listed by its ARN. What only the annotation of a service account shows is written as a comment, and
left out with --json: anyone who may edit the service account can write it. docs/configuration.md describes the settings.

Exit codes:
  0  everything was read
  1  any other failure
  2  bad input, an unknown cluster, or nothing to configure
  3  the configuration is written, but something could not be read, so that its roles may be missing; or a role is named
     by an annotation alone, so that its owner must be asked`;

/** Loads the implementation only when it is needed, so that help and wrong flags are fast. */
const run = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseSuggestFlags(flags);
  const { suggestConfig } = await import('./suggest.ts');
  return suggestConfig(parsed, io);
};

export const addSuggestConfigCommand = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  const command = awsOptions(
    program
      .command(SUGGEST_CONFIG)
      .description('propose the configuration of a deployment: the roles that migrations of these clusters need')
      .optionsGroup('What to read:')
      .option('--cluster <name>', 'EKS cluster, by name or ARN (required); may be repeated', collect),
  )
    .option('--sandbox <file>', 'in a sandbox with the AWS accounts of that scenario file')
    .optionsGroup('Where to write it:')
    .option('--out <file>', 'write the configuration to that file (default: to stdout)')
    .option('--force', 'overwrite the file if it exists');
  outputOptions(command)
    .addHelpText('after', `\n${HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await run(flags, io)));
};
