/** Defines `record`: its flags and help. */
import type { Command } from 'commander';
import { awsOptions } from '../aws/options.ts';
import type { Io } from '../io.ts';
import { EXAMPLE_SCENARIO, PROGRAM } from '../options.ts';
import { parseRecordFlags } from './options.ts';

const HELP = `Examples:
  ${PROGRAM} record --cluster reliability-dev > twin.json
  ${PROGRAM} record --cluster reliability-dev --with-configuration --out twin.json
  ${PROGRAM} record --cluster reliability-dev --anonymise > report.json
  ${PROGRAM} record --cluster reliability-dev --sandbox ${EXAMPLE_SCENARIO} > twin.json

This command only reads, with your own credentials. It never writes values of environment variables, of ConfigMaps, of
Secrets or of tags. docs/record.md lists what it reads, the permissions that it needs, and what a twin cannot show.

Exit codes:
  0  the cluster was recorded; what could not be read is listed on stderr
  1  any other failure
  2  bad input, an unknown cluster, or no valid credentials
  3  these credentials do not allow reading the cluster`;

/** Loads the implementation only when it is needed, so that help and wrong flags are fast. */
const run = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseRecordFlags(flags);
  const { record } = await import('./record.ts');
  return record(parsed, io);
};

export const addRecordCommand = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  const command = program
    .command('record')
    .description('record a cluster as a scenario, to rehearse its migration in a sandbox')
    .optionsGroup('What to record:')
    .option('--cluster <name>', 'EKS cluster (required)')
    .option('--with-configuration', 'also record the configuration values of add-ons, which may contain secrets')
    .option('--anonymise', 'replace names and account ids, so that the file can be part of a bug report')
    .option(
      '--access <kind>',
      'granted: in the rehearsal the service has access to the API server; as-recorded: only who has it now (default: granted)',
    )
    .option('--out <file>', 'write the scenario to that file instead of stdout')
    .optionsGroup('Where:');
  awsOptions(command)
    .option(
      '--account <id>',
      "AWS account (default: the caller's, or that of the scenario's only cluster of that name)",
    )
    .option('--sandbox <file>', 'record a cluster of that scenario file')
    .option('--state <file>', 'record a cluster of the sandbox that is kept in that file')
    .optionsGroup('Output:')
    .option('--debug', 'show the stack trace of an error')
    .addHelpText('after', `\n${HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await run(flags, io)));
};
