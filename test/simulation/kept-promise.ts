/** The promise about credentials at every moment of a run: neither a migration nor its rollback removes any. */
import { acceptedNames } from '../../lambdas/domain/acceptance/accept.ts';
import { accountOf } from '../../lambdas/domain/terms/subject.ts';
import type { CredentialGap } from './credentials.ts';
import { inputOf } from './calls.ts';
import { liveAssociations } from './cluster.ts';
import { happened, isStarted } from './life-effects.ts';
import { allMigrations, changes, effective, isWithoutAgentSince, migrationOf } from './observe.ts';
import { interfered, mayKeepOldSdk, plannedOf, podsMayLag, type Promised } from './promised.ts';
import type { RunResult } from './run.ts';
import { isAgent } from '../../sandbox/world/nodes.ts';
import { getObject, listObjects } from '../../sandbox/objects/store.ts';
import { words } from '../words.ts';

/**
 * Returns the service accounts whose pods are promised less: an add-on that is deleted without preserve is missing
 * until it is created again, the service cannot replace pods that it may not read, and a loss may be accepted by name.
 */
function promisedLess(result: RunResult): Set<string> {
  const deleted = new Set(
    effective(changes(result))
      .filter((call) => call.operation === 'DeleteAddon' && inputOf(call)['preserve'] !== true)
      .map((call) => migrationOf(result, call.execution)),
  );
  return new Set(
    allMigrations(result).flatMap(({ migrationId, request, record }) => {
      const planned = plannedOf(record);
      const accepted = [...new Set(planned.map(({ namespace }) => namespace))].flatMap((namespace) =>
        acceptedNames(request, 'identity-loss').map((serviceAccount) => ({ namespace, serviceAccount })),
      );
      return [...(deleted.has(migrationId) || podsMayLag(result, request) ? planned : []), ...accepted].map(accountOf);
    }),
  );
}

/** The answers of EKS Auth, and of STS to pods, during an outage (`sandbox/credentials/outages.ts`). */
const OUTAGE: ReadonlySet<string> = new Set(words`
  InternalServerException ThrottlingException ServiceUnavailable Throttling ConnectionLost
`);

/**
 * Returns whether a new pod lacks credentials because of an outage of EKS Auth, which the service learns of only from
 * pods; or because its SDK is too old, which shows only after the change. In both cases it is not for good: what shows
 * is rolled back, unless the request does not have the pods observed, or the software hides it.
 */
function isOnlySeenOnPods(result: RunResult, { to, why }: CredentialGap): boolean {
  if (OUTAGE.has(why)) return result.spec.faults.some(({ service }) => service === 'eks-auth') && to !== undefined;
  // A gap has the reason for which it began.
  if (allMigrations(result).some(({ request }) => mayKeepOldSdk(result, request))) return true;
  return why === 'SdkTooOld' && to !== undefined;
}

/**
 * Returns whether a pod started on a node that joined during the run, before the node's agent was ready
 * (aws/eks-pod-identity-agent#159). Nodes join whenever an autoscaler or EKS replaces one, and the service cannot hold pods
 * back from them; from the moment at which the agent is ready, the pod must have credentials.
 */
function isBeforeItsAgent({ cluster: { kube }, sandbox }: RunResult, { node, to, why }: CredentialGap): boolean {
  const joinedAt = Date.parse(getObject(kube, 'Node', undefined, node)?.metadata.creationTimestamp ?? '');
  const [first] = sandbox.world.log.calls;
  if (why !== 'AgentUnreachable' || to === undefined || !(joinedAt > Date.parse(first?.at ?? ''))) return false;
  return (
    listObjects(kube, 'Pod')
      .filter(({ metadata, spec }) => isAgent(metadata) && spec.nodeName === node)
      .flatMap(({ status }) => status.conditions.filter(({ type }) => type === 'Ready'))
      // Kubernetes shows whole seconds.
      .some(({ lastTransitionTime }) => to < Date.parse(lastTransitionTime ?? '') + 1000)
  );
}

/** Within this time after people give a workload its pods back, the pods that are created are theirs. */
const SCALED_UP_MS = 5000;
const isScaledUp = (result: RunResult, { createdAt }: Pick<CredentialGap, 'createdAt'>): boolean =>
  happened(result, 'scale-to-zero').some(({ event, at }) => {
    const since = event.does === 'scale-to-zero' ? createdAt - at - (event.seconds ?? Infinity) * 1000 : -1;
    // Kubernetes shows whole seconds.
    return since > -1000 && since < SCALED_UP_MS;
  });

/** Returns the number of pods that lack credentials when this one does, without those that people scaled up. */
function atOnceByService(result: RunResult, { from, atOnce }: CredentialGap): number {
  const byPeople = result.credentials.gaps.filter(
    (one) => isScaledUp(result, one) && one.from <= from && (one.to ?? Infinity) > from,
  );
  return atOnce - byPeople.length;
}

/**
 * Returns whether a new pod lacks credentials because of a knob that simulates what the service cannot prevent: the
 * webhook, EKS Auth and IAM learn late. As long as the webhook knows a deleted association, only one pod at a time may
 * be affected, besides those that people scale up. If EKS accepts role and associations only in one call, EKS's own
 * rollout replaces all pods at once.
 */
