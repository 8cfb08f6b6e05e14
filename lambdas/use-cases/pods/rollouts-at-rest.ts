/** Waits for rollouts that are in progress when the rollback would delete an association. */
import { accountOf } from '../../domain/terms/subject.ts';
import { classifyPod } from '../../domain/verification/pod-identity.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Pod, Workload } from '../../domain/kubernetes/objects.ts';
import type { Association } from '../../domain/terms/observed.ts';
import type { Migration, Snapshot } from '../../domain/record/migration.ts';
import { allowanceSeconds, seenOf } from '../../domain/rollout/progress.ts';
import { isSettled, NO_LENIENCY } from '../../domain/rollout/settled.ts';
import type { Clock, Ledger } from '../../ports/index.ts';
import { noteSeen } from './unsettled.ts';

export interface AtRestWork {
  record: Migration;
  snapshot: Pick<Snapshot, 'brokenPods'>;
  ledger: Ledger;
  clock: Clock;
}

/** The change's own rollouts continue under the name that they have; others get their own. */
const FORWARD = 'pod-identity.';
const OTHER = `${FORWARD}at-rest`;

type Accounts = readonly Pick<Association, 'namespace' | 'serviceAccount'>[];
interface Seen {
  pods: readonly Pod[];
  workloads: readonly Workload[];
}

const workloadsOf = (accounts: Accounts, workloads: readonly Workload[]): Workload[] => {
  const named = new Set(accounts.map(accountOf));
  return workloads.filter((one) => named.has(accountOf(one)) && one.desired > 0);
};

/** Returns the workloads of these service accounts whose pods are being replaced. */
export function unsettledWorkloads(
  accounts: Accounts,
  { pods, workloads }: Seen,
  { snapshot }: Pick<AtRestWork, 'snapshot'>,
): Workload[] {
  const leniency = { ...NO_LENIENCY, broken: snapshot.brokenPods ?? [] };
  return workloadsOf(accounts, workloads).filter((one) => !isSettled(one, pods, leniency));
}

/**
 * Throws PodsNotSettled while pods of these service accounts are being replaced: new pods would all be without credentials
 * while EKS's webhook still knows a deleted association, whereas a rollback replaces a single pod first. A rollout that
 * has made no progress for longer than its own pace explains is not waited for.
 */
export async function assertAtRest(
  accounts: Accounts,
  seen: Seen,
  { record, snapshot, ledger, clock }: AtRestWork,
): Promise<void> {
  const { pods, workloads } = seen;
  const open = unsettledWorkloads(accounts, seen, { snapshot });
  if (open.length === 0) return;

  const named = new Set(accounts.map(accountOf));
  const concerned = workloadsOf(accounts, workloads);
  const own = pods.filter((pod) => named.has(accountOf(pod)));
  const judged = own.map((pod) => ({ pod, right: classifyPod(pod).injected }));
  const of = record.progress?.of.startsWith(FORWARD) === true ? record.progress.of : OTHER;
  const progress = await noteSeen({ ledger, clock }, record, of, seenOf(judged, concerned));
  const allowed = allowanceSeconds(concerned, own, record.plan?.forecast);
  if (clock.now() - Date.parse(progress.since) > allowed * 1000) return;
  const names = open.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`);
  throw new MigrationError(
    'PodsNotSettled',
    `Pods of ${names.join(', ')} are still being replaced. The associations are kept until that is done, since pods that start just after a deletion would have no credentials.`,
  );
}
