/** Decides which associations that conflict with the planned ones this migration may delete. */
import { decidePurge, plannedFor, type PurgeDecision } from '../../domain/associations/associations.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Association } from '../../domain/terms/observed.ts';
import type { PlannedAssociation } from '../../domain/terms/planned.ts';
import type { Target } from '../../domain/terms/subject.ts';
import { isOwnAssociation } from '../../domain/migration/service-account.ts';
import type { Eks } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import type { AddonWork } from '../record/recorded.ts';

type Where = Omit<AddonWork, 'plan'> & { target: Target; addon: string };

/**
 * Returns whether this migration may delete the association now. An association that is not in the snapshot is the
 * migration's own only if it was noted as created, or if its owner is a copy that is known as the migration's.
 */
export function decideNow(
  association: Association,
  { snapshot, record, currentAttempt, target, addon }: Where,
): PurgeDecision {
  const planned = plannedFor(association, snapshot.planned);
  // The previous step created it, or it existed before: it stays regardless of the add-on.
  if (planned?.standalone === true && association.roleArn === planned.roleArn && isOwnAssociation(record, association))
    return { do: 'keep' };
  // EKS may have cleared the owner when the add-on was deleted with preserve: the id shows whose association it is.
  if (currentAttempt.strategy === 'recreate' && record.associations.created.some((one) => one.id === association.id))
    return { do: 'purge' };
  const { ownerArn, id } = association;
  const known = snapshot.associations.find((one) => one.id === id);
  if (!known && ownerArn !== undefined && ![snapshot.addon.arn, ...record.made].includes(ownerArn)) {
    return {
      do: 'refuse',
      reason: `${id} (${association.namespace}/${association.serviceAccount}) appeared after the snapshot, owned by ${ownerArn}`,
      remedy: 'find out who created it, then migrate again',
    };
  }
  // In place, the present copy is the snapshot's; an attempt that recreates the add-on has no copy at this point.
  const current = currentAttempt.strategy === 'in-place' ? { addonArn: snapshot.addon.arn } : {};
  // An association that the add-on owned before its deletion is not standalone because EKS has cleared the owner.
  const whose =
    ownerArn === undefined && known?.ownerArn !== undefined
      ? { ...association, ownerArn: known.ownerArn }
      : association;
  return decidePurge(whose, {
    cluster: target.cluster,
    region: target.region,
    addon,
    planned: snapshot.planned,
    attempt: currentAttempt,
    accept: record.request.accept,
    snapshot,
    ...current,
  });
}

export const associationChanged = (reason: string, remedy: string): MigrationError =>
  new MigrationError('AssociationChanged', `Association ${reason}. It was left alone; ${remedy}.`);

/**
 * Returns for each planned association the listed one that the add-on's copy owns, with the planned role; `undefined` if it
 * is missing.
 */
export async function listOwned(
  eks: Eks,
  planned: readonly PlannedAssociation[],
  ownerArn: string,
): Promise<(Association | undefined)[]> {
  const listed = await listPlannedAssociations(eks, planned);
  return planned.map(({ namespace, serviceAccount, roleArn }) =>
    listed.find(
      (one) =>
        one.namespace === namespace &&
        one.serviceAccount === serviceAccount &&
        one.roleArn === roleArn &&
        one.ownerArn === ownerArn,
    ),
  );
}
