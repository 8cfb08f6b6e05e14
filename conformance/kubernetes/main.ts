/** `npm run conformance -- kubernetes`: the sandbox and a real control plane, held against each other (docs/conformance.md). */
import { styleFor } from '../../cli/print/style.ts';
import { ArgumentError, type Order, readOrder } from './arguments.ts';
import { buildControlPlanes, type Print } from './build/build.ts';
import { BuildError } from './build/go.ts';
import { printTo } from './build/print.ts';
import { KUBERNETES_VERSIONS, type KubernetesVersion } from './build/tools.ts';
import { record, RecordError, requireFree } from './golden/record.ts';
import { openRealWorlds } from './scenarios/real-worlds.ts';
import { EXTRA } from './scenarios/extra.ts';
import { nextLine, placeOf, problemsOf, resultLines, runLine } from './scenarios/print.ts';
import { PUBLISHED } from './scenarios/published.ts';
import { openDifferences, type Results, resultsFile, writeResults } from './scenarios/results.ts';
import type { Run } from './scenarios/run.ts';
import { runAll } from './scenarios/run-all.ts';

const RUNS: readonly Run[] = [...PUBLISHED, ...EXTRA];

/** Returns the runs that are named, by their own name or, if no run has it, by that of their scenario. */
const runsOf = ({ names }: Order): readonly Run[] => {
  if (names.length === 0) return RUNS;
  const own = new Set(RUNS.map(({ name }) => name));
  return RUNS.filter(({ name, scenario }) => names.includes(name) || (names.includes(scenario) && !own.has(scenario)));
};

const runScenarios = async (order: Order, version: KubernetesVersion, print: Print): Promise<Results> => {
  const runs = runsOf(order);
  const worlds = await openRealWorlds(version, print);
  let done = 0;
  try {
    return await runAll(
      runs,
      worlds,
      {
        act: ({ name }, title) => print(`${placeOf(done, runs.length)} ${name}: ${title}`, true),
        done: (result) => {
          print(`${placeOf(done, runs.length)} ${runLine(result)}`);
          for (const problem of problemsOf(result)) console.log(problem);
          done += 1;
        },
      },
      { whole: order.whole },
    );
  } finally {
    await worlds.close();
  }
};

const runOrder = async (order: Order): Promise<number> => {
  const print = printTo(process.stderr);
  const style = styleFor(process.stdout);
  if (order.record !== undefined) {
    const [version = KUBERNETES_VERSIONS[0]] = order.versions;
    requireFree(order.record);
    await buildControlPlanes([version], print);
    await record(version, order.record, print);
    return 0;
  }
  await buildControlPlanes(order.versions, print);
  const all: Results[] = [];
  for (const version of order.scenarios ? order.versions : []) {
    const results = await runScenarios(order, version, print);
    all.push(results);
    console.log(resultLines(results, style, order.brief).join('\n'));
    if (order.whole) writeResults(resultsFile(version), results);
  }
  console.log(nextLine(all));
  return all.every((results) => openDifferences(results) === 0) ? 0 : 1;
};

/** Runs the part, and returns the exit code: 0, 1 for a difference without a reason, 2 for unusable arguments. */
export const run = async (args: readonly string[]): Promise<number> => {
  try {
    return await runOrder(readOrder(args, [...new Set(RUNS.flatMap(({ name, scenario }) => [name, scenario]))]));
  } catch (error) {
    if (error instanceof ArgumentError || error instanceof RecordError) {
      console.error(error.message);
      return 2;
    }
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    return 1;
  }
};
