/** Shared by the preflight checks: the pods that they concern, and the check for facts that may not be read. */
import { grantCommand } from '../access/command.ts';
import type { Pod, Workload } from '../kubernetes/objects.ts';
import { type Check, unknown, warn } from '../terms/check.ts';
import type { MigrationRequest } from '../request/request.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import type { Facts } from './facts.ts';

/** Returns the pods that are to change: pods of the planned service accounts that are not terminating. */
export function plannedPods({ pods = [] }: Pick<Facts, 'pods'>, planned: readonly PlannedAssociation[]): Pod[] {
  const accounts = new Set(planned.map((one) => one.serviceAccount));
  return pods.filter(
    (pod) =>
      accounts.has(pod.serviceAccount) && !pod.terminating && pod.phase !== 'Succeeded' && pod.phase !== 'Failed',
  );
}

/** Returns the workloads whose pods are to change. */
export function plannedWorkloads(
  { workloads = [] }: Pick<Facts, 'workloads'>,
  planned: readonly PlannedAssociation[],
): Workload[] {
  const accounts = new Set(planned.map((one) => one.serviceAccount));
  return workloads.filter((workload) => accounts.has(workload.serviceAccount));
}

/**
 * Returns a check whose facts could not be read. It blocks, unless the request accepts the information from the EKS API.
 * `what` is what the service must be allowed to read.
 */
export function notSeen(request: MigrationRequest, id: string, message: string, what: string, source: string): Check {
  const say = request.verification === 'api' ? warn : unknown;
  return say(id, message, `Allow the service to read ${what}: ${grantCommand(request)}`, source);
}
