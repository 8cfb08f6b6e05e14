import type { MigrationReport, StepLine } from '../../lambdas/domain/migration/model.ts';
import { stepOrder, stepTitle } from '../step-names.ts';
import { between } from './duration.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';

/** Fields of a step's answer that the headline has said already, or that are for the state machine alone. */
const SAID = new Set([
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
  if (SAID.has(name) || value === false) return [];
  if (value === true) return [words(name)];
  const text = Array.isArray(value)
    ? value.join(' ')
    : typeof value === 'string' || typeof value === 'number'
      ? String(value)
      : '';
  return text ? [`${words(name)} ${text}`] : [];
};

/** Of a long answer, which the ledger cuts off: the plain fields that it begins with, as JSON text. */
const beginning = (cut: string): string =>
  `${/^\{(?:"\w+":(?:"(?:[^"\\]|\\.)*"|[\w.-]+),)*/.exec(cut)?.[0].replace(/,$/, '') ?? ''}}`;

const fieldsOf = (text: string): string | undefined => {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null
      ? Object.entries(parsed).flatMap(fieldText).join(', ')
      : undefined;
  } catch {
    return undefined;
  }
};

/** A step's answer is kept as JSON text: `{"purged":["a-1"]}` becomes `purged a-1`; other text stays. */
export const resultText = (result: string): string => fieldsOf(result) ?? fieldsOf(beginning(result)) ?? result;

/** How long each step took. Steps that began in the same instant stand in the order of the road. */
export const stepsSection = (report: Pick<MigrationReport, 'steps' | 'simulated'>, style: Style): string[] => [
  '',
  `${style.paint('bold', 'Steps')}${report.simulated ? `  durations are simulated: they come from the scenario's knobs` : ''}`,
  ...table<StepLine>(
    [...report.steps].sort((a, b) => a.startedAt.localeCompare(b.startedAt) || stepOrder(a.name) - stepOrder(b.name)),
    [
      { title: 'STEP', value: (line) => stepTitle(line.name) },
      { title: 'TOOK', value: (line) => between(line.startedAt, line.endedAt), align: 'right' },
      { title: 'ATTEMPTS', value: (line) => String(line.tries), align: 'right' },
      {
        title: 'RESULT',
        value: (line) => (line.error ? style.paint('red', line.error.name) : resultText(line.result ?? '')),
      },
    ],
    style,
  ),
];
