import type { MigrationReport, Plan, PlanStep } from '../../lambdas/domain/model.ts';
import { hanging, type Format, type Style } from './style.ts';

const DISRUPTION: Record<PlanStep['disruption'], { text: string; format: Format }> = {
  none: { text: 'no disruption', format: 'green' },
  rolling: { text: 'pods roll, capacity stays', format: 'yellow' },
  outage: { text: "outage: the add-on's software is not running for a while", format: 'red' },
};

const stepLines = (step: PlanStep, index: number, style: Style): string[] => {
  const { text, format } = DISRUPTION[step.disruption];
  const lines = hanging(`  ${String(index + 1).padStart(2)}. `, step.what, style);
  if (step.calls.length === 0) return lines;
  lines.push(...hanging('      calls: ', step.calls.join(', '), style, 'cyan'));
  if (step.disruption !== 'none') lines.push(`      ${style.paint(format, text)}`);
  if (step.undo) lines.push(...hanging('      undo:  ', step.undo, style, 'dim'));
  return lines;
};

/** What would be done: the steps with their API calls, disruption and way back; what is removed and what is made. */
export const planSection = (plan: Plan, style: Style): string[] => {
  if (plan.verdict !== 'migrate') return [];
  const removed = plan.purge.map((id) => `  ${style.paint('red', '-')} association ${id}`);
  const made = plan.associations.map(
    ({ namespace, serviceAccount, roleArn }) => `  ${style.paint('green', '+')} association ${namespace}/${serviceAccount} → ${roleArn}`,
  );
  return [
    '',
    `${style.paint('bold', 'Steps')}  strategy ${plan.strategy}${plan.preserve ? ', preserve' : ''}`,
    ...plan.steps.flatMap((step, index) => stepLines(step, index, style)),
    '',
    style.paint('bold', 'Associations'),
    ...removed,
    ...made,
    '',
    style.paint('dim', `Plan ${plan.hash}`),
  ];
};

/** The line under a plan: what to type to carry it out. `command`: the options of this run, without `--dry-run`. */
export const planNext = (report: MigrationReport, command: string, style: Style): string[] =>
  report.outcome === 'planned' ? ['', `Nothing was changed. To carry it out:`, `  ${style.paint('bold', command)}`] : [];
