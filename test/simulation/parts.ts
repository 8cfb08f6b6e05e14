/** Runs the parts of a simulation, such as three hundred seeds, with the same workers. */
import type { Assembly } from '../../cli/assembly.ts';
import { readFlags, selectionOf, type Selection, wholeNumber } from './flags.ts';
import { type Order, runsOf, type Seen } from './lists.ts';
import type { InTurn, Output } from './output.ts';
import { describeSpec } from './spec.ts';
import { emptyTally, lifeTable, mergeTally, neverAccepted, tallyLine } from './tally.ts';
import type { Checked } from './tasks.ts';
import { tryMutants } from './try-mutants.ts';
import type { Do } from './workers.ts';

export interface Part {
  /** The arguments that select it. */
  words: readonly string[];
  selection: Selection;
}
export interface Command {
  parts: Part[];
  /** The number of workers; undefined if the command does not name it. */
  workers: number | undefined;
}

/** The word between two parts. */
const AND = 'and';

/** Returns what the arguments of a command select. Throws an Error if they are not valid. */
export const readCommand = (args: readonly string[]): Command => {
  const words: string[][] = [[]];
  for (const word of args) {
    if (word === AND) words.push([]);
    else words.at(-1)?.push(word);
  }
  const flags = words.map((each) => readFlags(each));
  const workers = flags.flatMap(({ workers: number }) => number ?? []);
  if (workers.length > 1) throw new Error('--workers is about all parts, so that it can be given only once');
  return {
    parts: flags.map((each, part) => ({ words: words[part] ?? [], selection: selectionOf(each) })),
    workers: workers[0] === undefined ? undefined : Math.max(1, wholeNumber(workers[0], '--workers')),
  };
};

/**
 * Which parts come first. The longest runs do, so that no worker is left with one at the end; mutants come last, because
 * each of them leaves modules behind, with which the heap grows.
 */
const turnOf = (selection: Selection): number => {
  if ('mutants' in selection) return 5;
  if (selection.what === 'seeds') return selection.time ? 1 : 4;
  return selection.what === 'exhaustive' ? 3 : 2;
};
/** Runs are listed before any is done: a list that is not complete could leave a worker without work. */
const FIRST = 0;

/** Returns the calls of runs that could be affected. All lists share the results. */
export const seenBy = (work: Do, assembly: string): Seen => {
  const known = new Map<string, ReturnType<Seen>>();
  return (spec) => {
    const key = describeSpec(spec);
    const seen = known.get(key) ?? work({ does: 'list', spec, assembly }, { turn: FIRST });
    known.set(key, seen);
    return seen;
  };
};

/** A list of tens of thousands of runs need not be in memory. */
const MOST_WAITING = 500;
/** Runs between two lines about the progress. */
const PROGRESS = 1000;

async function runList(
  order: Order,
  { work, seenOf, assembly }: { work: Do; seenOf: Seen; assembly: string },
  { out, err }: Output,
): Promise<boolean> {
  const tally = emptyTally();
  const started = performance.now();
  const count = ({ tally: more, failure }: Checked): void => {
    mergeTally(tally, more);
    if (failure !== undefined) err(failure);
    if (tally.runs % PROGRESS === 0)
      err(`${tallyLine(tally)} (${Math.round((performance.now() - started) / 1000)} s)\n`);
  };
  const waiting = new Set<Promise<void>>();
  for await (const spec of runsOf(order, seenOf)) {
    const run = work({ does: 'run', spec, assembly }, { turn: turnOf(order) })
      .then(count)
      .finally(() => waiting.delete(run));
    waiting.add(run);
    if (waiting.size >= MOST_WAITING) await Promise.race(waiting);
  }
  await Promise.all(waiting);
  // One of the scenarios alone does not have each strategy, and a part of the list may lack the few positions at which an
  // act is possible, such as a create while the add-on is gone.
  const isWhole = order.what === 'interferences' && order.scenarios.length === 0 && (order.every ?? 1) === 1;
  const blind = isWhole ? neverAccepted(tally) : [];
  for (const line of [...lifeTable(tally), ...blind.map((text) => `BLIND: ${text}`), tallyLine(tally)])
    out(`${line}\n`);
  return tally.broken === 0 && blind.length === 0;
}

/**
 * Runs all parts, and returns whether each passed. One part prints only its own lines; of several, each also has a line
 * with its flags before them, and one with its result behind them.
 */
export async function runParts(
  parts: readonly Part[],
  application: Assembly,
  work: Do,
  inTurn: InTurn,
): Promise<boolean[]> {
  const { directory: assembly } = application;
  const seenOf = seenBy(work, assembly);
  const run = ({ selection }: Part, output: Output): Promise<boolean> =>
    'mutants' in selection
      ? tryMutants(
          selection.mutants,
          application,
          (task, more) => work(task, { ...more, turn: turnOf(selection) }),
          output,
        )
      : runList(selection, { work, seenOf, assembly }, output);
  return Promise.all(
    parts.map(async (part, index) => {
      const output = inTurn.of(index);
      const flags = part.words.join(' ');
      if (parts.length > 1) output.out(`=== ${flags}\n`);
      const isPassed = await run(part, output);
      if (parts.length > 1) output.out(isPassed ? '--- passed\n' : `--- FAILED: npm run simulate -- ${flags}\n`);
      inTurn.end(index);
      return isPassed;
    }),
  );
}
