import type { Check } from '../../lambdas/domain/terms/check.ts';
import { isReasonToKeepIrsa } from '../../lambdas/domain/plan/fit.ts';
import { remedyLines } from '../text/remedy.ts';
import { hanging, type Format, type Style } from '../text/style.ts';

const MARKS: Record<Check['status'], { mark: string; format: Format }> = {
  fail: { mark: '✖', format: 'red' },
  unknown: { mark: '?', format: 'yellow' },
  warn: { mark: '!', format: 'yellow' },
  pass: { mark: '✔', format: 'green' },
};
const ORDER = Object.keys(MARKS) as Check['status'][];

export const isBlocking = ({ status }: Pick<Check, 'status'>): boolean => status === 'fail' || status === 'unknown';

/** Returns the warnings of a report. */
export const warningsSection = (warnings: readonly Check[], style: Style): string[] =>
  warnings.length === 0 || style.detail === 'quiet'
    ? []
    : ['', style.paint('bold', 'Warnings'), ...warnings.flatMap((warning) => checkLines(warning, style))];

/** Returns the number of checks that passed, in one line. */
const passedLine = (passed: number, style: Style): string[] =>
  passed === 0
    ? []
    : [
        `  ${style.paint('green', '✔')} ${style.paint('dim', `${passed} check${passed === 1 ? '' : 's'} passed; --verbose lists ${passed === 1 ? 'it' : 'them'}`)}`,
      ];

/** Returns the reasons to keep IRSA, each with what to change to migrate all the same. */
export const reasonSection = (checks: readonly Check[], style: Style): string[] => {
  const reasons = checks.filter(isReasonToKeepIrsa);
  if (reasons.length === 0) return [];
  return [
    '',
    style.paint('bold', reasons.length === 1 ? 'Reason' : 'Reasons'),
    ...reasons.flatMap((reason) => checkLines(reason, style, style.paint('cyan', '='))),
  ];
};

/**
 * Returns the checks, those that did not pass first, with their remedies. Those that passed are one line, unless the
 * output is verbose; a quiet output has only those that block.
 */
export const checksSection = (checks: readonly Check[], style: Style): string[] => {
  const { detail } = style;
  // `reasonSection` has these.
  const others = checks.filter((check) => !isReasonToKeepIrsa(check));
  const sorted = [...others].sort((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status));
  const listed = sorted.filter((check) =>
    detail === 'verbose' ? true : detail === 'quiet' ? isBlocking(check) : check.status !== 'pass',
  );
  const passed = detail === 'normal' ? checks.filter(({ status }) => status === 'pass').length : 0;
  if (listed.length === 0 && passed === 0) return [];
  const counts = ORDER.map((status) => ({ status, n: others.filter((check) => check.status === status).length }))
    .filter(({ n }) => n > 0)
    .map(({ status, n }) => `${n} ${status}`)
    .join(', ');
  return [
    '',
    `${style.paint('bold', 'Checks')}${detail === 'quiet' ? '' : `  ${counts}`}`,
    ...listed.flatMap((check) => checkLines(check, style)),
    ...passedLine(passed, style),
  ];
};

const signOf = ({ status }: Check, style: Style): string => style.paint(MARKS[status].format, MARKS[status].mark);

export const checkLines = (check: Check, style: Style, sign = signOf(check, style)): string[] => {
  const lines = hanging(`  ${sign} `, `${check.id}: ${check.message}`, style);
  if (check.status === 'pass') return lines;
  if (check.remedy) lines.push(...remedyLines('      do: ', check.remedy, style));
  if (check.source && style.detail !== 'quiet') lines.push(...hanging('      see: ', check.source, style, 'dim'));
  return lines;
};
