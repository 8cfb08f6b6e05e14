/** `npm run simulate -- --exhaustive | --seeds N [--from SEED] | --mutants | --replay SPEC`; see docs/simulation.md. */
import { availableParallelism } from 'node:os';
import { ensureAssembly } from '../../cli/assembly.ts';
import { orderOf, readFlags, USAGE, wholeNumber } from './flags.ts';
import { emptyTally, lifeTable, mergeTally, neverAccepted, type Tally, tallyLine } from './tally.ts';
import { distribute } from './workers.ts';

/** Returns the result; ends the process with the usage if the flags are invalid. */
const orUsage = <T>(run: () => T): T => {
  try {
    return run();
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
    process.exit(2);
  }
};

const runOrder = async (order: ReturnType<typeof orderOf>, count: number): Promise<Tally> => {
  const tally = emptyTally();
  const started = performance.now();
  let shown = 0;
  await distribute(order, count, new URL('./worker.ts', import.meta.url), (news) => {
    mergeTally(tally, news.tally);
    if (tally.runs - shown < 1000) return;
    shown = tally.runs;
    process.stderr.write(`${tallyLine(tally)} (${Math.round((performance.now() - started) / 1000)} s)\n`);
  });
  return tally;
};

const flags = orUsage(() => readFlags());
const workers = orUsage(() =>
  flags.workers === undefined ? availableParallelism() : wholeNumber(flags.workers, '--workers'),
);
const application = await ensureAssembly(() =>
  process.stderr.write('Building the application once; this takes a few seconds.\n'),
);
const { directory: assembly } = application;

if (flags.mutants) {
  const { runMutants } = await import('./mutants.ts');
  process.exitCode = (await runMutants(application, workers, flags.mutant)) ? 0 : 1;
} else if (flags.replay !== undefined) {
  const { replay } = await import('./replay.ts');
  process.exitCode = (await replay(flags.replay, assembly, { calls: flags.calls ?? false })) ? 0 : 1;
} else {
  const order = orUsage(() => orderOf(flags, assembly));
  const tally = await runOrder(order, workers);
  // One of the scenarios alone does not have each strategy, and a part of the list may lack the few positions at which an
  // act is possible, such as a create while the add-on is gone.
  const isWhole = order.what === 'interferences' && order.scenarios.length === 0 && (order.every ?? 1) === 1;
  const blind = isWhole ? neverAccepted(tally) : [];
  for (const line of [...lifeTable(tally), ...blind.map((text) => `BLIND: ${text}`), tallyLine(tally)])
    process.stdout.write(`${line}\n`);
  process.exitCode = tally.broken === 0 && blind.length === 0 ? 0 : 1;
}
