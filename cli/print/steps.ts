import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { StepLine } from '../../lambdas/domain/terms/evidence.ts';
import { stepOrder, stepTitle } from '../step-names.ts';
import { between } from '../text/duration.ts';
import { oneLine, type Style } from '../text/style.ts';
import { table } from './table.ts';

/** Fields of a step's answer that the headline already shows, or that only the state machine uses. */
const OMITTED = new Set([
  'target',
  'subject',
  'attempts',
  'failure',
  'attempt',
  'planHash',
  'needsApproval',
  'approvalSeconds',
  'hasWindow',
]);

const words = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const fieldText = ([name, value]: [string, unknown]): string[] => {
  if (OMITTED.has(name) || value === false) return [];
  if (value === true) return [words(name)];
  const text = Array.isArray(value)
    ? value.filter((one) => typeof one !== 'object').join(' ')
    : typeof value === 'string' || typeof value === 'number'
      ? String(value)
      : '';
  return text ? [`${words(name)} ${text}`] : [];
};

/** Returns a verification's answer: how many pods are as expected or stayed ready, and whether they are observed next. */
const podsText = (given: Record<string, unknown>): string[] => {
  const { podsAsExpected, podsThatCount, podsReady, settleSeconds, verdict, why } = given;
  const ofAll = (count: unknown, what: string): string[] =>
    typeof count === 'number' && typeof podsThatCount === 'number' ? [`${count} of ${podsThatCount} pods ${what}`] : [];
  if (podsReady !== undefined) return ofAll(podsReady, `stayed ready${typeof why === 'string' ? `. ${why}` : ''}`);
  if (typeof settleSeconds === 'number') return ofAll(podsAsExpected, `verified, then observed for ${settleSeconds} s`);
  return [...fieldText(['verdict', verdict]), ...fieldText(['why', why]), ...ofAll(podsAsExpected, 'verified')];
};

/** Fields that `podsText` shows, or that only the state machine reads. */
const OF_PODS = new Set([
  'podsAsExpected',
  'podsThatCount',
  'podsReady',
  'settleSeconds',
  'verdict',
  'waitSeconds',
  'why',
]);

/** Returns, as JSON text, the plain fields at the beginning of a long answer, which the ledger truncates. */
const beginning = (cut: string): string =>
  `${/^\{(?:"\w+":(?:"(?:[^"\\]|\\.)*"|[\w.-]+),)*/.exec(cut)?.[0].replace(/,$/, '') ?? ''}}`;

const fieldsOf = (text: string): string | undefined => {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    const others = Object.entries(parsed).filter(([name]) => !OF_PODS.has(name));
    return [...podsText(parsed as Record<string, unknown>), ...others.flatMap(fieldText)].join(', ');
  } catch {
    return undefined;
  }
};

/** Returns a step's answer, which is stored as JSON text, as plain text: `{"purged":["a-1"]}` becomes `purged a-1`. */
export const resultText = (result: string): string => fieldsOf(result) ?? fieldsOf(beginning(result)) ?? result;

/** Returns the table of the steps. Steps that began at the same time are in the order of the workflow. */
export const stepsSection = (report: Pick<MigrationReport, 'steps' | 'simulated'>, style: Style): string[] => [
  '',
  ...oneLine(
    `${style.paint('bold', 'Steps')}${report.simulated ? '  ' : ''}`,
    report.simulated ? `durations are simulated: they come from the scenario's knobs` : '',
    style,
  ),
  ...table<StepLine>(
    [...report.steps].sort((a, b) => a.startedAt.localeCompare(b.startedAt) || stepOrder(a.name) - stepOrder(b.name)),
    [
      { title: 'STEP', value: (line) => stepTitle(line.name) },
      { title: 'TOOK', value: (line) => between(line.startedAt, line.endedAt), align: 'right' },
      { title: 'TRIES', value: (line) => String(line.tries), align: 'right', optional: true },
      {
        title: 'RESULT',
        value: (line) => (line.error ? style.paint('red', line.error.name) : resultText(line.result ?? '')),
      },
    ],
    style,
  ),
];
