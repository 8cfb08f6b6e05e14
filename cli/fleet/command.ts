/** Defines `generate-fleet`: its flags and help. */
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { PROGRAM } from '../options.ts';
import { GENERATE_FLEET, parseFleetFlags } from './options.ts';

const HELP = `Generates a scenario for the sandbox, with clusters of many kinds and add-ons in every state: on EKS Pod Identity, on IRSA and ready,
on IRSA and blocked, on the node role, and without need for a role; clusters that are being deleted, that are unreachable, that
have no Pod Identity agent, that run only on Fargate, or that give the service no access. The same options generate the same fleet.

--faults adds faults of whole locations: in the second account, a region that is not enabled (eu-south-1) and a region (the last of
--regions) where nearly all EKS calls are throttled; and a third account without the service's roles.

Examples:
  ${PROGRAM} ${GENERATE_FLEET} --clusters 240 --seed 1 > fleet.json
  ${PROGRAM} ${GENERATE_FLEET} --clusters 40 --seed 2 --accounts 1 --regions eu-west-1 --addons 4 > fleet.json

Exit codes:
  0  the fleet is on stdout, a summary on stderr
  2  bad input
  1  any other failure`;

/** Loads the implementation only when it is needed, so that help and wrong flags are fast. */
const run = async (flags: Record<string, unknown>, io: Io): Promise<number> => {
  const parsed = parseFleetFlags(flags);
  const { generateFleetCommand } = await import('./run.ts');
  return generateFleetCommand(parsed, io);
};

export const addFleetCommand = (program: Command, io: Io, finished: (exitCode: number) => void): void => {
  program
    .command(GENERATE_FLEET)
    .description('generate a scenario with a fleet of clusters for the sandbox')
    .option('--clusters <number>', 'number of clusters (required)')
    .option('--seed <number>', 'seed of all names, ids and choices (required)')
    .option('--accounts <number>', 'number of AWS accounts; the service is deployed in the first (default: 3)')
    .option('--regions <names>', 'comma-separated AWS regions (default: eu-west-1,us-east-1)')
    .option('--addons <number>', 'maximum number of add-ons per cluster (default: 4 to 8, by the seed)')
    .option('--faults', 'add locations that cannot be read')
    .option('--debug', 'show the stack trace of an error')
    .addHelpText('after', `\n${HELP}`)
    .action(async (flags: Record<string, unknown>) => finished(await run(flags, io)));
};
