/**
 * What new pods show of EKS's webhook. It changes a pod once, at its creation; it learns of a new association late, and it
 * fails open (`failurePolicy: Ignore`), so that a pod that it misses falls back to its IRSA role or to the node role
 * without an error.
 */
import { accountOf } from '../terms/subject.ts';
import type { Pod, Workload } from '../kubernetes/objects.ts';
import { SKIP_ANNOTATION } from '../kubernetes/skip-containers.ts';
import { identitiesCommand } from '../commands/pod-identity.ts';
import type { Check } from '../terms/check.ts';
import type { MigrationRequest } from '../request/request.ts';
import type { PodEvidence } from '../terms/evidence.ts';
import { POD_IDENTITY_CONFIG } from './credential-variables.ts';
import type { AssociatedSince } from './pod-identity.ts';

/** Pods that count, by whether they have an expected identity. */
export interface SortedPods {
  wrong: readonly Pod[];
  right: readonly Pod[];
}

/** Returns what new pods of a workload's service account show. */
export type Shows = (
  workload: Workload,
  pods: SortedPods,
) => {
  /** Pods that are newer show what new pods get. Undefined if nothing needs to be shown. */
  since: string | undefined;
  isWitnessed: boolean;
  /** Whether a pod is of use although its identity is wrong. */
  isOfUse: (pod: Pod) => boolean;
};

/**
 * The time that EKS's webhook has from the creation of an association until a pod without its configuration counts against
 * it. EKS documents "several seconds", and reports name 5 to 10 (aws/eks-pod-identity-agent#52), so ten minutes is sixty
 * times what is known. That costs one pod at a time; a shorter time would cost an outage, or a rollback of pods that work,
 * when the webhook is only slow.
 */
export const WEBHOOK_KNOWS_SECONDS = 600;

/** The number of rolling restarts that a migration, and a rollback, may request before it gives up. */
export const MAX_RESTARTS = 2;

/**
 * The number of pods that are replaced one by one, in an attempt until a new pod has the configuration, in a rollback until
 * one no longer has it; then the rollback creates the association again, and a person decides (WebhookStillInjects). The
 * waits between them grow from 15 s by 15 s, so that the tenth is created when the ten minutes are over.
 */
export const MAX_WITNESSES = 10;

/** The witnesses that must show the same after the webhook has had its time: the webhook may fail once. */
const SURE_WITNESSES = 2;

/**
 * The time in which the webhook's copies, one on each API server, may differ: some have learned of an association, others
 * not yet. EKS documents several seconds, and reports name up to ten.
 */
const COPIES_DIFFER_SECONDS = 30;

/** The first report: the share of injected pods goes from 100 % to 0 % and back over minutes. */
const FLAP_SOURCE = 'https://github.com/aws/eks-pod-identity-agent/issues/153';

type Account = Pick<Workload, 'namespace' | 'serviceAccount'>;
const time = ({ createdAt }: Pick<Pod, 'createdAt'>): number => Date.parse(createdAt);
const latest = (pods: readonly Pod[]): number => Math.max(0, ...pods.map(time));

/** Returns whether the webhook has put the token of EKS Pod Identity into a pod. */
export const isInjected = ({ tokens }: Pick<Pod, 'tokens'>): boolean =>
  tokens.some(({ audience }) => audience === POD_IDENTITY_CONFIG.audience);

/** What is known of the webhook when pods are judged. */
export interface WebhookFacts {
  /** When the newest association of each service account was created, by `namespace/name`. */
  newest: AssociatedSince;
  /** The round of restarts, from 1. The last restart of all pods is kept until the webhook has had its time. */
  round: number;
  /** Milliseconds since 1970. */
  now: number;
}

/** Returns when the newest association of an account was created, in milliseconds; zero if that is not known. */
function sinceOf(newest: AssociatedSince, account: Account): number {
  const since = newest.get(accountOf(account));
  return since === undefined ? 0 : Date.parse(since);
}

/** Returns the latest time that is known: the function's clock may be behind the API server's, by which pods are created. */
export const latestTime = (now: number, pods: readonly Pod[]): number => Math.max(now, latest(pods));

/** Returns the seconds until the webhook has had its time for each of these service accounts; zero if it has. */
export function secondsLeft(accounts: readonly Account[], { newest, now }: Omit<WebhookFacts, 'round'>): number {
  const until = accounts.map((account) => sinceOf(newest, account) / 1000 + WEBHOOK_KNOWS_SECONDS);
  return Math.max(0, Math.ceil(Math.max(0, ...until) - now / 1000));
}

/**
 * Returns how a migration decides whether a pod of a workload goes first. The rest follows once a pod that was created
 * after the association, and after each pod that the webhook missed, is ready with the configuration.
 */
