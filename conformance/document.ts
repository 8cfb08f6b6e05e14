/** `npm run conformance -- document`: writes the results in conformance/results into the documents. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { duration } from '../cli/text/duration.ts';
import { ROOT } from './build/program.ts';
import { table, withPositions } from '../scripts/schema-tables.ts';
import { contentsOf as comparisonOf } from './eksctl/document.ts';
import { readKept } from './eksctl/kept.ts';
import { contentsOf, keptResults } from './kubernetes/document.ts';
import { type KeptResults, totalsOf } from './kubernetes/scenarios/results.ts';
import { PARTS } from './parts.ts';
import { keptCountedText } from './pods/document.ts';
import { type PartResults, readPartResults } from './part-results.ts';

const DOCS = join(ROOT, 'docs');
const SCRIPT = 'conformance/document.ts';
const OVERVIEW = join(DOCS, 'conformance.md');
/** The part whose results have files and a document of their own. */
const KUBERNETES = 'kubernetes';

/** A document, and what it shows between its marks. */
export interface Document {
  file: string;
  contents: () => Record<string, string>;
}

const number = (value: number): string => value.toLocaleString('en-US');
const countsOf = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([what, count]) => `${number(count)} ${what}`)
    .join(', ');

const timesOf = (accepted: PartResults['accepted']): number => accepted.reduce((sum, { times }) => sum + times, 0);

const row = ({ part, programs, counts, accepted, date, seconds }: PartResults): string[] => [
  `[${part}](#${part})`,
  Object.entries(programs)
    .map(([name, version]) => `${name} ${version}`)
    .join(', '),
  countsOf(counts),
  number(timesOf(accepted)),
  date,
  duration(seconds * 1000),
];

/** Returns how many differences are accepted, in runs and cases. */
const acceptedOf = ({ runs, cases = [] }: KeptResults): number =>
  [...runs.flatMap(({ acts }) => acts), ...cases].reduce((sum, { differences }) => sum + differences.length, 0);

const kubernetesRows = (all: readonly KeptResults[]): string[][] =>
  all.map((results) => {
    const { acts, facts } = totalsOf(results);
    return [
      `[kubernetes](conformance-kubernetes.md)`,
      `Kubernetes ${results.kubernetes}`,
      countsOf({ 'acts of migrations': acts, facts, cases: results.cases?.length ?? 0 }),
      number(acceptedOf(results)),
      results.date,
      duration(results.seconds * 1000),
    ];
  });

/** The longest text in a cell of the table: the results have all of it. */
const MOST_TEXT = 160;
const shortened = (text: string): string => (text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT)}…`);

/** Returns the accepted differences, a reason in each row. */
export const acceptedTable = (accepted: PartResults['accepted']): string => {
  if (accepted.length === 0) return 'No difference is accepted.';
  const some = (values: readonly string[]): string => {
    const all = [...new Set(values)].map(shortened);
    return all.length <= 3 ? all.join('; ') : `${all.slice(0, 3).join('; ')} and ${all.length - 3} more`;
  };
  return table(
    ['differs', 'for example where', 'times', 'reason'],
    accepted.map(({ reason, times, examples }) => [
      some(examples.map(({ what }) => what)),
      some(examples.map(({ where }) => where)),
      number(times),
      reason,
    ]),
  );
};

/** Returns what the overview shows about a part. */
export const partText = ({ accepted, notRun }: PartResults): string =>
  [
    acceptedTable(accepted),
    ...(notRun.length === 0
      ? []
      : [
          'Not compared:',
          table(
            ['what', 'reason'],
            notRun.map(({ what, why }) => [what, why]),
          ),
        ]),
  ].join('\n\n');

const overview = (): Record<string, string> => {
  const own = PARTS.filter(({ name }) => name !== KUBERNETES).map(({ name }) => [name, readPartResults(name)] as const);
  const rows = own.flatMap(([, results]) => (results ? [row(results)] : []));
  return {
    summary: table(
      ['part', 'real programs', 'compared', 'accepted differences', 'last run', 'took'],
      [...rows, ...kubernetesRows(keptResults())],
    ),
    ...Object.fromEntries(
      own.map(([name, results]) => [name, results ? partText(results) : 'There are no results yet.']),
    ),
    'pods-sdks': keptCountedText(),
  };
};

const comparison = (): Record<string, string> => {
  const kept = readKept();
  return kept ? comparisonOf(kept) : {};
};

/** Returns the two lines of the README: what is compared, and when it was last run. */
const readmeLines = (): Record<string, string> => {
  const own = PARTS.flatMap(({ name }) => readPartResults(name) ?? []);
  const kubernetes = keptResults();
  const dates = [...own, ...kubernetes].map(({ date }) => date);
  const accepted =
    own.reduce((sum, { accepted: those }) => sum + timesOf(those), 0) +
    kubernetes.reduce((sum, one) => sum + acceptedOf(one), 0);
  const versions = kubernetes.map((one) => one.kubernetes.replace(/^v(\d+\.\d+)\..*/, '$1')).join(' and ');
  return {
    compared: [
      `> What the tests rely on is compared with programs that are independent of this project: the AWS SDKs for Python, JavaScript and Go, another interpreter of Step Functions, cfn-lint and moto's CloudFormation, schemathesis, eksctl, and control planes of Kubernetes ${versions}.`,
      `> Last run: ${dates.toSorted()[0] ?? ''}. ${accepted} accepted differences, each with its reason ([docs/conformance.md](docs/conformance.md)); \`npm run conformance\` repeats it.`,
    ].join('\n'),
  };
};

/** The documents that show results. */
export const DOCUMENTS: readonly Document[] = [
  { file: join(ROOT, 'README.md'), contents: readmeLines },
  { file: OVERVIEW, contents: overview },
  { file: join(DOCS, 'conformance-kubernetes.md'), contents: () => contentsOf(keptResults()) },
  { file: join(DOCS, 'comparison.md'), contents: comparison },
];

/** Returns the document's text with the kept results. */
export const withResults = (text: string, { file, contents }: Document): string =>
  withPositions(text, contents(), { script: SCRIPT, file });

/** Writes the documents. Returns the exit code. */
export const writeDocuments = async (): Promise<number> => {
  for (const document of DOCUMENTS) {
    const before = readFileSync(document.file, 'utf8');
    const after = withResults(before, document);
    if (after === before) continue;
    writeFileSync(document.file, after);
    console.log(`Wrote the results into ${relative(ROOT, document.file)}.`);
  }
  return 0;
};
