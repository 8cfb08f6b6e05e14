/** Lines about the cases' results. */
import type { Difference, Result } from './compare.ts';
import type { CasesReport } from './run.ts';

const MOST = 200;

const shortText = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
};

/** Returns the parts in which two values differ, by their paths: long values usually differ in one place. */
const differingParts = (sandbox: unknown, real: unknown, path = ''): string[] => {
  const areObjects = [sandbox, real].every((one) => typeof one === 'object' && one !== null);
  if (!areObjects || Array.isArray(sandbox) !== Array.isArray(real))
    return JSON.stringify(sandbox) === JSON.stringify(real)
      ? []
      : [`${path === '' ? '' : `${path}: `}sandbox ${shortText(sandbox)}, real ${shortText(real)}`];
  const [one, other] = [sandbox, real] as Record<string, unknown>[];
  const keys = new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})]);
  return [...keys].flatMap((key) => differingParts(one?.[key], other?.[key], path === '' ? key : `${path}.${key}`));
};

const differenceLines = ({ fact, sandbox, real, reason }: Difference): string[] => {
  const [first = 'the order of members differs', ...more] = differingParts(sandbox, real);
  return [
    `  ${fact}: ${first}${more.length > 0 ? ` (and ${more.length} more)` : ''}`,
    ...(reason === undefined ? [] : [`    accepted: ${reason}`]),
  ];
};

/** Returns the lines of one result: `statefulset-partition: equal, 15 facts, 20.7 s`, and its differences. */
export const caseLines = ({ name, verdict, facts, seconds, differences }: Result, brief = false): string[] => [
  ...(brief && verdict === 'equal' ? [] : [`${name}: ${verdict}, ${facts} facts, ${seconds.toFixed(1)} s`]),
  ...differences.flatMap((difference) => (brief && difference.reason !== undefined ? [] : differenceLines(difference))),
];

/** Returns the lines after all results. */
export const summaryLines = ({ results, unused }: CasesReport): string[] => {
  const count = (verdict: Result['verdict']): number => results.filter((one) => one.verdict === verdict).length;
  const facts = results.reduce((sum, one) => sum + one.facts, 0);
  return [
    ...unused.map(
      (one) => `${one.case}: "${one.fact}" no longer differs. Remove it from conformance/kubernetes/cases/reasons.ts.`,
    ),
    `${results.length} cases with ${facts} facts: ${count('equal')} equal, ${count('accepted')} accepted, ${count('different')} different.`,
  ];
};
