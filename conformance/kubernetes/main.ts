/** `npm run conformance -- kubernetes`: the sandbox and a real control plane, held against each other (docs/conformance-kubernetes.md). */
import { styleFor } from '../../cli/text/style.ts';
import { type Order, readOrder } from './arguments.ts';
import type { Print } from '../build/build.ts';
import { buildControlPlanes } from './build/control-planes.ts';
import { printTo } from '../build/print.ts';
import { writeWholeResults } from '../part-results.ts';
import { KUBERNETES_VERSIONS, type KubernetesVersion, releaseOf } from './build/tools.ts';
import type { Result as CaseResult } from './cases/compare.ts';
import { runPlanted } from './cases/planted.ts';
import { caseLines, summaryLines } from './cases/print.ts';
import { writeTraces } from './cases/recorded.ts';
import { type CasesReport, runCases } from './cases/run.ts';
import { startControlPlane } from './plane/plane.ts';
import { record, RecordError, requireFree } from './golden/record.ts';
import { openRealWorlds } from './scenarios/real-worlds.ts';
import { EXTRA } from './scenarios/extra.ts';
import { nextLine, placeOf, problemsOf, resultLines, runLine } from './scenarios/print.ts';
import { PUBLISHED } from './scenarios/published.ts';
import { type CaseSummary, openDifferences, type Results, resultsFile, keepResults } from './scenarios/results.ts';
import type { Run } from './scenarios/run.ts';
import { runAll } from './scenarios/run-all.ts';

const RUNS: readonly Run[] = [...PUBLISHED, ...EXTRA];

/** Returns the runs that are named, by their own name or, if no run has it, by that of their scenario. */
const runsOf = ({ names }: Order): readonly Run[] => {
  if (names.length === 0) return RUNS;
  const own = new Set(RUNS.map(({ name }) => name));
  return RUNS.filter(({ name, scenario }) => names.includes(name) || (names.includes(scenario) && !own.has(scenario)));
};

/** Runs mostly wait for controllers, so that two processors are enough for as many at a time. */
const AT_ONCE = 3;

const runScenarios = async (order: Order, version: KubernetesVersion, print: Print): Promise<Results> => {
  const runs = runsOf(order);
  const worlds = await Promise.all(runs.slice(0, AT_ONCE).map(() => openRealWorlds(version, print)));
  let done = 0;
  const place = (): string => placeOf(done, runs.length);
  try {
    return await runAll(
      runs,
      worlds,
      {
        act: ({ name }, title) => print(`${place()} ${name}: ${title}`, true),
        done: (result) => {
          print(`${place()} ${runLine(result)}`);
          if (result.details !== undefined) print(result.details);
          for (const problem of problemsOf(result)) console.log(problem);
          done += 1;
        },
      },
      { whole: order.whole },
    );
  } finally {
    await Promise.all(worlds.map((one) => one.close()));
  }
};

const summariesOf = ({ results }: CasesReport): CaseSummary[] =>
  results.map(({ name, shows, facts, verdict, differences }) => ({
    name,
    shows,
    facts,
    verdict,
    differences: differences.map(({ fact, reason }) => ({ fact, ...(reason === undefined ? {} : { reason }) })),
  }));

/** Runs the cases, or those that must find a planted defect. */
const runAllCases = async ({ plant, brief }: Order, version: KubernetesVersion): Promise<CasesReport> => {
  const plane = await startControlPlane({ version });
  try {
    const onResult = (result: CaseResult): void => {
      for (const line of caseLines(result, brief)) console.log(line);
    };
    const report = await (plant === undefined
      ? runCases(plane, { version, onResult })
      : runPlanted(plane, plant, { version, onResult }));
    console.log(`Kubernetes ${version}: ${summaryLines(report).join('\n')}`);
    if (plant === undefined) {
      writeWholeResults(`kubernetes-cases-${version}`, report);
      // `npm test` holds the sandbox against the newer version.
      if (version === KUBERNETES_VERSIONS[0]) writeTraces(report.traces);
      keepResults(resultsFile(version), { kubernetes: releaseOf(version), cases: summariesOf(report) });
    }
    return report;
  } finally {
    await plane.stop();
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
  let casesPassed = true;
  for (const version of order.versions) {
    const report = order.cases ? await runAllCases(order, version) : undefined;
    if (report?.passed === false) casesPassed = false;
    if (!order.scenarios) continue;
    const results = await runScenarios(order, version, print);
    all.push(results);
    writeWholeResults(`kubernetes-${version}`, results);
    console.log(resultLines(results, style, order.brief).join('\n'));
    if (order.whole) keepResults(resultsFile(version), results);
  }
  console.log(nextLine(all, casesPassed, order.plant));
  return casesPassed && all.every((results) => openDifferences(results) === 0) ? 0 : 1;
};

/**
 * Runs the part, and returns the exit code: 0, 1 for a difference without a reason, 2 for an unusable folder. Throws a
 * `BuildError` if the programs cannot be built.
 */
export const run = async (args: readonly string[]): Promise<number> => {
  try {
    return await runOrder(readOrder(args, [...new Set(RUNS.flatMap(({ name, scenario }) => [name, scenario]))]));
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    console.error(error.message);
    return 2;
  }
};
