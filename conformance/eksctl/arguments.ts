/** The flags of `npm run conformance -- eksctl`. */
import { similarNames } from '../../cli/scenarios.ts';
import { readFlags, refused } from '../flags.ts';

export const USAGE = `Usage:
  npm run conformance -- eksctl                     eksctl's reads, and its migration of every published scenario
                                --get               only the reads
                                --migrate           only the migrations
                                --only SCENARIO     only in this scenario; can be repeated
                                --brief             prints only what is different
                                --keep              keeps what the migrations led to, also where it is different`;

export interface Order {
  get: boolean;
  migrate: boolean;
  /** Names of scenarios; empty for all. */
  only: readonly string[];
  brief: boolean;
  keep: boolean;
  /** Whether everything is run. */
  whole: boolean;
}

const FLAGS = {
  get: { type: 'boolean' },
  migrate: { type: 'boolean' },
  only: { type: 'string', multiple: true },
  brief: { type: 'boolean' },
  keep: { type: 'boolean' },
} as const;

/** Returns what the flags select. `scenarios`: the names of all scenarios. Throws as `readFlags` does. */
export const readOrder = (args: readonly string[], scenarios: readonly string[]): Order => {
  const { get = false, migrate = false, only = [], brief = false, keep = false } = readFlags(args, FLAGS, USAGE);
  const unknown = only.find((name) => !scenarios.includes(name));
  if (unknown !== undefined) {
    const similar = similarNames(unknown, scenarios);
    throw refused(
      `--only ${unknown}: there is no scenario of this name.`,
      similar.length > 0 ? `Similar names: ${similar.join(', ')}` : `Use one of: ${scenarios.join(', ')}`,
    );
  }
  if (keep && get && !migrate) throw refused('--keep is about the migrations.', `Omit --get.\n${USAGE}`);
  const both = get === migrate;
  return {
    get: get || both,
    migrate: migrate || both,
    only,
    brief,
    keep,
    whole: both && only.length === 0,
  };
};
