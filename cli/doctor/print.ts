/** Output of `doctor`: a line for each check in the order in which they were made, with the remedy below. */
import type { Check } from '../../lambdas/domain/migration/model.ts';
import { checkLines } from '../print/checks.ts';
import { oneLine, type Style } from '../print/style.ts';
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

/** `next`: a command to paste, on the last line. */
export const doctorLines = (report: DoctorReport, next: string, style: Style): string[] => [
  ...report.checks.flatMap((check) => checkLines(check, style)),
  '',
  ...oneLine('', verdictOf(report), style).map((line) => style.paint(['bold', report.ready ? 'green' : 'red'], line)),
  'Next:',
  `  ${style.paint('bold', next)}`,
];
