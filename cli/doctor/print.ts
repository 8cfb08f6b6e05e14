/** Output of `doctor`: a line for each check in the order in which they were made, with the remedy below. */
import type { Check } from '../../lambdas/domain/terms/check.ts';
import { checkLines, isBlocking } from '../print/checks.ts';
import { oneLine, type Style } from '../text/style.ts';
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

/** What to do next: why, and a command to paste if there is one. */
export interface Next {
  why: string;
  command?: string;
}

/** Returns the checks, the verdict, and what to do next, in the last line. */
export const doctorLines = (report: DoctorReport, { why, command }: Next, style: Style): string[] => {
  const shown = style.detail === 'quiet' ? report.checks.filter(isBlocking) : report.checks;
  return [
    ...shown.flatMap((check) => checkLines(check, style)),
    ...(shown.length === 0 ? [] : ['']),
    ...oneLine('', verdictOf(report), style).map((line) => style.paint(['bold', report.ready ? 'green' : 'red'], line)),
    ...oneLine('', why, style),
    ...(command === undefined ? [] : [`  ${style.paint('bold', command)}`]),
  ];
};
