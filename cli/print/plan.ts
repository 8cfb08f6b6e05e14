import { plannedText } from '../../lambdas/domain/associations/associations.ts';
import type { Plan, PlanStep } from '../../lambdas/domain/record/plan.ts';
import { hanging, oneLine, type Style } from '../text/style.ts';
import { trustRepairsSection } from './trust.ts';
import { consumersSection } from './consumers.ts';
import { carriedOverLines, DISRUPTION, attemptName, attemptsSection } from './attempts.ts';

const stepLines = (step: PlanStep, index: number, style: Style): string[] => {
  const { text, format } = DISRUPTION[step.disruption];
  const lines = hanging(`  ${String(index + 1).padStart(2)}. `, step.what, style);
  if (step.calls.length === 0) return lines;
  lines.push(...hanging('      calls: ', step.calls.join(', '), style, 'cyan'));
  if (step.disruption !== 'none') lines.push(`      ${style.paint(format, text)}`);
  if (step.undo) lines.push(...hanging('      undo:  ', step.undo, style, 'dim'));
  return lines;
};

/**
 * Returns the plan: its attempts, the steps of the first one with their API calls, disruption and undo, statements to
 * add to trust policies, associations to delete and create, and what else uses the web identity. A plan that changes
 * nothing has the last part alone.
 */
export const planSection = (plan: Plan, style: Style): string[] => {
  const consumers = consumersSection(plan, style);
  if (plan.verdict !== 'migrate') return consumers;
  const removed = plan.purge.map((id) => `  ${style.paint('red', '-')} association ${id}`);
  const made = plan.associations.flatMap((one) =>
    oneLine(`  ${style.paint('green', '+')} association `, plannedText(one), style),
  );
  const lost = plan.identityLosses.flatMap(({ namespace, serviceAccount, identity }) =>
    oneLine(`  ${style.paint('red', '!')} `, `none for ${namespace}/${serviceAccount}: ${identity} → node-role`, style),
  );
  const [first] = plan.attempts;
  return [
    ...attemptsSection(plan, style),
    '',
    `${style.paint('bold', 'Steps')}${first ? `  ${attemptName(first)}` : ''}`,
    ...plan.steps.flatMap((step, index) => stepLines(step, index, style)),
    ...trustRepairsSection(plan, style),
    '',
    style.paint('bold', 'Associations'),
    ...removed,
    ...made,
    ...lost,
    ...carriedOverLines(plan, style),
    ...consumers,
    '',
    style.paint('dim', `Plan ${plan.hash}`),
  ];
};
