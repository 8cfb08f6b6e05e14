/** `npm run simulate -- --exhaustive | --seeds N [--from SEED] | --mutants | --replay SPEC`; see docs/simulation.md. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { ensureAssembly } from '../../cli/assembly.ts';
import { emptyTally, mergeTally, type Tally, tallyLine } from './tally.ts';
import { distribute } from './workers.ts';
import type { Order } from './share.ts';

const USAGE = `Usage:
  npm run simulate -- --exhaustive            every fault at every call, in every scenario (or only in --scenario NAME);
                                              also at every call of the rollback from each step that fails persistently
                      --exhaustive --thorough the rollback in every scenario, instead of once for each step
                      --exhaustive --brief    reads and ledger writes only in the first scenario that makes them, changes of the target in all
                      --exhaustive --every N [--offset K]  one of N of these runs, from run K on (default 0)
  npm run simulate -- --interferences         third-party changes at every position of the workflow, the rollback and the
                                              restore commands; also takes --scenario, --thorough, --brief, --every and --offset
  npm run simulate -- --seeds 2000 [--from S] random runs
                      --time                  with --exhaustive or --seeds: also outages that end, large and slow workloads, lost nodes
  npm run simulate -- --mutants               planted defects, each of which must be caught
  npm run simulate -- --replay SPEC [--calls] runs a spec again, from the JSON that a failure printed`;

const fail = (message: string): never => {
  process.stderr.write(`error: ${message}\n${USAGE}\n`);
  process.exit(2);
};

const wholeNumber = (text: string, flag: string): number =>
  /^\d{1,9}$/.test(text) ? Number(text) : fail(`${flag} must be a whole number, not ${JSON.stringify(text)}`);

const read = () => {
  try {
    return parseArgs({
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
        replay: { type: 'string' },
        calls: { type: 'boolean' },
        workers: { type: 'string' },
      },
    }).values;
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
};

const runOrder = async (
  order: Omit<Order, 'part' | 'parts'> & { what: Order['what'] },
  count: number,
): Promise<Tally> => {
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

const reachOf = ({ thorough, brief }: ReturnType<typeof read>) =>
  thorough ? ('thorough' as const) : brief ? ('brief' as const) : ('usual' as const);

const flags = read();
const workers = flags.workers === undefined ? availableParallelism() : wholeNumber(flags.workers, '--workers');
const { directory: assembly } = await ensureAssembly(() =>
  process.stderr.write('Building the application once; this takes a few seconds.\n'),
);

if (flags.mutants) {
  const { runMutants } = await import('./mutants.ts');
  process.exitCode = (await runMutants(workers)) ? 0 : 1;
} else if (flags.replay !== undefined) {
  const { replay } = await import('./replay.ts');
  process.exitCode = (await replay(flags.replay, assembly, { calls: flags.calls ?? false })) ? 0 : 1;
} else {
  const order =
    flags.exhaustive || flags.interferences
      ? {
          what: flags.exhaustive ? ('exhaustive' as const) : ('interferences' as const),
          assembly,
          scenarios: flags.scenario ?? [],
          reach: reachOf(flags),
          ...(flags.every === undefined ? {} : { every: Math.max(1, wholeNumber(flags.every, '--every')) }),
          ...(flags.offset === undefined ? {} : { offset: wholeNumber(flags.offset, '--offset') }),
        }
      : flags.seeds === undefined
        ? fail('no simulation was selected')
        : {
            what: 'seeds' as const,
            assembly,
            from: wholeNumber(flags.from ?? '1', '--from'),
            count: wholeNumber(flags.seeds, '--seeds'),
          };
  const tally = await runOrder(order, workers);
  process.stdout.write(`${tallyLine(tally)}\n`);
  process.exitCode = tally.broken === 0 ? 0 : 1;
}
