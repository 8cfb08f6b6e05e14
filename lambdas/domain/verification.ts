/** Whether the pods prove the migration: a decision from their evidence and the workloads they belong to. */
import { podsThatCount } from './identity.ts';
import type { Pod, Workload, WorkloadRef } from './kubernetes.ts';
import type { PodEvidence } from './model.ts';

export type PodsVerdict =
  | { verdict: 'proven' }
  /** These workloads' pods are settled, but not on Pod Identity: a rolling restart lets the webhook see them again. */
  | { verdict: 'restart'; workloads: WorkloadRef[]; pods: PodEvidence[] }
  | { verdict: 'wait'; why: string };

const refOf = (workload: Workload): WorkloadRef => ({ kind: workload.kind, namespace: workload.namespace, name: workload.name });

export function judgePods(evidence: PodEvidence[], pods: Pod[], workloads: Workload[], serviceAccounts: ReadonlySet<string>): PodsVerdict {
  const counted = podsThatCount(evidence);
  const concerned = workloads.filter((workload) => serviceAccounts.has(workload.serviceAccount) && workload.desired > 0);
  const unsettled = concerned.find((workload) => !workload.settled);
  if (unsettled) return { verdict: 'wait', why: `${unsettled.kind} ${unsettled.name} is rolling out: ${unsettled.ready} of ${unsettled.desired} pods are ready` };
  if (counted.length === 0) return { verdict: 'wait', why: `no pod runs with ${[...serviceAccounts].join(', ')} yet` };
  const leaving = pods.find((pod) => pod.terminating && serviceAccounts.has(pod.serviceAccount));
  if (leaving) return { verdict: 'wait', why: `pod ${leaving.name} is still terminating` };
  const notReady = counted.find((pod) => !pod.ready);
  if (notReady) return { verdict: 'wait', why: `pod ${notReady.name} is not ready` };

  const wrong = counted.filter((pod) => pod.identity !== 'pod-identity');
  if (wrong.length === 0) return { verdict: 'proven' };
  const owners = new Set(pods.filter((pod) => wrong.some((one) => one.uid === pod.uid)).map((pod) => `${pod.owner?.kind ?? ''}/${pod.owner?.name ?? ''}`));
  return { verdict: 'restart', workloads: concerned.filter((workload) => owners.has(`${workload.kind}/${workload.name}`)).map(refOf), pods: wrong };
}
