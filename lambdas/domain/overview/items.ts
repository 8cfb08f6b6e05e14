/** Derives the items of an overview from what was observed, and groups what blocks them. */
import type { Check } from '../terms/check.ts';
import type { Plan } from '../record/plan.ts';
import { nameOf } from '../plan/attempts.ts';
import { isReasonToKeepIrsa } from '../plan/fit.ts';
import { rolesOf } from '../plan/roles.ts';
import { blockingChecksOf, classify, type SeenAddon } from '../sweep/classify.ts';
import type { SweepClass } from '../sweep/model.ts';
import type { Overview, OverviewCause, OverviewItem } from './model.ts';

/** Returns the check that could not read the API server, without which nothing else is certain. */
const unreadCheck = ({ checks }: Pick<Plan, 'checks'>): Check | undefined =>
  checks.find(({ id, status }) => id === 'kubernetes-access' && status === 'unknown');

/**
 * Returns the item's fields that follow from its plan. A plan that could not read the API server is `unknown`: what else
 * blocks it may do so only because of that.
 */
function byPlan(
  plan: Plan,
): Pick<OverviewItem, 'verdict' | 'attempts' | 'roles' | 'blockedBy'> &
  Partial<Pick<OverviewItem, 'forecastSeconds' | 'reason'>> {
  const unread = plan.verdict === 'blocked' ? unreadCheck(plan) : undefined;
  const verdict = plan.verdict === 'already-migrated' ? 'migrated' : unread ? 'unknown' : plan.verdict;
  return {
    verdict,
    attempts: plan.attempts.map(nameOf),
    roles: [...rolesOf(plan)].sort(),
    blockedBy: verdict === 'migrated' ? [] : blockingChecksOf(plan.checks),
    ...(plan.forecast && verdict !== 'keep-irsa' ? { forecastSeconds: plan.forecast.seconds } : {}),
    ...(unread ? { reason: unread.message } : {}),
  };
}

/** Verdict and identity of an add-on without an IRSA role, or one that could not be read. */
const WITHOUT_PLAN: Partial<Record<SweepClass, Pick<OverviewItem, 'identity' | 'verdict'>>> = {
  'on-pod-identity': { identity: 'pod-identity', verdict: 'migrated' },
  'node-role': { identity: 'node-role', verdict: 'nothing-to-migrate' },
  'not-concerned': { identity: 'none', verdict: 'nothing-to-migrate' },
};

export function addonItem(seen: SeenAddon): OverviewItem {
  const base = {
    kind: 'add-on' as const,
    name: seen.name,
    ...(seen.version === undefined ? {} : { version: seen.version }),
  };
  if ('plan' in seen)
    return {
      ...base,
      identity: seen.plan.verdict === 'already-migrated' ? 'pod-identity' : 'irsa',
      ...byPlan(seen.plan),
    };
  const { class: found, reason } = classify(seen);
  return {
    ...base,
    ...(WITHOUT_PLAN[found] ?? { identity: 'unknown', verdict: 'unknown' }),
    attempts: [],
    roles: [],
    blockedBy: [],
    ...(reason === undefined ? {} : { reason }),
    ...(found === 'node-role'
      ? { reason: 'The add-on has no role of its own. To give it one with Pod Identity, name it: --role-arn.' }
      : {}),
  };
}

/** Returns the item of an annotated service account. `associated`: it has an association. */
export function accountItem(name: string, plan: Plan, associated: boolean): OverviewItem {
  const found = byPlan(plan);
  const identity = found.verdict === 'migrated' ? 'pod-identity' : associated ? 'both' : 'irsa';
  return { kind: 'service-account', name, identity, ...found };
}

/** Returns the item of a service account that could not be read. */
export const unreadAccount = (name: string, reason: string): OverviewItem => ({
  kind: 'service-account',
  name,
  identity: 'irsa',
  verdict: 'unknown',
  attempts: [],
  roles: [],
  blockedBy: [],
  reason,
});

/**
 * Returns the causes of the items with that verdict, the most frequent first. Of an item whose IRSA is to be kept, only the
 * reasons for that count: what else blocks it need not be mended.
 */
export function causesOf(items: readonly OverviewItem[], of: 'blocked' | 'keep-irsa' = 'blocked'): OverviewCause[] {
  const causes = new Map<string, OverviewCause>();
  for (const { name, verdict, blockedBy } of items) {
    if (verdict !== of) continue;
    const shown = of === 'keep-irsa' ? blockedBy.filter(isReasonToKeepIrsa) : blockedBy;
    for (const { id, message, remedy } of shown) {
      const known = causes.get(id);
      if (!known)
        causes.set(id, { id, items: [name], message, ...(remedy === undefined ? {} : { remedy }), isCommon: true });
      else {
        known.items.push(name);
        known.isCommon &&= known.message === message && known.remedy === remedy;
      }
    }
  }
  return [...causes.values()].sort((a, b) => b.items.length - a.items.length || (a.id < b.id ? -1 : 1));
}

/** Returns the number of items with each verdict. */
export function countsOf(items: readonly OverviewItem[]): Overview['counts'] {
  const counts: Overview['counts'] = {
    migrate: 0,
    blocked: 0,
    'keep-irsa': 0,
    unknown: 0,
    migrated: 0,
    'nothing-to-migrate': 0,
  };
  for (const { verdict } of items) counts[verdict] += 1;
  return counts;
}

/** Returns whether everything was read and nothing is blocked. What keeps IRSA needs nothing. */
export const isClear = ({ counts, unread }: Pick<Overview, 'counts' | 'unread'>): boolean =>
  unread.length === 0 && counts.blocked === 0 && counts.unknown === 0;