export function showsInjection({ newest, round, now }: WebhookFacts): Shows {
  return (workload, { wrong, right }) => {
    const since = sinceOf(newest, workload);
    const isOwn = (pod: Pod): boolean => accountOf(pod) === accountOf(workload) && time(pod) > since;
    const missed = latest(wrong.filter((pod) => isOwn(pod) && !isInjected(pod)));
    const isKept = round >= MAX_RESTARTS && secondsLeft([workload], { newest, now }) > 0;
    return {
      since: new Date(since).toISOString(),
      isWitnessed: !isKept && right.some((pod) => isOwn(pod) && pod.ready && time(pod) > missed),
      isOfUse: ({ ready }) => ready,
    };
  };
}

/**
 * Returns whether more witnesses would show nothing else: all have been used, or no new pod of a service account is as it
 * should be, although the newest was injected or was created when the webhook had had its time.
 */
export function isInVain(
  { wrong, right }: SortedPods,
  { newest }: Pick<WebhookFacts, 'newest'>,
  tries: number,
): boolean {
  if (tries >= MAX_WITNESSES) return true;
  if (tries < SURE_WITNESSES) return false;
  return wrong.some((pod) => {
    const since = sinceOf(newest, pod);
    const isNewOfSame = (one: Pod): boolean => accountOf(one) === accountOf(pod) && time(one) > since;
    if (time(pod) <= since || right.some(isNewOfSame)) return false;
    return isInjected(pod) || time(pod) >= since + WEBHOOK_KNOWS_SECONDS * 1000;
  });
}

/** Two pods of a service account that show that the webhook injects into some new pods and not into others. */
export interface Flap {
  injected: Pod;
  missed: Pod;
}

/**
 * Returns the first pod that the webhook has missed although it had injected the configuration into an older pod of the
 * same service account, under the same association; undefined if there is none. `counted`: the pods that count.
 */
export function findFlap(
  pods: readonly Pod[],
  counted: readonly Pick<PodEvidence, 'uid' | 'identity'>[],
  newest: AssociatedSince,
): Flap | undefined {
  const identities = new Map(counted.map(({ uid, identity }) => [uid, identity]));
  const seen = pods
    .filter((pod) => identities.has(pod.uid) && time(pod) > sinceOf(newest, pod))
    .sort((a, b) => time(a) - time(b));
  for (const missed of seen) {
    const identity = identities.get(missed.uid);
    if (isInjected(missed) || (identity !== 'irsa' && identity !== 'node-role')) continue;
    if (Object.hasOwn(missed.annotations, SKIP_ANNOTATION)) continue;
    if (time(missed) < sinceOf(newest, missed) + COPIES_DIFFER_SECONDS * 1000) continue;
    const injected = seen.find(
      (pod) => isInjected(pod) && accountOf(pod) === accountOf(missed) && time(pod) < time(missed),
    );
    if (injected) return { injected, missed };
  }
  return undefined;
}

export const INJECTION_FLAPS = 'injection-flaps';

/** Returns the warning that the webhook misses new pods. It stays, and keeps the migration from the level `ready`. */
export const injectionFlaps = ({ injected, missed }: Flap, { target }: Pick<MigrationRequest, 'target'>): Check => ({
  id: INJECTION_FLAPS,
  status: 'warn',
  message: `EKS's webhook does not inject EKS Pod Identity into every new pod of ${accountOf(missed)}: ${missed.name} (created at ${missed.createdAt}) was admitted without it, after ${injected.name} (created at ${injected.createdAt}) had got it. The pods that it misses fall back to their IRSA role or to the node role, without an error.`,
  remedy: `The level of the migration is at most "injected", since the next pod may be missed. Check the pods that are created from now on: ${identitiesCommand(target)} . If some are missed again, open a case with AWS Support, and name ${FLAP_SOURCE}`,
  source: 'aws/eks-pod-identity-agent#153',
});

/** Returns why pods of a migration that is given up are wrong, and what to do next. */
export function notInjectedText(wrong: readonly Pod[], flap: Check | undefined): string {
  if (flap !== undefined)
    return ` ${flap.message} Open a case with AWS Support, name ${FLAP_SOURCE}, and migrate again when new pods are injected reliably.`;
  return wrong.every(isInjected)
    ? " EKS's webhook injects EKS Pod Identity into them, and their own specs override it. Correct their workloads as the evidence of each pod shows, then migrate again."
    : ` EKS's webhook had ${WEBHOOK_KNOWS_SECONDS / 60} minutes since the association was created. Find out why it does not inject EKS Pod Identity into new pods, then migrate again.`;
}
