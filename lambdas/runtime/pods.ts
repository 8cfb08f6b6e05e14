import { collectEvidence } from '../domain/identity.ts';
import type { PodEvidence, Snapshot } from '../domain/model.ts';
import { judgePods, type PodsVerdict } from '../domain/verification.ts';
import type { Kubernetes } from '../ports/index.ts';

/** Looks at the planned service accounts' pods and judges them. */
export async function lookAtPods(kubernetes: Kubernetes, snapshot: Snapshot): Promise<{ evidence: PodEvidence[]; judged: PodsVerdict }> {
  const accounts = new Set(snapshot.planned.map((one) => one.serviceAccount));
  const namespaces = [...new Set(snapshot.planned.map((one) => one.namespace))];
  const pods = (await Promise.all(namespaces.map((namespace) => kubernetes.listPods(namespace)))).flat();
  const workloads = (await Promise.all(namespaces.map((namespace) => kubernetes.listWorkloads(namespace)))).flat();
  const evidence = collectEvidence(pods, accounts);
  return { evidence, judged: judgePods(evidence, pods, workloads, accounts) };
}
