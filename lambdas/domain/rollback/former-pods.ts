/** What the pods of an add-on's service account used before the migration, as far as a rollback depends on it. */
import { acceptedNames } from '../acceptance/accept.ts';
import type { MigrationRequest } from '../request/request.ts';
import type { PodEvidence } from '../terms/evidence.ts';
import type { Snapshot } from '../record/migration.ts';

/** A former pod, from the evidence that the plan has stored. */
type Former = Pick<PodEvidence, 'serviceAccount' | 'identity' | 'level'>;

/**
 * Returns whether the webhook had injected IRSA into a pod whose containers do not all show what they used: its service
 * account had the add-on's role, and it did not have the configuration of EKS Pod Identity.
 */
const isAnnotated = ({ serviceAccount, level }: Former, { annotated = [] }: Pick<Snapshot, 'annotated'>): boolean =>
  level === undefined && annotated.includes(serviceAccount);

/** Returns whether a pod had its role by IRSA, at least in some containers. */
export const hadIrsa = (pod: Former, snapshot: Pick<Snapshot, 'annotated'>): boolean =>
  pod.identity === 'irsa' || pod.identity === 'mixed' || (pod.identity === 'unknown' && isAnnotated(pod, snapshot));

/**
 * Returns whether none of these pods used an association. A pod may have been `mixed` because one of its containers was
 * unknown, which only a request that accepts such containers migrates; without one, it used IRSA and EKS Pod Identity.
 */
export const usedNoAssociation = (
  pods: readonly Former[],
  snapshot: Pick<Snapshot, 'annotated'>,
  request: Pick<MigrationRequest, 'accept'>,
): boolean =>
  pods.length > 0 &&
  pods.every(
    (pod) =>
      pod.identity === 'irsa' ||
      (acceptedNames(request, 'unknown-credentials').length > 0 &&
        (pod.identity === 'unknown' || pod.identity === 'mixed') &&
        isAnnotated(pod, snapshot)),
  );
