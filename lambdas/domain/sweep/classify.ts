/**
 * Determines the class of each add-on that a sweep finds: exactly one. The plan of a migration decides whether the
 * add-on
 * is ready, and what blocks it.
 */
import { knownAddon } from '../addons/registry.ts';
import type { Addon } from '../terms/observed.ts';
import type { Check } from '../terms/check.ts';
import type { Plan } from '../record/plan.ts';
import { blocks } from '../plan/attempts.ts';
import { isReasonToKeepIrsa } from '../plan/fit.ts';
import { isMigrated } from '../plan/plan.ts';
import { rolesOf } from '../plan/roles.ts';
import type { BlockingCheck, SweepFinding, SweepLocation } from './model.ts';

/** What was observed of an add-on. */
export type SeenAddon = { name: string; version?: string | undefined } & (
  | { leftOut: string }
  /** Why the add-on could not be read. */
  | { unread: string }
  /**
   * An add-on without an IRSA role. `takes`: service accounts for which its version takes associations; `associated`:
   * those of them that have an association.
   */
  | { addon: Addon; takes: readonly string[]; associated: readonly string[] }
  /**
   * An add-on with an IRSA role. `unanswered`: why the API server could not be read when the plan was made;
   * `agentKnown`:
   * EKS itself shows an agent in the cluster.
   */
  | { plan: Plan; unanswered?: string | undefined; agentKnown: boolean }
);

type Judged = Pick<SweepFinding, 'class'> & Partial<SweepFinding>;

/** Returns the remedies as one; a full stop does not become part of a command that ends one of them. */
const joinRemedies = (remedies: readonly string[]): string =>
  remedies
    .map((remedy, index) => (index < remedies.length - 1 && !remedy.endsWith('.') ? `${remedy} .` : remedy))
    .join(' ');

/** Returns each blocking check once, with its messages about several roles combined. */
export function blockingChecksOf(checks: readonly Check[]): BlockingCheck[] {
  const found = new Map<string, { messages: Set<string>; remedies: Set<string>; isReason: boolean }>();
  for (const check of checks.filter(blocks)) {
    const { id, message, remedy } = check;
    const one = found.get(id) ?? { messages: new Set(), remedies: new Set(), isReason: false };
    one.isReason ||= isReasonToKeepIrsa(check);
    one.messages.add(message);
    if (remedy !== undefined) one.remedies.add(remedy);
    found.set(id, one);
  }
  return [...found].map(([id, { messages, remedies, isReason }]) => ({
    id,
    message: [...messages].join(' '),
    ...(remedies.size > 0 ? { remedy: joinRemedies([...remedies]) } : {}),
    ...(isReason ? { keepIrsa: true as const } : {}),
  }));
}

/**
 * Returns whether a check blocks only because the API server could not be read: an agent that EKS does not show may
 * still
 * exist.
 */
const isForWantOfAnswer = ({ id, status }: Check, agentKnown: boolean): boolean =>
  id === 'kubernetes-access' ||
  (id === 'agent' && !agentKnown) ||
  // The annotation, which could not be read, might have shown the grant.
  (id === 'role-grant' && status === 'unknown');

function byPlan({
  plan,
  unanswered,
  agentKnown,
}: {
  plan: Plan;
  unanswered?: string | undefined;
  agentKnown: boolean;
}): Judged {
  if (plan.verdict === 'already-migrated') return { class: 'on-pod-identity' };
  if (plan.verdict === 'migrate') return { class: 'ready', roles: [...rolesOf(plan)].sort() };
  const checks = blockingChecksOf(plan.checks);
  if (plan.verdict === 'keep-irsa') return { class: 'keep-irsa', checks };
  if (unanswered !== undefined && plan.checks.filter(blocks).every((check) => isForWantOfAnswer(check, agentKnown)))
    return { class: 'unreachable', reason: unanswered };
  return { class: 'blocked', checks };
}

function withoutRole({
  addon,
  takes,
  associated,
}: {
  addon: Addon;
  takes: readonly string[];
  associated: readonly string[];
}): Judged {
  if (isMigrated(addon) || (takes.length > 0 && takes.every((account) => associated.includes(account))))
    return { class: 'on-pod-identity' };
  if (takes.length > 0 || knownAddon(addon.name)?.needsIam === true) return { class: 'node-role' };
  return {
    class: 'not-concerned',
    reason: 'The add-on needs no permissions in AWS: its version takes no association, and it has no role.',
  };
}

function judge(seen: SeenAddon): Judged {
  if ('leftOut' in seen) return { class: 'not-concerned', reason: seen.leftOut };
  if ('unread' in seen) return { class: 'unreachable', reason: seen.unread };
  return 'plan' in seen ? byPlan(seen) : withoutRole(seen);
}

export const classify = (seen: SeenAddon): SweepFinding => ({
  addon: seen.name,
  ...(seen.version === undefined ? {} : { version: seen.version }),
  checks: [],
  roles: [],
  ...judge(seen),
});

/** Returns the finding for a cluster whose add-ons are not known. */
export const unreachableCluster = (reason: string): SweepFinding => ({
  class: 'unreachable',
  reason,
  checks: [],
  roles: [],
});

/**
 * The states of a cluster in which it can be inspected, which includes updates. Source: EKS API Reference, Cluster,
 * status.
 */
const ANSWERING: readonly string[] = ['ACTIVE', 'UPDATING'];

/** Returns why a cluster in that state is not inspected; `undefined` if it is. */
export const stateReason = (name: string, status: string): string | undefined =>
  ANSWERING.includes(status) ? undefined : `Cluster ${name} is ${status}.`;

/**
 * The errors of EKS and STS for valid credentials in a region that their account has not enabled. Source: boto3#3533;
 * AWS
 * Account Management Reference Guide, "Enable or disable AWS Regions".
 */
const NOT_ENABLED = /: (UnrecognizedClientException|InvalidClientTokenId|RegionDisabledException): /;

/** Returns why a location can't be inspected, based on the error of its first call. */
export const locationReason = ({ account, region }: SweepLocation, message: string): string =>
  NOT_ENABLED.test(message)
    ? `Region ${region} is most likely not enabled in account ${account}: enable it there, or leave it out of the sweep. ${message}`
    : message;
