/** The flags of `npm run conformance -- step-functions`. */
import { numberOf, readFlags, refused } from '../flags.ts';

/** The inputs of a whole run. */
export const WHOLE = { seed: 0, count: 300 } as const;

/** The state machines, of which each execution is compared. */
export const MACHINES = ['MigrateAddon', 'Recover', 'Retire', 'Sweep'] as const;
export type MachineName = (typeof MACHINES)[number];

export const USAGE = `Usage:
  npm run conformance -- step-functions                    ${WHOLE.count} inputs
                                        --seed NUMBER      begins with the input of this seed (default: ${WHOLE.seed})
                                        --count NUMBER     so many inputs
                                        --definition NAME  compares only executions of one definition (${MACHINES.join(', ')})
                                        --brief            prints only what is not equal
                                        --plant NAME       with a defect, which must be found`;

export interface Order {
  seed: number;
  count: number;
  definition?: MachineName;
  brief: boolean;
  /** Whether everything is run, so that results are kept and each reason must have explained something. */
  whole: boolean;
}

const FLAGS = {
  seed: { type: 'string' },
  count: { type: 'string' },
  definition: { type: 'string' },
  brief: { type: 'boolean' },
} as const;
const MOST = 1_000_000;

/** Returns what the flags select. Throws as `readFlags` and `numberOf` do. */
export const readOrder = (args: readonly string[]): Order => {
  const flags = readFlags(args, FLAGS, USAGE);
  const definition = MACHINES.find((name) => name === flags.definition);
  if (flags.definition !== undefined && definition === undefined)
    throw refused(
      `--definition ${flags.definition}: there is no state machine of this name.`,
      `Use one of: ${MACHINES.join(', ')}`,
    );
  const seed = numberOf('seed', flags.seed, { least: 0, most: MOST, otherwise: WHOLE.seed, usage: USAGE });
  const count = numberOf('count', flags.count, { least: 1, most: MOST, otherwise: WHOLE.count, usage: USAGE });
  return {
    seed,
    count,
    ...(definition === undefined ? {} : { definition }),
    brief: flags.brief ?? false,
    whole: seed === WHOLE.seed && count === WHOLE.count && definition === undefined,
  };
};
