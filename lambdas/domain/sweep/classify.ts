/**
 * The class of each add-on that a sweep finds: one, and never none. A migration's own plan decides what is ready and
 * what blocks.
 */
import { knownAddon } from '../addons/registry.ts';
import type { Addon, Check, Plan } from '../migration/model.ts';
import { blocks } from '../plan/attempts.ts';
import { isMigrated } from '../plan/plan.ts';
import { rolesOf } from '../plan/roles.ts';
import type { BlockingCheck, SweepFinding, SweepLocation } from './model.ts';

/** What was seen of an add-on. */
export type SeenAddon = { name: string; version?: string | undefined } & (
  | { leftOut: string }
  /** It could not be read, and why. */
  | { unread: string }
  /**
   * One without an IRSA role. `takes`: service accounts that its version takes associations for; `associated`: those of
   * them that have one.
   */
  | { addon: Addon; takes: readonly string[]; associated: readonly string[] }
  /**
   * One with an IRSA role. `unanswered`: why the API server gave no answer, and the plan had to do without;
   * `agentKnown`: EKS itself knows an agent in the cluster.
   */
  | { plan: Plan; unanswered?: string | undefined; agentKnown: boolean }
);

type Judged = Pick<SweepFinding, 'class'> & Partial<SweepFinding>;

/** Each check once: what it says of several roles stands together. */
function blockingChecksOf(checks: readonly Check[]): BlockingCheck[] {
  const found = new Map<string, { messages: Set<string>; remedies: Set<string> }>();
  for (const { id, message, remedy } of checks.filter(blocks)) {
    const one = found.get(id) ?? { messages: new Set(), remedies: new Set() };
    one.messages.add(message);
    if (remedy !== undefined) one.remedies.add(remedy);
    found.set(id, one);
  }
  return [...found].map(([id, { messages, remedies }]) => ({
    id,
    message: [...messages].join(' '),
    ...(remedies.size > 0 ? { remedy: [...remedies].join(' ') } : {}),
  }));
}

/**
 * Whether it says no more than that the API server gave no answer: an agent that EKS does not know may be there all the
 * same.
 */
const isForWantOfAnswer = ({ id, status }: Check, agentKnown: boolean): boolean =>
  id === 'kubernetes-access' ||
  (id === 'agent' && !agentKnown) ||
  // The annotation could have shown it.
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
    reason: 'It needs no rights in AWS: its version takes no association, and it has no role.',
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

/** Of a cluster of whose add-ons nothing is known. */
export const unreachableCluster = (reason: string): SweepFinding => ({
  class: 'unreachable',
  reason,
  checks: [],
  roles: [],
});

/**
 * EKS's states of a cluster in which it answers; one that is being updated does. Source: EKS API Reference, Cluster,
 * status.
 */
const ANSWERING: readonly string[] = ['ACTIVE', 'UPDATING'];

/** Why a cluster in that state is not looked into. */
export const stateReason = (name: string, status: string): string | undefined =>
  ANSWERING.includes(status) ? undefined : `Cluster ${name} is ${status}.`;

/**
 * How AWS refuses valid credentials in a region that their account has not enabled: EKS, and STS. Source: boto3#3533;
 * AWS Account Management Reference Guide, "Enable or disable AWS Regions".
 */
const NOT_ENABLED = /: (UnrecognizedClientException|InvalidClientTokenId|RegionDisabledException): /;

/** Why a region of an account can't be looked at, by what its first call said. */
export const locationReason = ({ account, region }: SweepLocation, message: string): string =>
  NOT_ENABLED.test(message)
    ? `Region ${region} is most likely not enabled in account ${account}: enable it there, or leave it out of the sweep. ${message}`
    : message;
