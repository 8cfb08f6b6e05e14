/**
 * Checks whether the plan could read the pods. A migration is verified on its pods, unless the request accepts the
 * information from the EKS API.
 */
import { identitiesCommand } from '../commands/pod-identity.ts';
import { grantCommand } from '../access/command.ts';
import { type Check, fail, GUIDE, pass, unknown, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import type { Facts } from './facts.ts';
import { readAccessCommands } from './preview.ts';

const NOT_SEEN =
  'No pod is checked after the change: a pod that kept its old identity, or started too early for the new one, is neither found nor restarted, and does not cause a rollback. The migration ends verified: api, which shows only what EKS reports, and nothing about the pods.';

/** EKS shows for which service accounts it supports associations, but not which others have the role. */
const LOSS_UNSEEN =
  "It is also unknown whether other service accounts have the add-on's role, such as the one for its nodes: they lose it, unless each is given a role (--role SERVICE_ACCOUNT=ROLE_ARN), which creates a standalone association.";

function withoutPods({ request, preview, addon, kubernetesError }: Facts): Check {
  const { cluster } = request.target;
  const why = `The pods could not be read: ${kubernetesError ?? 'no answer from the API server'}`;
  const source = `${GUIDE}, "Grant IAM users access to Kubernetes with EKS access entries"`;
  if (request.verification === 'api') {
    const unread = `What only the API server shows was not checked either: the health of the agent on each node, changes to the workloads by other field managers, and which other software uses the web identity.${addon?.serviceAccountRoleArn === undefined ? '' : ` ${LOSS_UNSEEN}`}`;
    return warn(
      'kubernetes-access',
      `${why} ${NOT_SEEN} ${unread}`,
      `Give the service access (${grantCommand(request)}) and omit --verification api; or check the pods yourself after the migration: ${identitiesCommand(request.target)}`,
      source,
    );
  }
  if (preview)
    return unknown(
      'kubernetes-access',
      why,
      `Give yourself an access entry in cluster ${cluster}, and check that its API server is reachable from here: ${readAccessCommands(request, preview)} (the service needs access too, which the same command gives once it is deployed). To plan with what EKS reports alone: --verification api`,
      source,
    );
  const remedy = `Give the service an access entry in cluster ${cluster} that may read pods (${grantCommand(request)}), and check that its API server is reachable. Without access, the identity of the pods cannot be verified; to rely on what EKS reports alone: --verification api`;
  return unknown('kubernetes-access', why, remedy, source);
}

export function checkKubernetes(facts: Facts, planned: readonly PlannedAssociation[]): Check[] {
  const { request, pods } = facts;
  if (!pods) return [withoutPods(facts)];
  const accounts = new Set(planned.map((one) => one.serviceAccount));
  const count = pods.filter((pod) => accounts.has(pod.serviceAccount) && !pod.terminating).length;
  if (request.verification === 'api') {
    return [
      warn(
        'kubernetes-access',
        `${count} pods of the planned service accounts are readable, but the request relies on what EKS reports (verification: api). ${NOT_SEEN}`,
        'Omit --verification api to verify the migration on each of them.',
      ),
    ];
  }
  if (count === 0) {
    return [
      fail(
        'kubernetes-access',
        `No pod runs with ${[...accounts].join(', ')}, so there would be no pod to verify the migration on.`,
        `Scale ${request.addon === undefined ? 'its workload' : 'the add-on'} up, or check why it has no pods, then plan again. To rely on what EKS reports alone: --verification api`,
      ),
    ];
  }
  const withWhom = facts.preview
    ? ` with your own access. The service needs its own once it is deployed: ${grantCommand(request)}`
    : '';
  return [pass('kubernetes-access', `${count} pods of the planned service accounts are readable${withWhom || '.'}`)];
}
