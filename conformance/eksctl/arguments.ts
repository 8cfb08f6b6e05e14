/** The flags of `npm run conformance -- eksctl`. */
import { parseArgs } from 'node:util';
import { similarNames } from '../../cli/scenarios.ts';

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

/** Unusable flags; the message's last line is what to do next. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError';
}

const readFlags = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        get: { type: 'boolean' },
        migrate: { type: 'boolean' },
        only: { type: 'string', multiple: true },
        brief: { type: 'boolean' },
        keep: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new ArgumentError(`${error instanceof Error ? error.message.split('\n')[0] : String(error)}.\n${USAGE}`);
  }
};

/** Returns what the arguments select, or `help`. `scenarios`: the names of all scenarios. */
export const readOrder = (args: readonly string[], scenarios: readonly string[]): Order | 'help' => {
  const { get = false, migrate = false, only = [], brief = false, keep = false, help = false } = readFlags(args);
  if (help) return 'help';
  const unknown = only.find((name) => !scenarios.includes(name));
  if (unknown !== undefined) {
    const similar = similarNames(unknown, scenarios);
    throw new ArgumentError(
      `--only ${unknown}: there is no scenario of this name.\n${similar.length > 0 ? `Similar names: ${similar.join(', ')}` : `Use one of: ${scenarios.join(', ')}`}`,
    );
  }
  if (keep && get && !migrate) throw new ArgumentError(`--keep is about the migrations.\nOmit --get.\n${USAGE}`);
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
