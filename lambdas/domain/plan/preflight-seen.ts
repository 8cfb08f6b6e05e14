/** What the preflight checks share: which pods they are about, and what is said where the service may not look. */
import { grantCommand } from '../access/command.ts';
import type { Pod } from '../kubernetes/objects.ts';
import type { Check, MigrationRequest, PlannedAssociation } from '../migration/model.ts';
import { unknown, warn } from './check.ts';
import type { Facts } from './facts.ts';

/** The pods that are to change: of the planned service accounts, and not on their way out. */
export function plannedPods({ pods = [] }: Pick<Facts, 'pods'>, planned: readonly PlannedAssociation[]): Pod[] {
  const accounts = new Set(planned.map((one) => one.serviceAccount));
  return pods.filter(
    (pod) =>
      accounts.has(pod.serviceAccount) && !pod.terminating && pod.phase !== 'Succeeded' && pod.phase !== 'Failed',
  );
}

/**
 * A check whose answer could not be seen: it blocks, unless the request is content with what EKS says. `what`: what to
 * let the service look at.
 */
export function notSeen(request: MigrationRequest, id: string, message: string, what: string, source: string): Check {
  const say = request.verification === 'api' ? warn : unknown;
  return say(id, message, `Allow the service to read ${what}: ${grantCommand(request)}`, source);
}
