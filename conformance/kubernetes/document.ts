/** What docs/conformance-kubernetes.md shows of the kept results. */
import { existsSync } from 'node:fs';
import { table } from '../../scripts/schema-tables.ts';
import { readJson } from '../kept-json.ts';
import { KUBERNETES_VERSIONS } from './build/tools.ts';
import { totalsLine } from './scenarios/print.ts';
import { type KeptResults, type Results, resultsFile, type RunResult, standingOf } from './scenarios/results.ts';
import { RESULTS } from '../part-results.ts';

/** Returns the kept results, the newest version first. Throws an Error if there are none. */
export const keptResults = (): KeptResults[] => {
  const files = KUBERNETES_VERSIONS.map(resultsFile).filter((file) => existsSync(file));
  if (files.length === 0) throw new Error(`${RESULTS} has no results.\nRun: npm run conformance -- kubernetes`);
  return files.map((file) => readJson(file) as KeptResults);
};

/** Returns the cells of an act of one version's run; empty cells if the run does not have it. */
const actCells = (run: RunResult | undefined, index: number): [act: string, outcome: string, ...string[]] => {
  const act = run?.acts[index];
  const isMissing = run?.failure !== undefined && index === run.acts.length;
  if (!run || !act) return isMissing ? ['not finished', '', '', '', 'different'] : ['', '', '', '', ''];
  const { title, outcome, worldSeconds } = act;
  const world = `${Math.round(worldSeconds.sandbox)} s, ${Math.round(worldSeconds.real)} s`;
  return [title, outcome, world, index === 0 ? `${Math.round(run.seconds)} s` : '', standingOf(act)];
};

const texts = (values: readonly string[]): string => [...new Set(values)].filter((text) => text !== '').join(' / ');

/** Returns the acts of all runs, and how they compare in each version. */
const runTable = (all: readonly Results[]): string => {
  const names = [...new Set(all.flatMap(({ runs }) => runs.map(({ run }) => run)))];
  const rows = names.flatMap((name) => {
    const runs = all.map((results) => results.runs.find(({ run }) => run === name));
    const count = Math.max(...runs.map((run) => (run ? run.acts.length + (run.failure === undefined ? 0 : 1) : 0)));
    return Array.from({ length: count }, (_, index) => {
      const cells = runs.map((run) => actCells(run, index));
      return [
        index === 0 ? name : '',
        texts(cells.map(([act]) => act)),
        texts(cells.map(([, outcome]) => outcome)),
        ...cells.flatMap(([, , ...compared]) => compared),
      ];
    });
  });
  const columns = all.flatMap(({ kubernetes }) => [`${kubernetes}, world time: sandbox, real`, 'took', 'compared']);
  return table(['run', 'act', 'outcome', ...columns], rows);
};

/** Returns the accepted differences, each reason once, with what differs and in which runs or cases. */
const reasonTable = (all: readonly Results[]): string => {
  const byReason = new Map<string, { whats: Set<string>; where: Set<string> }>();
  const note = (reason: string | undefined, what: string, where: string): void => {
    if (reason === undefined) return;
    const found = byReason.get(reason) ?? { whats: new Set(), where: new Set() };
    found.whats.add(what);
    found.where.add(where);
    byReason.set(reason, found);
  };
  for (const { runs, cases = [] } of all) {
    for (const { run, acts } of runs)
      for (const { what, reason } of acts.flatMap(({ differences }) => differences)) note(reason, what, run);
    for (const { name, differences } of cases) for (const { fact, reason } of differences) note(reason, fact, name);
  }
  if (byReason.size === 0) return 'None.';
  return table(
    ['differs', 'run or case', 'reason'],
    [...byReason].map(([reason, { whats, where }]) => [[...whats].sort().join(', '), [...where].join(', '), reason]),
  );
};

const casesTable = (all: readonly Results[]): string => {
  const [first] = all;
  const rows = (first?.cases ?? []).map(({ name, shows, facts }) => [
    name,
    shows,
    String(facts),
    all.map(({ cases = [] }) => cases.find((one) => one.name === name)?.verdict ?? 'not run').join(', '),
  ]);
  const versions = all.map(({ kubernetes }) => kubernetes).join(', ');
  return rows.length === 0 ? 'None.' : table(['case', 'shows', 'facts', versions], rows);
};

const notHeldTable = ([first]: readonly Results[]): string => {
  const rows = (first?.runs ?? []).flatMap(({ run, notHeld }) => (notHeld === undefined ? [] : [[run, notHeld]]));
  return rows.length === 0 ? 'None.' : table(['run', 'reason'], rows);
};

/** Returns what the document shows between its marks, by their names. */
export const contentsOf = (all: readonly Results[]): Record<string, string> => ({
  totals: all.map((results) => `- ${totalsLine(results)}.`).join('\n'),
  accepted: reasonTable(all),
  'not-run': notHeldTable(all),
  cases: casesTable(all),
  runs: runTable(all),
});
