/** What the way back makes sure of before it takes associations away from pods that have nothing else. */
import { classifyPod } from '../../domain/verification/pod-identity.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { mayRemoveAssociations, type AssociationRemoval } from '../../domain/rollback/pods.ts';
import { type Pod, type Workload, WORKLOAD_PLURALS } from '../../domain/kubernetes/objects.ts';
import type { Association } from '../../domain/migration/model.ts';
import { accountOf } from '../../domain/rollback/associations.ts';
import { shellCommand } from '../../domain/text/shell.ts';
import type { Clock, Kubernetes } from '../../ports/index.ts';
import { assertAtRest, type AtRestWork } from '../pods/rollouts-at-rest.ts';
import { EVIDENCE_BEFORE } from '../migration/report.ts';

export interface AssociationRemovalWork extends AtRestWork {
  kubernetes: Kubernetes;
}

type Account = Pick<Association, 'namespace' | 'serviceAccount'>;

const podsOf = async (kubernetes: Kubernetes, accounts: readonly Account[]): Promise<Pod[]> => {
  const namespaces = [...new Set(accounts.map(({ namespace }) => namespace))];
  return (await Promise.all(namespaces.map((namespace) => kubernetes.listPods(namespace)))).flat();
};

/**
 * Throws RestoreInProgress where the service account of pods that had the role by IRSA does not name a role yet: a new
 * pod would have none at all.
 */
export async function assertAnnotated(
  accounts: readonly Account[],
  { record: { migrationId }, kubernetes, ledger }: AssociationRemovalWork,
): Promise<void> {
  const before = await ledger.getEvidence(migrationId, EVIDENCE_BEFORE);
  for (const { namespace, serviceAccount } of accounts) {
    const hadIrsa = before.some(
      (pod) => pod.serviceAccount === serviceAccount && (pod.identity === 'irsa' || pod.identity === 'mixed'),
    );
    if (hadIrsa && (await kubernetes.getServiceAccount(namespace, serviceAccount))?.roleArn === undefined)
      throw new MigrationError(
        'RestoreInProgress',
        `Service account ${namespace}/${serviceAccount} has no annotation eks.amazonaws.com/role-arn yet. Its association stays until EKS has put it back.`,
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

const seenOf = async (accounts: readonly Account[], kubernetes: Kubernetes): Promise<Seen> => {
  const namespaces = [...new Set(accounts.map(({ namespace }) => namespace))];
  return {
    pods: await podsOf(kubernetes, accounts),
    workloads: (await Promise.all(namespaces.map((namespace) => kubernetes.listWorkloads(namespace)))).flat(),
  };
};

export interface Gap {
  decision: AssociationRemoval;
  /** What the pods belong to. */
  workloads: Workload[];
  /** How many pods have EKS Pod Identity. */
  pods: number;
}

function gapOf(accounts: readonly Account[], { pods, workloads }: Seen, clock: Clock): Gap {
  const named = new Set(accounts.map(accountOf));
  const leaving = new Set(
    pods
      .filter((pod) => named.has(accountOf(pod)) && classifyPod(pod).identity === 'pod-identity')
      .map(({ uid }) => uid),
  );
  return {
    decision: mayRemoveAssociations({ pods, workloads, leaving, now: clock.now() }),
    workloads: workloads.filter((one) => named.has(accountOf(one)) && one.desired > 0),
    pods: leaving.size,
  };
}

/** What going back would mean for the pods of these service accounts, and what they belong to. */
export const forecastGap = async (
  accounts: readonly Account[],
  { kubernetes, clock }: Pick<AssociationRemovalWork, 'kubernetes' | 'clock'>,
): Promise<Gap> => gapOf(accounts, await seenOf(accounts, kubernetes), clock);

/**
 * Throws PodsNotSettled while these pods are being replaced, and SessionsMayEnd where pods that work may be without
 * credentials before all of them are replaced, unless whoever asked for the rollback accepts that: the associations
 * stay, and the pods with them.
 */
export async function assertInTime(accounts: readonly Account[], work: AssociationRemovalWork): Promise<void> {
  const { migrationId, rollback } = work.record;
  if (rollback?.acceptCredentialGap === true) return;
  const seen = await seenOf(accounts, work.kubernetes);
  await assertAtRest(accounts, seen, work);
  const { decision, workloads } = gapOf(accounts, seen, work.clock);
  if (decision.do === 'go') return;
  const restarts = workloads.map(restartOf);
  throw new MigrationError(
    'SessionsMayEnd',
    `The rollback stops before it takes anything from the pods: to replace them takes about ${minutes(decision.neededSeconds)}, and pod ${decision.pod} has credentials for sure only for ${minutes(decision.sureSeconds)} once its association is gone. The associations stay, and the pods go on with EKS Pod Identity. Give the pods new sessions first, which last for six hours: ${restarts.join('; ')}; when that is done, pod-identity rollback ${migrationId}. To go back at once, and have pods go without credentials for a while: pod-identity rollback ${migrationId} --accept-credential-gap`,
  );
}

/** When the newest of these service accounts' pods was created, by the API server's clock; undefined where none runs. */
export async function newestPodOf(accounts: readonly Account[], kubernetes: Kubernetes): Promise<string | undefined> {
  const named = new Set(accounts.map(accountOf));
  const times = (await podsOf(kubernetes, accounts))
    .filter((pod) => named.has(accountOf(pod)))
    .map((pod) => pod.createdAt);
  return times.sort((a, b) => Date.parse(b) - Date.parse(a))[0];
}
