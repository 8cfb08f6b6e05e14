/** `npm run conformance -- eksctl`: eksctl in the served sandbox, and this project's own migrations (docs/comparison.md). */
import { scenarioNames } from '../../cli/scenarios.ts';
import { buildPrograms } from '../build/build.ts';
import { printTo } from '../build/print.ts';
import { keepPartResults, unexplained, writeWholeResults } from '../part-results.ts';
import { type Order, readOrder } from './arguments.ts';
import { compareReads } from './get.ts';
import type { Comparison } from './comparison.ts';
import { compareMigrations } from './migrate.ts';
import { EKSCTL, EKSCTL_RELEASE } from './program.ts';

const runOrder = async (order: Order, all: readonly string[]): Promise<number> => {
  const print = printTo(process.stderr);
  await buildPrograms([EKSCTL], print);
  const started = performance.now();
  const { only, brief, keep } = order;
  const selection = { scenarios: only.length === 0 ? all : only, whole: only.length === 0, brief };
  const comparisons: Comparison[] = [];
  if (order.get) comparisons.push(await compareReads(selection, print));
  if (order.migrate) comparisons.push(await compareMigrations({ ...selection, keep }, print));
  const seconds = (performance.now() - started) / 1000;
  const differences = comparisons.flatMap((comparison) => comparison.differences);
  const problems = [
    ...comparisons.flatMap((comparison) => comparison.problems),
    ...unexplained(differences).map(({ where, what, sandbox, real }) => `${where}, ${what}: ${sandbox}, but ${real}`),
  ];
  const counts = Object.assign({}, ...comparisons.map((comparison) => comparison.counts)) as Record<string, number>;
  writeWholeResults('eksctl', { seconds, counts, differences, problems });
  for (const problem of problems) console.log(`DIFFERENT ${problem}`);
  console.log(
    `${Object.entries(counts)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ')}: ${problems.length} different, ${differences.length - unexplained(differences).length} accepted.`,
  );
  if (problems.length > 0) {
    console.log(
      'Mend what is different. If it is what must be claimed from now on, run: npm run conformance -- eksctl --migrate --keep, and read docs/comparison.md.',
    );
    return 1;
  }
  if (order.whole)
    keepPartResults({ part: 'eksctl', programs: { eksctl: EKSCTL_RELEASE }, seconds, counts, differences, notRun: [] });
  console.log('Nothing to do: what is claimed is so.');
  return 0;
};

/** Runs the part, and returns the exit code: 0, or 1 for a difference. */
export const run = (args: readonly string[]): Promise<number> => {
  const all = scenarioNames();
  return runOrder(readOrder(args, all), all);
};
