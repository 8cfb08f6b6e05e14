/** The flags of `npm run simulate` (docs/simulation.md), and the runs that they select. */
import { parseArgs } from 'node:util';
import type { Order } from './lists.ts';
import { type Mutant, mutantsNamed } from './mutants.ts';

export const USAGE = `Usage:
  npm run simulate -- --exhaustive            every fault at every call, in every scenario (or only in --scenario NAME);
                                              also at every call of the rollback from each step that fails persistently
                      --exhaustive --thorough the rollback in every scenario, instead of once for each step
                      --exhaustive --brief    reads and ledger writes only in the first scenario that makes them, changes of the target in all
                      --exhaustive --every N [--offset K]  one of N of these runs, from run K on (default 0)
  npm run simulate -- --interferences         third-party changes at every position of the workflow, the rollback and the
                                              restore commands; also takes --scenario, --thorough, --brief, --every and --offset
  npm run simulate -- --seeds 2000 [--from S] random runs
                      --time                  with --exhaustive or --seeds: also outages that end, large and slow workloads, lost nodes
  npm run simulate -- --mutants [--mutant NAME ...]  planted defects, each of which must be caught; only these
  npm run simulate -- PART and PART ...       several of these, each with its flags, one after the other in the same processes
                      --workers N             the number of processes of all parts (default: one for each core)
  npm run simulate -- --replay SPEC [--calls] runs a spec again, from the JSON that a failure printed`;

export const readFlags = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    options: {
      exhaustive: { type: 'boolean' },
      interferences: { type: 'boolean' },
      scenario: { type: 'string', multiple: true },
      time: { type: 'boolean' },
      thorough: { type: 'boolean' },
      brief: { type: 'boolean' },
      every: { type: 'string' },
      offset: { type: 'string' },
      seeds: { type: 'string' },
      from: { type: 'string' },
      mutants: { type: 'boolean' },
      mutant: { type: 'string', multiple: true },
      replay: { type: 'string' },
      calls: { type: 'boolean' },
      workers: { type: 'string' },
    },
  }).values;
export type Flags = ReturnType<typeof readFlags>;

/** Throws an Error for anything else. */
export const wholeNumber = (text: string, flag: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${flag} must be a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
};

const reachOf = ({ thorough, brief }: Flags) =>
  thorough ? ('thorough' as const) : brief ? ('brief' as const) : ('usual' as const);

/** The runs of a part. */
export type Selection = Order | { mutants: readonly Mutant[] };

/** Returns what the flags of a part select. Throws an Error if they select nothing, or if one is not valid. */
export const selectionOf = (flags: Flags): Selection => {
  if (flags.mutants) return { mutants: mutantsNamed(flags.mutant) };
  if (flags.exhaustive || flags.interferences)
    return {
      what: flags.exhaustive ? ('exhaustive' as const) : ('interferences' as const),
      scenarios: flags.scenario ?? [],
      reach: reachOf(flags),
      ...(flags.exhaustive ? { time: flags.time ?? false } : {}),
      ...(flags.every === undefined ? {} : { every: Math.max(1, wholeNumber(flags.every, '--every')) }),
      ...(flags.offset === undefined ? {} : { offset: wholeNumber(flags.offset, '--offset') }),
    };
  if (flags.seeds === undefined) throw new Error('no simulation was selected');
  return {
    what: 'seeds' as const,
    from: wholeNumber(flags.from ?? '1', '--from'),
    count: wholeNumber(flags.seeds, '--seeds'),
    time: flags.time ?? false,
  };
};
