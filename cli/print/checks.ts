import type { Check } from '../../lambdas/domain/migration/model.ts';
import { hanging, type Format, type Style } from './style.ts';

const MARKS: Record<Check['status'], { mark: string; format: Format }> = {
  fail: { mark: '✖', format: 'red' },
  unknown: { mark: '?', format: 'yellow' },
  warn: { mark: '!', format: 'yellow' },
  pass: { mark: '✔', format: 'green' },
};
const ORDER = Object.keys(MARKS) as Check['status'][];

/** Returns the warnings of a report. */
export const warningsSection = (warnings: readonly Check[], style: Style): string[] =>
  warnings.length === 0
    ? []
    : ['', style.paint('bold', 'Warnings'), ...warnings.flatMap((warning) => checkLines(warning, style))];

/** Returns the counts, then all checks that did not pass with their remedies, then those that passed. */
export const checksSection = (checks: readonly Check[], style: Style): string[] => {
  if (checks.length === 0) return [];
  const counts = ORDER.map((status) => ({ status, n: checks.filter((check) => check.status === status).length }))
    .filter(({ n }) => n > 0)
    .map(({ status, n }) => `${n} ${status}`)
    .join(', ');
  const sorted = [...checks].sort((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status));
  return ['', `${style.paint('bold', 'Checks')}  ${counts}`, ...sorted.flatMap((check) => checkLines(check, style))];
};

export const checkLines = (check: Check, style: Style): string[] => {
  const { mark, format } = MARKS[check.status];
  const lines = hanging(`  ${style.paint(format, mark)} `, `${check.id}: ${check.message}`, style);
  if (check.status === 'pass') return lines;
  if (check.remedy) lines.push(...hanging('      do: ', check.remedy, style));
  if (check.source) lines.push(`      see: ${style.paint('dim', check.source)}`);
  return lines;
};
