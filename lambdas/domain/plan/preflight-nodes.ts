/** Checks whether the nodes of the pods support Pod Identity. */
import type { Node } from '../kubernetes/objects.ts';
import { type Check, fail, GUIDE, keepIrsa, pass, some } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { unsupportedOn } from '../verification/agent-setup.ts';
import type { Facts } from './facts.ts';
import { seenIn } from '../terms/seen.ts';
import { selectedByProfiles, selectedTexts } from './preflight-fargate.ts';
import { notSeen, plannedPods } from './preflight-seen.ts';

const RESTRICTIONS = `${GUIDE}, "Learn how EKS Pod Identity grants Pods access to AWS services", "EKS Pod Identity restrictions"`;

const byName = (nodes: readonly Node[]): Map<string, Node> => new Map(nodes.map((node) => [node.name, node]));

export function checkCompute(facts: Facts, planned: readonly PlannedAssociation[]): Check[] {
  const { request, cluster, nodes } = facts;
  const id = 'unsupported-compute';
  if (cluster?.onOutposts) {
    return [
      keepIrsa(
        id,
        `Cluster ${request.target.cluster} is a local cluster on AWS Outposts, where EKS Pod Identity is not supported.`,
        'Keep IRSA in this cluster, or move the workload to a cluster in an AWS Region.',
        RESTRICTIONS,
      ),
    ];
  }
  if (!nodes) return [];
  const pods = plannedPods(facts, planned);
  const known = byName(seenIn(nodes) ?? []);
  const unsupported = pods.flatMap((pod) => {
    const where = unsupportedOn(pod, known.get(pod.node ?? ''));
    return where === undefined ? [] : [{ where, text: `${pod.name} (${where})`, isSeen: known.has(pod.node ?? '') }];
  });
  const selected = selectedByProfiles(
    facts,
    planned,
    (pod) => unsupportedOn(pod, known.get(pod.node ?? '')) === 'AWS Fargate',
  );
  if (unsupported.length > 0 || selected.length > 0) {
    // A label alone blocks, but does not make a plan one that needs no attention.
    const judged = unsupported.some(({ isSeen }) => isSeen) || selected.length > 0 ? keepIrsa : fail;
    const isFargate = selected.length > 0 || unsupported.some(({ where }) => where === 'AWS Fargate');
    const reasons = [
      ...(unsupported.length > 0
        ? [
            `${unsupported.length} of ${pods.length} pods of the planned service accounts run where EKS Pod Identity is not supported: ${some(unsupported.map(({ text }) => text))}.`,
          ]
        : []),
      ...selectedTexts(selected),
    ];
    return [
      judged(
        id,
        reasons.join(' '),
        `Keep IRSA for ${request.addon === undefined ? 'this service account' : 'this add-on'}. To migrate it all the same, run these pods on Linux nodes on Amazon EC2${isFargate ? ' (remove them from the selectors of the Fargate profile, then restart them)' : ''}, and plan again.`,
        RESTRICTIONS,
      ),
    ];
  }
  if ('error' in nodes)
    return [
      notSeen(
        request,
        id,
        `Whether the pods run on nodes that support EKS Pod Identity could not be read: ${nodes.error}`,
        'nodes',
        RESTRICTIONS,
      ),
    ];
  return [pass(id, `None of the ${pods.length} pods of the planned service accounts runs on AWS Fargate or Windows.`)];
}
