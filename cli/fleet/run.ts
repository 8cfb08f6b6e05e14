/** Runs `generate-fleet`. */
import { parseScenario } from '../../sandbox/build/load.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { type Expectation, generateFleet } from './generate.ts';
import type { FleetFlags } from './options.ts';
import { jsonText } from '../../lambdas/domain/text/text.ts';

const countsOf = (expected: readonly Expectation[]): string => {
  const counts = new Map<string, number>();
  for (const { class: found } of expected) counts.set(found, (counts.get(found) ?? 0) + 1);
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
};

/** Prints a valid scenario on stdout, and a summary on stderr. */
export const generateFleetCommand = (
  { clusters, seed, accounts, regions, addons, faults }: FleetFlags,
  io: Io,
): ExitCode => {
  const { scenario, expected } = generateFleet({ clusters, seed, accounts, regions, addons, faults });
  parseScenario(scenario, 'of generate-fleet');
  io.stdout.write(`${jsonText(scenario, 2)}\n`);
  io.stderr.write(`${clusters} clusters, ${expected.length} add-ons: ${countsOf(expected)}.\n`);
  return EXIT_CODES.ok;
};
