/** The comparison of migrations: eksctl's, and this project's, in each published scenario. */
import { fileOfScenario } from '../../cli/scenarios.ts';
import { readScenario } from '../../sandbox/build/load.ts';
import type { Print } from '../build/build.ts';
import { PUBLISHED } from '../kubernetes/scenarios/published.ts';
import { writeWholeResults } from '../part-results.ts';
import { Explainer } from '../reasons.ts';
import { assumedBy } from './assumed.ts';
import { brokenPromises, REASONS } from './lost-roles.ts';
import type { Comparison, Selection } from './comparison.ts';
import { changesFrom, type Compared, type Kept, readKept, writeKept } from './kept.ts';
import { runOwn } from './own-run.ts';
import { runPeer } from './peer-run.ts';
import { EKSCTL_RELEASE } from './program.ts';
import { subjectsOf } from './requests.ts';
import { lineOf } from './result-texts.ts';

/** Runs both migrations in a scenario, each in a sandbox of its own. */
const compareIn = async (name: string): Promise<Compared> => {
  const scenario = await readScenario(fileOfScenario(name));
  const subjects = subjectsOf(name, PUBLISHED);
  if (subjects.length === 0)
    throw new Error(`conformance/kubernetes/scenarios/published.ts has no request for the scenario ${name}.`);
  return {
    scenario: name,
    assumed: assumedBy(scenario),
    eksctl: await runPeer(scenario),
    own: await runOwn(structuredClone(scenario), subjects),
  };
};

/** Returns the kept results with those of this run in the place of the former ones. */
export const withRun = (kept: Kept | undefined, run: readonly Compared[], whole: boolean, date: string): Kept => {
  const others = whole
    ? []
    : (kept?.scenarios ?? []).filter((one) => !run.some(({ scenario }) => scenario === one.scenario));
  return {
    // Of the last run in which every scenario was compared.
    date: whole || !kept ? date : kept.date,
    eksctl: EKSCTL_RELEASE,
    scenarios: [...others, ...run].sort((a, b) => (a.scenario < b.scenario ? -1 : 1)),
  };
};

/** Carries out the migrations of the selected scenarios. */
export const compareMigrations = async (
  { scenarios, whole, brief, keep }: Selection & { keep: boolean },
  print: Print,
): Promise<Comparison> => {
  const kept = readKept();
  const explainer = new Explainer(REASONS);
  const results: Compared[] = [];
  const comparison: Comparison = { counts: {}, differences: [], problems: [] };
  for (const [index, name] of scenarios.entries()) {
    print(`migrations: ${index + 1} of ${scenarios.length}, ${name}`, true);
    const result = await compareIn(name).catch((error: unknown) => {
      comparison.problems.push(
        `${name} could not be compared: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
    if (!result) continue;
    results.push(result);
    const broken = brokenPromises(result).map((one) => explainer.explain(one.where, one));
    comparison.differences.push(...broken);
    const changes = keep ? [] : changesFrom(kept?.scenarios ?? [], [result]);
    if (!brief || changes.length > 0 || broken.some(({ reason }) => reason === undefined)) console.log(lineOf(result));
    for (const { what, kept: before, now } of changes)
      comparison.problems.push(`${name}, ${what}: kept: ${before}; now: ${now}`);
    for (const call of result.eksctl.unsupported)
      comparison.problems.push(`${name}: eksctl called ${call}, which the sandbox does not support`);
  }
  writeWholeResults('eksctl-migrations', { eksctl: EKSCTL_RELEASE, scenarios: results });
  if (whole) comparison.problems.push(...explainer.unused().map((reason) => `A reason explains nothing: ${reason}`));
  const isAsClaimed =
    comparison.problems.length === 0 && comparison.differences.every(({ reason }) => reason !== undefined);
  if (isAsClaimed && (keep || whole)) writeKept(withRun(kept, results, whole, new Date().toISOString().slice(0, 10)));
  comparison.counts = {
    'scenarios migrated by both': results.length,
    'pods judged': results.reduce(
      (sum, { eksctl, own }) =>
        sum + [eksctl, own].flatMap(({ ends }) => Object.values(ends.counts)).reduce((all, one) => all + one, 0),
      0,
    ),
  };
  return comparison;
};
