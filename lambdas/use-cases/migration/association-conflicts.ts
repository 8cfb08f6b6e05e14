/** Associations that conflict with the planned ones: which are this migration's to delete. */
import { decidePurge, plannedFor, type PurgeDecision } from '../../domain/associations/associations.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Association, PlannedAssociation, Target } from '../../domain/migration/model.ts';
import { isOwnAssociation } from '../../domain/migration/service-account.ts';
import type { Eks } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import type { AddonWork } from './recorded.ts';

type Where = Omit<AddonWork, 'plan'> & { target: Target; addon: string };

/**
 * Whether this migration may delete that association now. One that the snapshot does not know is its own only where it
 * was noted as created, or where a copy owns it that is known as the migration's.
 */
export function decideNow(
  association: Association,
  { snapshot, record, currentAttempt, target, addon }: Where,
): PurgeDecision {
  const planned = plannedFor(association, snapshot.planned);
  // Made by the step before, or there since before: it stays whatever becomes of the add-on.
  if (planned?.standalone === true && association.roleArn === planned.roleArn && isOwnAssociation(record, association))
    return { do: 'keep' };
  // EKS may have let go of it when its add-on was deleted with preserve: its id says whose it is.
  if (currentAttempt.strategy === 'recreate' && record.associations.created.some((one) => one.id === association.id))
    return { do: 'purge' };
  const { ownerArn, id } = association;
  const known = snapshot.associations.find((one) => one.id === id);
  if (!known && ownerArn !== undefined && ![snapshot.addon.arn, ...record.made].includes(ownerArn)) {
    return {
      do: 'refuse',
      reason: `${id} (${association.namespace}/${association.serviceAccount}) appeared after the snapshot, owned by ${ownerArn}`,
      remedy: 'find out who made it, then migrate again',
    };
  }
  // In place the copy that is there is the snapshot's; a way that recreates has none at this point.
  const current = currentAttempt.strategy === 'in-place' ? { addonArn: snapshot.addon.arn } : {};
  // And what the add-on owned before it was deleted is no standalone one for that.
  const whose =
    ownerArn === undefined && known?.ownerArn !== undefined
      ? { ...association, ownerArn: known.ownerArn }
      : association;
  return decidePurge(whose, {
    cluster: target.cluster,
    addon,
    planned: snapshot.planned,
    attempt: currentAttempt,
    snapshot,
    ...current,
  });
}

export const associationChanged = (reason: string, remedy: string): MigrationError =>
  new MigrationError('AssociationChanged', `Association ${reason}. It was left alone; ${remedy}.`);

/**
 * Of what is listed, the association that a copy of the add-on owns for each planned one, with the planned role;
 * `undefined` for what is missing.
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
