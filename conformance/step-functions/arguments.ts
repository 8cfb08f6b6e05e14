/** The flags of `npm run conformance -- step-functions`. */
import { parseArgs } from 'node:util';

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

/** Flags that cannot be used; the message's last line is what to do next. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError';
}

const refused = (message: string, next: string): ArgumentError => new ArgumentError(`${message}\n${next}`);

const readFlags = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        count: { type: 'string' },
        definition: { type: 'string' },
        brief: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw refused(`${error instanceof Error ? error.message.split('\n')[0] : String(error)}.`, USAGE);
  }
};

const wholeNumber = (flag: string, text: string, least: number): number => {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || number > 1_000_000)
    throw refused(`--${flag} ${text}: it must be a whole number from ${least} to 1000000.`, USAGE);
  return number;
};

/** Returns what the flags select; undefined for `--help`. Throws an ArgumentError. */
export const readOrder = (args: readonly string[]): Order | undefined => {
  const flags = readFlags(args);
  if (flags.help) return undefined;
  const definition = MACHINES.find((name) => name === flags.definition);
  if (flags.definition !== undefined && definition === undefined)
    throw refused(
      `--definition ${flags.definition}: there is no state machine of this name.`,
      `Use one of: ${MACHINES.join(', ')}`,
    );
  const seed = flags.seed === undefined ? WHOLE.seed : wholeNumber('seed', flags.seed, 0);
  const count = flags.count === undefined ? WHOLE.count : wholeNumber('count', flags.count, 1);
  return {
    seed,
    count,
    ...(definition === undefined ? {} : { definition }),
    brief: flags.brief ?? false,
    whole: seed === WHOLE.seed && count === WHOLE.count && definition === undefined,
  };
};
