/** Checks, before a rollback deletes associations, that their pods have another source of credentials. */
import { accepts } from '../../domain/acceptance/accept.ts';
import { accountOf } from '../../domain/terms/subject.ts';
import { classifyPod } from '../../domain/verification/pod-identity.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { hadIrsa } from '../../domain/rollback/former-pods.ts';
import { unreplacedRemedies, unreplacedText } from '../../domain/rollback/unreplaced-pods.ts';
import { mayRemoveAssociations, type AssociationRemoval } from '../../domain/rollback/pods.ts';
import { type Pod, type Workload, WORKLOAD_PLURALS } from '../../domain/kubernetes/objects.ts';
import type { Association } from '../../domain/terms/observed.ts';
import type { Snapshot } from '../../domain/record/migration.ts';
import { shellCommand } from '../../domain/text/shell.ts';
import type { Clock, Eks, Kubernetes } from '../../ports/index.ts';
import { podsNotServed } from '../pods/agents.ts';
import { assertAtRest, type AtRestWork, unsettledWorkloads } from '../pods/rollouts-at-rest.ts';
import { EVIDENCE_BEFORE } from '../migration/report.ts';

export interface AssociationRemovalWork extends AtRestWork {
  eks: Pick<Eks, 'describeAddon'>;
  kubernetes: Kubernetes;
}

type Account = Pick<Association, 'namespace' | 'serviceAccount'>;

const podsOf = async (kubernetes: Kubernetes, accounts: readonly Account[]): Promise<Pod[]> => {
  const namespaces = [...new Set(accounts.map(({ namespace }) => namespace))];
  return (await Promise.all(namespaces.map((namespace) => kubernetes.listPods(namespace)))).flat();
};

/**
 * Throws RestoreInProgress if pods had their role by IRSA and their service account is not annotated with a role yet: a new
 * pod would have no role at all.
 */
export async function assertAnnotated(
  accounts: readonly Account[],
  { record: { migrationId }, snapshot, kubernetes, ledger }: AssociationRemovalWork & { snapshot: Snapshot },
): Promise<void> {
  const before = await ledger.getEvidence(migrationId, EVIDENCE_BEFORE);
  for (const { namespace, serviceAccount } of accounts) {
    const was = before.filter((pod) => pod.serviceAccount === serviceAccount);
    if (
      was.some((pod) => hadIrsa(pod, snapshot)) &&
      (await kubernetes.getServiceAccount(namespace, serviceAccount))?.roleArn === undefined
    )
      throw new MigrationError(
        'RestoreInProgress',
        `Service account ${namespace}/${serviceAccount} has no annotation eks.amazonaws.com/role-arn yet. Its association is kept until EKS has restored the annotation.`,
      );
  }
}

const minutes = (seconds: number): string => `${Math.max(1, Math.round(seconds / 60))} minutes`;

const restartOf = ({ kind, namespace, name }: Workload): string =>
  shellCommand(['kubectl', '-n', namespace, 'rollout', 'restart', `${WORKLOAD_PLURALS[kind]}/${name}`]);

interface Seen {
  pods: Pod[];
  workloads: Workload[];
}

/** Returns why the rollback asks, and what a person can do. */
function askedText(
  { slow, unreplaced }: Extract<AssociationRemoval, { do: 'ask' }>,
  workloads: readonly Workload[],
  migrationId: string,
  now: number,
): string {
  return [
    'The rollback stopped before any change to the pods.',
    ...(slow
      ? [
          `Replacing them takes about ${minutes(slow.neededSeconds)}, but pod ${slow.pod} is certain to have credentials for only ${minutes(slow.sureSeconds)} after the deletion of its association.`,
        ]
      : []),
    ...(unreplaced.length > 0
      ? [`No rollout replaces these pods, which would lose their association: ${unreplacedText(unreplaced, now)}.`]
      : []),
    'The associations are kept, and the pods continue to use EKS Pod Identity.',
    ...(unreplaced.length > 0 ? [unreplacedRemedies(unreplaced)] : []),
    ...(slow
      ? [
          `First give the pods new sessions, which last for six hours: ${workloads.map(restartOf).join(' ; ')} ; when that is done, run: pod-identity rollback ${migrationId} .`,
        ]
      : [`When these pods have ended, run: pod-identity rollback ${migrationId} .`]),
    `To roll back at once, and accept that pods have no credentials for a while, run: pod-identity rollback ${migrationId} --accept credential-gap`,
  ].join(' ');
}

