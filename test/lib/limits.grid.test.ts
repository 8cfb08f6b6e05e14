/**
 * Limits over a grid of sizes: what docs/scale.md says that fits, fits; all else is refused by its setting. Every kind of
 * configuration is in configurations.grid.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../lib/config-error.ts';
import { tooLarge } from '../../lib/too-large.ts';
import { configOf } from './config-files.ts';
import { accountsOf, LIST_MAXIMA, patternsOf } from './configurations.ts';
import { measuredOf, tooMuchIn } from './measured.ts';
import { matching } from '../lambdas/matchers.ts';

/** `arn:aws-us-gov:iam::111122223333:role/eks-addons/…passed-team-001-*` of so many characters. */
const middleFor = (characters: number): string => {
  const rest = `arn:aws-us-gov:iam::111122223333:${patternsOf(1, 'passed')[0]}`.length;
  return characters <= rest ? '' : `${'p'.repeat(characters - rest - 1)}/`;
};
const configurationOf = (patterns: number, accounts: number, characters: number) => ({
  context: {
    ...LIST_MAXIMA.context,
    passableRoleArns: patternsOf(patterns, 'passed', middleFor(characters)),
    repairableRoleArns: patternsOf(patterns, 'repair', middleFor(characters)),
  },
  settings: { ...LIST_MAXIMA.settings, accounts: accountsOf(accounts) },
});
const grid = (sizes: number[], lengths: number[]): [number, number, number][] =>
  sizes.flatMap((patterns) =>
    [0, 100].flatMap((accounts) =>
      lengths.map((characters): [number, number, number] => [patterns, accounts, characters]),
    ),
  );

describe('each list with', () => {
  // 21 to 23: about where a list goes from the roles' own policies into managed ones.
  it.each(grid([1, 20, 21, 22, 23, 40, 80, 100], [72, 160]))(
    '%i patterns, and %i accounts, keeps all limits at %i characters for each pattern',
    (patterns, accounts, characters) =>
      expect(tooMuchIn(measuredOf(configurationOf(patterns, accounts, characters)).measures)).toEqual([]),
  );

  it.each(grid([20, 60, 100], [300, 600]))(
    '%i patterns, and %i accounts, keeps all limits or is refused by its setting at %i characters for each pattern',
    (patterns, accounts, characters) => {
      const configuration = configurationOf(patterns, accounts, characters);
      const excesses = measuredOf(configuration).measures.filter(({ measured, most }) => measured > most);
      const { passableRoleArns, repairableRoleArns } = configuration.context;
      const refusal = tooLarge(excesses, configOf({ passableRoleArns, repairableRoleArns }));
      expect(refusal === undefined).toBe(excesses.length === 0);
      expect(refusal ?? new ConfigurationError('  passableRoleArns: none')).toMatchObject({
        name: 'ConfigurationError',
        message: matching(/^ {2}(passable|repairable)RoleArns: /m),
      });
    },
  );
});
