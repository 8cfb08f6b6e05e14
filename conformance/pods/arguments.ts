/** The flags of `npm run conformance -- pods`. */
import { numberOf, readFlags, refused } from '../flags.ts';

/** What can be selected, with what it compares. */
const SELECTIONS = {
  webhook: "the sandbox's webhook, with the pods that the real one changed",
  recorded: 'the SDKs in the pods that the real webhook changed',
  generated: "the SDKs in generated pods, as the sandbox's webhook changes them",
} as const;
export type Selection = keyof typeof SELECTIONS;
const NAMES = Object.keys(SELECTIONS) as Selection[];

export const DEFAULT_COUNT = 3000;
const MOST_PODS = 1_000_000;
const MOST_SEED = 1_000_000_000;

export const USAGE = `Usage:
  npm run conformance -- pods                 everything, with ${DEFAULT_COUNT} generated pods
                              --only NAME     only this: ${NAMES.join(', ')}; can be repeated
                              --count N       this many generated pods
                              --seed N        the same generated pods again; without it, the seed of the day
                              --brief         prints only what has no reason
                              --plant NAME    with a defect planted in a copy of the project: it must fail
                              --help          prints this`;

export interface Order {
  selected: readonly Selection[];
  seed: number;
  count: number;
  brief: boolean;
  /** Whether everything is run, so that results are kept, and each reason must have explained something. */
  whole: boolean;
}

const isSelection = (name: string): name is Selection => (NAMES as string[]).includes(name);

/** The seed of a day: runs of different days see different pods, and those of one day the same. */
const seedOf = (now: Date): number => Number(now.toISOString().slice(0, 10).replaceAll('-', ''));

const FLAGS = {
  only: { type: 'string', multiple: true },
  count: { type: 'string' },
  seed: { type: 'string' },
  brief: { type: 'boolean' },
} as const;

/** Returns what the flags select. Throws as `readFlags` and `numberOf` do. */
export function readOrder(args: readonly string[], now: Date = new Date()): Order {
  const flags = readFlags(args, FLAGS, USAGE);
  const names = flags.only ?? [];
  const unknown = names.find((name) => !isSelection(name));
  if (unknown !== undefined) throw refused(`--only ${unknown}: there is nothing of this name.`, USAGE);
  const count = numberOf('count', flags.count, { least: 1, most: MOST_PODS, otherwise: DEFAULT_COUNT, usage: USAGE });
  return {
    selected: names.length === 0 ? NAMES : NAMES.filter((name) => names.includes(name)),
    seed: numberOf('seed', flags.seed, { least: 0, most: MOST_SEED, otherwise: seedOf(now), usage: USAGE }),
    count,
    brief: flags.brief ?? false,
    whole: names.length === 0 && count >= DEFAULT_COUNT,
  };
}
