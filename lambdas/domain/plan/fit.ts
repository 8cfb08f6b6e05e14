/**
 * Decides what a plan comes to: whether it changes something, is blocked, or shows that IRSA is the better fit. The last
 * is a result of its own, since nothing has to be mended (ADR 85).
 */
import type { Check } from '../terms/check.ts';
import type { Plan } from '../record/plan.ts';
import { blocks } from './attempts.ts';

/** Returns whether a check fails for a reason for which IRSA is the better fit. */
export const isReasonToKeepIrsa = ({ keepIrsa }: Pick<Check, 'keepIrsa'>): boolean => keepIrsa === true;

/** Returns the checks with the reasons to keep IRSA first, so that a reader sees those before what else blocks. */
export const reasonsFirst = (checks: readonly Check[]): Check[] => [
  ...checks.filter(isReasonToKeepIrsa),
  ...checks.filter((check) => !isReasonToKeepIrsa(check)),
];

/** Returns the verdict of a plan that cannot be carried out: one reason to keep IRSA decides, whatever else blocks. */
export const verdictIfBlocked = (checks: readonly Check[]): Extract<Plan['verdict'], 'blocked' | 'keep-irsa'> =>
  checks.some(isReasonToKeepIrsa) ? 'keep-irsa' : 'blocked';

/** Returns the verdict of a plan that would change something, by all its checks. */
export const verdictOf = (checks: readonly Check[]): Exclude<Plan['verdict'], 'already-migrated'> =>
  checks.some(blocks) ? verdictIfBlocked(checks) : 'migrate';
