/** Defines `doctor`: its flags and help. */
import type { Command } from 'commander';
import { awsOptions } from '../aws/options.ts';
import { outputOptions } from '../command-options.ts';
import type { Io } from '../io.ts';
import { PROGRAM } from '../options.ts';
import { stackNames } from '../stack-options.ts';
import { parseDoctorFlags } from './options.ts';

const HELP = `Examples:
  ${PROGRAM} doctor
  ${PROGRAM} doctor --cluster my-cluster --region eu-west-1
  ${PROGRAM} doctor --for migrate --cluster my-cluster --json

It makes harmless reads with your own credentials, as the AWS CLI finds them, and changes nothing. docs/doctor.md
describes each line.

Exit codes:
  0  nothing that was checked prevents it; what could not be checked is marked with ?
  1  any other failure
  2  no usable credentials or region, or bad input
  3  something prevents it`;

/** Loads the implementation only when it is needed, so that help and wrong flags are fast. */
const run = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseDoctorFlags(flags);
  const { doctor } = await import('./doctor.ts');
  return doctor(parsed, io);
};

export const addDoctorCommand = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  const command = program
    .command('doctor')
    .description('check whether everything is ready to plan, migrate or deploy, with a remedy for each obstacle')
    .optionsGroup('What to check:')
    .option('--for <what>', 'plan, migrate (with the deployed service) or deploy (the service) (default: plan)')
    .option('--cluster <name>', 'also check this EKS cluster');
  outputOptions(stackNames(awsOptions(command.optionsGroup('Where:')), '--for migrate'))
    .addHelpText('after', `\n${HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await run(flags, io)));
};
