/** Reads the scenario that a command names. */
import { shown } from '../lambdas/domain/text/text.ts';
import { readScenario, ScenarioError } from '../sandbox/build/load.ts';
import type { Scenario } from '../sandbox/scenario/scenario.ts';
import { CliError } from './errors.ts';
import { EXAMPLE_SCENARIO } from './options.ts';
import { findScenario } from './scenarios.ts';

/** Returns the file of the scenario that a command names. Throws a CliError for a name that no scenario has. */
const namedScenario = (argument: string): string => {
  const found = findScenario(argument);
  if ('file' in found) return found.file;
  const { similar, names } = found;
  throw new CliError(
    'ScenarioError',
    `${shown(argument, 200)} is neither a scenario of this program nor a file in this directory`,
    similar.length > 0
      ? `Similar scenarios: ${similar.join(', ')}`
      : `Name a file, or one of these scenarios: ${names.join(', ')}`,
  );
};

/**
 * Reads a scenario, which is named as `findScenario` accepts it. Throws a CliError that names the file, the position in
 * it, and what is expected there.
 */
export const openScenario = async (argument: string): Promise<Scenario> => {
  const file = namedScenario(argument);
  try {
    return await readScenario(file);
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    throw new CliError('ScenarioError', error.message, `For a complete example, see ${EXAMPLE_SCENARIO}`);
  }
};
