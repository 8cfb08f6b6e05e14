/** `npm run conformance -- document`: writes the results in conformance/results into docs/conformance.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { table, withPositions } from '../scripts/schema-tables.ts';
import { KUBERNETES_VERSIONS } from './kubernetes/build/tools.ts';
import { totalsLine } from './kubernetes/scenarios/print.ts';
import { type Results, RESULTS, resultsFile, standingOf } from './kubernetes/scenarios/results.ts';

export const DOCUMENT = join(import.meta.dirname, '../docs/conformance.md');
const SCRIPT = 'conformance/document.ts';

/** Returns the kept results, the newest version first. Throws an Error if there are none. */
export const keptResults = (): Results[] => {
  const files = KUBERNETES_VERSIONS.map(resultsFile).filter((file) => existsSync(file));
  if (files.length === 0) throw new Error(`${RESULTS} has no results.\nRun: npm run conformance -- kubernetes`);
  return files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Results);
};

const runTable = ({ kubernetes, runs }: Results): string =>
  [
    `### Kubernetes ${kubernetes}`,
    table(
      ['run', 'act', 'outcome', 'world: sandbox, real', 'run', 'compared'],
      runs.flatMap(({ run, seconds, acts, failure }) => [
        ...acts.map((act, index) => [
          index === 0 ? run : '',
          act.title,
          act.outcome,
          `${Math.round(act.worldSeconds.sandbox)} s, ${Math.round(act.worldSeconds.real)} s`,
          index === 0 ? `${Math.round(seconds)} s` : '',
          standingOf(act),
        ]),
        ...(failure === undefined ? [] : [[acts.length === 0 ? run : '', 'not finished', '', '', '', 'different']]),
      ]),
    ),
  ].join('\n\n');

/** Returns the accepted differences, each reason once, with what differs and in which runs. */
const reasonTable = (all: readonly Results[]): string => {
  const byReason = new Map<string, { whats: Set<string>; runs: Set<string> }>();
  for (const { run, acts } of all.flatMap(({ runs }) => runs))
    for (const { what, reason } of acts.flatMap(({ differences }) => differences)) {
      if (reason === undefined) continue;
      const found = byReason.get(reason) ?? { whats: new Set(), runs: new Set() };
      found.whats.add(what);
      found.runs.add(run);
      byReason.set(reason, found);
    }
  if (byReason.size === 0) return 'None.';
  return table(
    ['differs', 'runs', 'reason'],
    [...byReason].map(([reason, { whats, runs }]) => [[...whats].sort().join(', '), [...runs].join(', '), reason]),
  );
};

const notHeldTable = ([first]: readonly Results[]): string => {
  const rows = (first?.runs ?? []).flatMap(({ run, notHeld }) => (notHeld === undefined ? [] : [[run, notHeld]]));
  return rows.length === 0 ? 'None.' : table(['run', 'reason'], rows);
};

/** Returns the document with the given results. */
export const withResults = (text: string, all: readonly Results[]): string =>
  withPositions(
    text,
    {
      totals: all.map((results) => `- ${totalsLine(results)}.`).join('\n'),
      accepted: reasonTable(all),
      'not-run': notHeldTable(all),
      runs: all.map(runTable).join('\n\n'),
    },
    { script: SCRIPT, file: DOCUMENT },
  );

/** Writes the document. Returns the exit code. */
export const run = async (): Promise<number> => {
  const before = readFileSync(DOCUMENT, 'utf8');
  const after = withResults(before, keptResults());
  if (after !== before) writeFileSync(DOCUMENT, after);
  console.log(
    after === before ? 'docs/conformance.md has these results.' : 'Wrote the results into docs/conformance.md.',
  );
  return 0;
};
