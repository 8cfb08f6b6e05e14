/** The flags of `npm run conformance -- pods`. */
import { parseArgs } from 'node:util';

/** What can be selected, with what it compares. */
export const SELECTIONS = {
  webhook: "the sandbox's webhook, with the pods that the real one changed",
  recorded: 'the SDKs in the pods that the real webhook changed',
  generated: "the SDKs in generated pods, as the sandbox's webhook changes them",
} as const;
export type Selection = keyof typeof SELECTIONS;
const NAMES = Object.keys(SELECTIONS) as Selection[];

export const DEFAULT_COUNT = 3000;
const MOST_PODS = 1_000_000;

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

const numberOf = (flag: string, text: string | undefined, least: number, otherwise: number): number | string => {
  if (text === undefined) return otherwise;
  const value = Number(text);
  return /^\d+$/.test(text) && value >= least && value <= MOST_PODS * 1000
    ? value
    : `--${flag} ${text}: it must be a whole number of at least ${least}.`;
};

/** The seed of a day: runs of different days see different pods, and those of one day the same. */
const seedOf = (now: Date): number => Number(now.toISOString().slice(0, 10).replaceAll('-', ''));

/** Returns what the arguments select, or the text that refuses them; the usage if it was asked for. */
export function readOrder(args: readonly string[], now: Date = new Date()): Order | { refused: string } | 'help' {
  const refused = (message: string): { refused: string } => ({ refused: `${message}\n${USAGE}` });
  let flags;
  try {
    flags = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true },
        count: { type: 'string' },
        seed: { type: 'string' },
        brief: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    return refused(`${error instanceof Error ? error.message.split('\n')[0] : String(error)}.`);
  }
  if (flags.help) return 'help';
  const names = flags.only ?? [];
  const unknown = names.find((name) => !isSelection(name));
  if (unknown !== undefined) return refused(`--only ${unknown}: there is nothing of this name.`);
  const count = numberOf('count', flags.count, 1, DEFAULT_COUNT);
  const seed = numberOf('seed', flags.seed, 0, seedOf(now));
  if (typeof count === 'string') return refused(count);
  if (typeof seed === 'string') return refused(seed);
  if (count > MOST_PODS) return refused(`--count ${count}: at most ${MOST_PODS} pods are generated.`);
  return {
    selected: names.length === 0 ? NAMES : NAMES.filter((name) => names.includes(name)),
    seed,
    count,
    brief: flags.brief ?? false,
    whole: names.length === 0 && count >= DEFAULT_COUNT,
  };
}
