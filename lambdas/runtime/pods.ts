import { type AssociatedSince, collectEvidence, podsThatCount } from '../domain/identity.ts';
import type { Migration, PodEvidence, Snapshot } from '../domain/model.ts';
import {
  asBefore,
  isExpected,
  judgePods,
  onPodIdentity,
  type ExpectedPods,
  type PodsVerdict,
} from '../domain/verification.ts';
import type { Kubernetes, Ledger } from '../ports/index.ts';
import { EVIDENCE_BEFORE } from './report.ts';

/** Where the pods shall go: onto Pod Identity, or back to what they had. */
export type Direction = 'pod-identity' | 'before';

/** What the pods shall have for that direction; for the way back the ledger's evidence of before says it. */
export async function expectedPods(
  ledger: Ledger,
  migrationId: string,
  snapshot: Snapshot,
  towards: Direction,
): Promise<ExpectedPods> {
  return towards === 'pod-identity'
    ? onPodIdentity(snapshot)
    : asBefore(snapshot, await ledger.getEvidence(migrationId, EVIDENCE_BEFORE));
}

/** Since when there are the associations that the migration has made, of each the newest, as EKS gave them. */
export function associatedSince({ associations }: Pick<Migration, 'associations'>): AssociatedSince {
  const made = [...associations.created].sort((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
  return new Map(made.map(({ namespace, serviceAccount, createdAt }) => [`${namespace}/${serviceAccount}`, createdAt]));
}

export interface PodsSeen {
  evidence: PodEvidence[];
  judged: PodsVerdict;
  podsThatCount: number;
  podsAsTheyShallBe: number;
}

/**
 * Looks at the planned service accounts' pods and judges them. `since`: of the associations that they shall have now.
 */
export async function lookAtPods(
  kubernetes: Kubernetes,
  snapshot: Snapshot,
  expected: ExpectedPods,
  since?: AssociatedSince,
): Promise<PodsSeen> {
  const accounts = new Set(expected.identities.keys());
  const namespaces = [...new Set(snapshot.planned.map((one) => one.namespace))];
  const pods = (await Promise.all(namespaces.map((namespace) => kubernetes.listPods(namespace)))).flat();
  const workloads = (await Promise.all(namespaces.map((namespace) => kubernetes.listWorkloads(namespace)))).flat();
  const evidence = collectEvidence(pods, accounts, since);
  const counted = podsThatCount(evidence);
  return {
    evidence,
    judged: judgePods(evidence, pods, workloads, expected),
    podsThatCount: counted.length,
    podsAsTheyShallBe: counted.filter((pod) => isExpected(expected, pod)).length,
  };
}
