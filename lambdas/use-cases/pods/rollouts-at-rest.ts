/** Waits for rollouts that are in progress when the rollback would delete an association. */
import { classifyPod } from '../../domain/verification/pod-identity.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Pod, Workload } from '../../domain/kubernetes/objects.ts';
import type { Association, Migration, Snapshot } from '../../domain/migration/model.ts';
import { accountOf } from '../../domain/rollback/associations.ts';
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

/**
 * Throws PodsNotSettled while pods of these service accounts are being replaced: new pods would all be without credentials
 * while EKS's webhook still knows a deleted association, whereas a rollback replaces a single pod first. A rollout that
 * has made no progress for longer than its own pace explains is not waited for.
 */
export async function assertAtRest(
  accounts: readonly Pick<Association, 'namespace' | 'serviceAccount'>[],
  { pods, workloads }: { pods: readonly Pod[]; workloads: readonly Workload[] },
  { record, snapshot, ledger, clock }: AtRestWork,
): Promise<void> {
  const named = new Set(accounts.map(accountOf));
  const concerned = workloads.filter((one) => named.has(accountOf(one)) && one.desired > 0);
  const leniency = { ...NO_LENIENCY, broken: snapshot.brokenPods ?? [] };
  const open = concerned.filter((one) => !isSettled(one, pods, leniency));
  if (open.length === 0) return;

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
