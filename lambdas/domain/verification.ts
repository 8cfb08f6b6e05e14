/** Whether the pods have the identity that they shall have: a decision from their evidence and the workloads they belong to. */
import { podsThatCount } from './identity.ts';
import type { Pod, Workload, WorkloadRef } from './kubernetes.ts';
import type { Addon, Check, PodEvidence, PodIdentity, Snapshot } from './model.ts';

/** What the pods shall have, by name of their service account: any of these identities will do. */
export interface ExpectedPods {
  identities: ReadonlyMap<string, ReadonlySet<PodIdentity>>;
  /** There were none before, so that there need be none now. */
  mayBeNone: boolean;
}

/** After the change: Pod Identity, and nothing else. */
export const onPodIdentity = ({ planned }: Pick<Snapshot, 'planned'>): ExpectedPods => ({
  identities: new Map(planned.map((one) => [one.serviceAccount, new Set<PodIdentity>(['pod-identity'])])),
  mayBeNone: false,
});

/**
 * After a rollback: IRSA, or what the service account's pods had before (`before`: evidence of then), or Pod Identity
 * where the snapshot has an association for it.
 */
export const asBefore = ({ planned, associations }: Pick<Snapshot, 'planned' | 'associations'>, before: PodEvidence[]): ExpectedPods => ({
  identities: new Map(
    planned.map(({ namespace, serviceAccount }) => {
      const had = podsThatCount(before).filter((pod) => pod.serviceAccount === serviceAccount);
      const associated = associations.some((one) => one.namespace === namespace && one.serviceAccount === serviceAccount);
      return [serviceAccount, new Set<PodIdentity>(['irsa', ...had.map((pod) => pod.identity), ...(associated ? (['pod-identity'] as const) : [])])];
    }),
  ),
  mayBeNone: podsThatCount(before).length === 0,
});

/** Whether a pod that counts is as it shall be. */
export const isExpected = ({ identities }: ExpectedPods, pod: PodEvidence): boolean => identities.get(pod.serviceAccount)?.has(pod.identity) ?? false;

export type PodsVerdict =
  | { verdict: 'proven' }
  /** These workloads' pods are settled, but have another identity: a rolling restart lets the webhook see them again. */
  | { verdict: 'restart'; workloads: WorkloadRef[]; pods: PodEvidence[] }
  | { verdict: 'wait'; why: string };

const refOf = (workload: Workload): WorkloadRef => ({ kind: workload.kind, namespace: workload.namespace, name: workload.name });

export function judgePods(evidence: PodEvidence[], pods: Pod[], workloads: Workload[], expected: ExpectedPods): PodsVerdict {
  const { identities } = expected;
  const counted = podsThatCount(evidence);
  const concerned = workloads.filter((workload) => identities.has(workload.serviceAccount) && workload.desired > 0);
  const unsettled = concerned.find((workload) => !workload.settled);
  if (unsettled) return { verdict: 'wait', why: `${unsettled.kind} ${unsettled.name} is rolling out: ${unsettled.ready} of ${unsettled.desired} pods are ready` };
  if (counted.length === 0 && !expected.mayBeNone) return { verdict: 'wait', why: `no pod runs with ${[...identities.keys()].join(', ')} yet` };
  const leaving = pods.find((pod) => pod.terminating && identities.has(pod.serviceAccount));
  if (leaving) return { verdict: 'wait', why: `pod ${leaving.name} is still terminating` };
  const notReady = counted.find((pod) => !pod.ready);
  if (notReady) return { verdict: 'wait', why: `pod ${notReady.name} is not ready` };

  const wrong = counted.filter((pod) => !isExpected(expected, pod));
  if (wrong.length === 0) return { verdict: 'proven' };
  const owners = new Set(pods.filter((pod) => wrong.some((one) => one.uid === pod.uid)).map((pod) => `${pod.owner?.kind ?? ''}/${pod.owner?.name ?? ''}`));
  return { verdict: 'restart', workloads: concerned.filter((workload) => owners.has(`${workload.kind}/${workload.name}`)).map(refOf), pods: wrong };
}

export const ROLE_STILL_SET = 'irsa-role-still-set';

/** EKS may go on showing the role after an update that left it out; the pods are what counts. */
export const roleStillSet = ({ name, serviceAccountRoleArn }: Addon): Check => ({
  id: ROLE_STILL_SET,
  status: 'warn',
  message: `All pods are on Pod Identity, but DescribeAddon still shows the role ${serviceAccountRoleArn ?? ''} on add-on ${name}.`,
  remedy: 'Nothing has to be done for the pods: Pod Identity goes before the role. Take the role out of whatever manages the add-on, so that nobody takes it for the one in use.',
  source: 'hashicorp/terraform-provider-aws#30645; EKS User Guide, "Assign IAM roles to add-ons": with the agent installed the role is ignored',
});
