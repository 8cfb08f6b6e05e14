/** Output of `doctor`: a line for each check in the order in which they were made, with the remedy below. */
import type { Check } from '../../lambdas/domain/migration/model.ts';
import { wrapped } from '../errors.ts';
import { checkLines, isBlocking } from '../print/checks.ts';
import { hanging, type Style } from '../print/style.ts';
import type { Wanted } from './options.ts';

const DONE: Record<Wanted, string> = {
  plan: 'Ready to plan',
  migrate: 'Ready to migrate with the deployed service',
  deploy: 'Ready to deploy the service',
};

export interface DoctorReport {
  wanted: Wanted;
  ready: boolean;
  checks: Check[];
}

/** Returns whether nothing that was checked prevents what is wanted. */
export const isReady = (checks: readonly Check[]): boolean => checks.every(({ status }) => status !== 'fail');

const count = (checks: readonly Check[], status: Check['status']): number =>
  checks.filter((check) => check.status === status).length;

const verdictOf = ({ wanted, checks }: DoctorReport): string => {
  const [failed, open] = [count(checks, 'fail'), count(checks, 'unknown')];
  if (failed > 0) return `Not ready to ${wanted}: ${failed} of ${checks.length} checks failed.`;
  return `${DONE[wanted]}${open > 0 ? `, as far as could be checked: ${open} of ${checks.length} checks ${open === 1 ? 'is' : 'are'} open` : ''}.`;
};

/** Returns the lines of a check, with the commands of its remedy whole. */
const linesOf = ({ remedy, ...check }: Check, style: Style): string[] => [
  ...checkLines(check, style),
  ...(remedy && check.status !== 'pass' ? wrapped('      do: ', remedy, style) : []),
];

/** `next`: what to do next, in the last line. */
export const doctorLines = (report: DoctorReport, next: string, style: Style): string[] => {
  const shown = style.detail === 'quiet' ? report.checks.filter(isBlocking) : report.checks;
  return [
    ...shown.flatMap((check) => linesOf(check, style)),
    ...(shown.length === 0 ? [] : ['']),
    ...hanging('', verdictOf(report), style).map((line) => style.paint(['bold', report.ready ? 'green' : 'red'], line)),
    next,
  ];
};
