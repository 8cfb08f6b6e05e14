/** `generate-fleet`: its flags and help. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { PROGRAM } from '../options.ts';
import { GENERATE_FLEET, parseFleetFlags } from './options.ts';

const HELP = `A scenario for the sandbox, with clusters of many kinds and add-ons in each state that there is: on EKS Pod Identity, on IRSA and ready,
on IRSA with something in the way, on the role of their nodes, and such that need none; clusters that are being deleted, that nobody
reaches, that have no Pod Identity agent, that run on Fargate alone, or that do not let the service in. The same options make the same fleet.

--faults adds what goes wrong with whole places: in the second account a region that it has not enabled (eu-south-1) and one, the last of
--regions, that takes hardly any calls of EKS; a third account without the service's roles.

Examples:
  ${PROGRAM} ${GENERATE_FLEET} --clusters 240 --seed 1 > fleet.json
  ${PROGRAM} ${GENERATE_FLEET} --clusters 40 --seed 2 --accounts 1 --regions eu-west-1 --addons 4 > fleet.json

Exit codes:
  0  the fleet is on stdout; what is in it is said on stderr
  2  bad input
  1  anything else`;

/** What does the work is loaded once there is some: help and wrong flags answer at once. */
const run = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseFleetFlags(flags);
  const { generateFleetCommand } = await import('./run.ts');
  return generateFleetCommand(parsed, io);
};

export const addFleetCommand = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  program
    .command(GENERATE_FLEET)
    .description('make a scenario with a fleet of clusters, for the sandbox')
    .option('--clusters <number>', 'how many clusters (required)')
    .option('--seed <number>', 'every name, id and choice follows from it (required)')
    .option(
      '--accounts <number>',
      'how many AWS accounts they are in; the service is deployed in the first (default: 3)',
    )
    .option('--regions <names>', 'AWS regions, with commas between them (default: eu-west-1,us-east-1)')
    .option('--addons <number>', 'add-ons that each cluster has, at most (default: 4 to 8, by the seed)')
    .option('--faults', 'add places that can not be looked at')
    .option('--debug', 'show the stack trace of an error')
    .addHelpText('after', `\n${HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await run(flags, io)));
};