const seenOf = async (accounts: readonly Account[], kubernetes: Kubernetes): Promise<Seen> => {
  const namespaces = [...new Set(accounts.map(({ namespace }) => namespace))];
  return {
    pods: await podsOf(kubernetes, accounts),
    workloads: (await Promise.all(namespaces.map((namespace) => kubernetes.listWorkloads(namespace)))).flat(),
  };
};

export interface Gap {
  decision: AssociationRemoval;
  /** The workloads of the pods. */
  workloads: Workload[];
  /** The number of pods that have EKS Pod Identity. */
  pods: number;
}

/** Returns the uids of the pods of these service accounts that have EKS Pod Identity. */
const leavingOf = (accounts: readonly Account[], pods: readonly Pod[]): Set<string> => {
  const named = new Set(accounts.map(accountOf));
  return new Set(pods.filter((pod) => named.has(accountOf(pod)) && classifyPod(pod).injected).map(({ uid }) => uid));
};

function gapOf(
  accounts: readonly Account[],
  { pods, workloads }: Seen,
  clock: Clock,
  leaving: ReadonlySet<string> = leavingOf(accounts, pods),
): Gap {
  const named = new Set(accounts.map(accountOf));
  return {
    decision: mayRemoveAssociations({ pods, workloads, leaving, now: clock.now() }),
    workloads: workloads.filter((one) => named.has(accountOf(one)) && one.desired > 0),
    pods: leaving.size,
  };
}

/** Returns what a rollback would mean for the pods of these service accounts, and their workloads. */
export const forecastGap = async (
  accounts: readonly Account[],
  { kubernetes, clock }: Pick<AssociationRemovalWork, 'kubernetes' | 'clock'>,
): Promise<Gap> => gapOf(accounts, await seenOf(accounts, kubernetes), clock);

/**
 * Throws PodsNotSettled while these pods are being replaced, and SessionsMayEnd if working pods might be without credentials
 * before all of them are replaced, unless the requester of the rollback accepts that: the associations are kept, and the
 * pods with them. Pods that no agent serves lose nothing by the deletion: they are no reason to ask, and if there are no
 * others, a rollout is not waited for, since it would create more of them.
 */
export async function assertInTime(accounts: readonly Account[], work: AssociationRemovalWork): Promise<void> {
  const { migrationId, rollback } = work.record;
  if (rollback && accepts(rollback, 'credential-gap')) return;
  const seen = await seenOf(accounts, work.kubernetes);
  const isAtRest = unsettledWorkloads(accounts, seen, work).length === 0;
  if (isAtRest && gapOf(accounts, seen, work.clock).decision.do === 'go') return;
  const on = leavingOf(accounts, seen.pods);
  const unserved = await podsNotServed(work, { pods: seen.pods, right: on });
  const leaving = new Set([...on].filter((uid) => !unserved.has(uid)));
  if (on.size > 0 && leaving.size === 0) return;
  await assertAtRest(accounts, seen, work);
  const { decision, workloads } = gapOf(accounts, seen, work.clock, leaving);
  if (decision.do === 'go') return;
  throw new MigrationError('SessionsMayEnd', askedText(decision, workloads, migrationId, work.clock.now()));
}

/** Returns when the newest pod of these service accounts was created, by the API server's clock; undefined if none runs. */
export async function newestPodOf(accounts: readonly Account[], kubernetes: Kubernetes): Promise<string | undefined> {
  const named = new Set(accounts.map(accountOf));
  const times = (await podsOf(kubernetes, accounts))
    .filter((pod) => named.has(accountOf(pod)))
    .map((pod) => pod.createdAt);
  return times.sort((a, b) => Date.parse(b) - Date.parse(a))[0];
}