function isLate(result: RunResult, gap: CredentialGap): boolean {
  const { to, why } = gap;
  const { knobs } = result.sandbox.world;
  // The pod asks again; the recovery is noticed at the next event.
  const passes = (lag: number): boolean => lag > 0 && to !== undefined;
  if (why === 'NoIdentity') return knobs.webhookLagSeconds > 0;
  if (why === 'AccessDeniedException' || why === 'AccessDenied') return passes(knobs.trustLagSeconds);
  if (why !== 'ResourceNotFoundException') return false;
  const oneAhead = atOnceByService(result, gap) <= 1 || knobs.roleWithAssociations === 'refuse';
  return passes(knobs.eksAuthLagSeconds) || (passes(knobs.webhookRemovalLagSeconds) && oneAhead);
}

/** A pod without credentials, or one that has its last. */
type Lack = Pick<CredentialGap, 'namespace' | 'serviceAccount' | 'pod' | 'createdAt' | 'method' | 'why'> &
  Partial<Pick<CredentialGap, 'from' | 'to' | 'had'>>;

const REPLACED_MS = 5000;

/**
 * Returns whether the service can do nothing for a pod that people started, and that nobody replaces: it keeps what the
 * webhook gave it, and people may start it at any moment (docs/runbook.md, "What a rollback cannot promise").
 */
function isStartedAtBadTime(result: RunResult, { pod, why, had, from, to }: Lack): boolean {
  if (!isStarted(result, pod)) return false;
  const { knobs } = result.sandbox.world;
  // The restore commands are a person's.
  if (result.handedOffAfter !== undefined) return true;
  // A pod on a lost node has nothing to lose, as far as a rollback can see; and EKS may do all within one call.
  if (from === undefined)
    return (
      happened(result, 'lose-node').length > 0 ||
      (knobs.roleWithAssociations === 'refuse' && result.cluster.addons.size > 0)
    );
  if (had === true || why !== 'ResourceNotFoundException') return false;
  // An association that is replaced by another does not exist for a moment.
  return knobs.webhookRemovalLagSeconds > 0 || (to !== undefined && to - from < REPLACED_MS);
}

/**
 * Returns whether the service account has an association from before the run, which no migration replaced: without any
 * migration, its new pods would be on EKS Pod Identity as well, on the same nodes.
 */
const isAsBefore = (result: RunResult, account: string): boolean =>
  allMigrations(result).every(({ record }) => record?.outcome !== 'migrated') &&
  liveAssociations(result.cluster).some((one) => accountOf(one) === account && result.before.associations.has(one.id));

/**
 * Returns whether people took the credentials away: by removing IRSA from pods that were on it, or the agent from pods
 * that it served. A pod that is created without an agent is noticed, and replaced, unless no workload replaces it: a rollback
 * gives its identity to later pods only, and names it (`unreplaced-pods-are-named`).
 */
function isTakenByOthers(result: RunResult, lack: Lack): boolean {
  const { pod, createdAt, method, why, had, from, to } = lack;
  const until = from ?? Number.POSITIVE_INFINITY;
  // A pod that people start on IRSA after that would have no credentials without any migration either.
  const isOnIrsa = (at: number): boolean => at <= until && (createdAt <= at || isStarted(result, pod));
  if (method === 'irsa') return happened(result, 'break-irsa').some(({ at }) => isOnIrsa(at));
  if (why !== 'AgentUnreachable') return false;
  if (had === true) return happened(result, 'delete-agent').some(({ at }) => at <= until);
  return (
    happened(result, 'delete-agent', 'join-tainted-node', 'add-fargate-profile').length > 0 &&
    (to !== undefined ||
      isStarted(result, pod) ||
      isAsBefore(result, accountOf(lack)) ||
      allMigrations(result).every(({ migrationId }) => isWithoutAgentSince(result, migrationId, createdAt)))
  );
}

const text = ({ namespace, pod, serviceAccount, from, to, why, had }: CredentialGap): string =>
  `pod ${namespace}/${pod} of ${serviceAccount} ${had ? 'lost its credentials' : 'received none'} at ${new Date(from).toISOString()}${to === undefined ? ', permanently' : ` for ${(to - from) / 1000} s`}: ${why}`;

export const credentialsAreKept: Promised = {
  name: 'credentials-are-kept',
  statement:
    'No pod loses the credentials that it has. Where the pods of a service account had credentials, its new pods get some too, except for one pod at a time while the webhook still knows a deleted association, during an outage of EKS Auth, until the agent of a node that joins is ready, and where an SDK is too old until that shows. No pod lives on its last session once everything has ended.',
  broken: (result) => {
    if (interfered(result)) return [];
    const { credentials, migrations, repeated } = result;
    const less = promisedLess(result);
    const isPromised = (lack: Lack): boolean =>
      !less.has(accountOf(lack)) && !isTakenByOthers(result, lack) && !isStartedAtBadTime(result, lack);
    const gaps = credentials.gaps.filter(
      (gap) =>
        isPromised(gap) &&
        (gap.had || !(isLate(result, gap) || isOnlySeenOnPods(result, gap) || isBeforeItsAgent(result, gap))),
    );
    const needsHuman = [...migrations, ...repeated].some(({ record }) => record?.outcome === 'needs-human');
    const last = needsHuman ? [] : credentials.livingOnSessions().filter(isPromised);
    return [
      ...gaps.map(text),
      ...last.map(
        ({ pod, why }) => `pod ${pod} lives on its last session, and EKS Auth or STS issues it no other: ${why}`,
      ),
    ];
  },
};
