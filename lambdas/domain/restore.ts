/**
 * What to do next to put back what was: a decision from the snapshot and what is there now, so that the same function
 * serves the first invocation, each poll, and one that follows a lost reply.
 */
import { isOwnedBy } from './arn.ts';
import type { Addon, Association, Snapshot } from './model.ts';

export type RestoreAction =
  | { do: 'wait'; why: string }
  | { do: 'create' }
  /** Detach the new associations and attach the role again, by UpdateAddon: pods roll, nothing is removed. */
  | { do: 'update' }
  /** A copy that never worked has to go before it can be made again. */
  | { do: 'delete' }
  | { do: 'done' }
  | { do: 'refuse'; why: string };

const reasons = (addon: Addon): string => addon.issues.map((issue) => issue.message).join('; ') || 'no reason given';

export function decideRestore(snapshot: Snapshot, now: Addon | undefined): RestoreAction {
  const was = snapshot.addon;
  if (!now) return { do: 'create' };
  if (now.status === 'CREATING' || now.status === 'UPDATING' || now.status === 'DELETING') {
    return { do: 'wait', why: `add-on ${was.name} is ${now.status}` };
  }
  if (now.version !== was.version) {
    return { do: 'refuse', why: `somebody else changed add-on ${was.name} meanwhile: version ${now.version}, was ${was.version}` };
  }
  if (now.configurationValues !== was.configurationValues) {
    return { do: 'refuse', why: `somebody else changed the configuration values of add-on ${was.name} meanwhile` };
  }
  if (now.status === 'CREATE_FAILED') return { do: 'delete' };
  if (now.status === 'DELETE_FAILED') return { do: 'refuse', why: `EKS could not delete add-on ${was.name}: ${reasons(now)}` };
  if (now.serviceAccountRoleArn === was.serviceAccountRoleArn && now.podIdentityAssociations.length <= was.podIdentityAssociations.length) {
    if (now.status === 'ACTIVE') return { do: 'done' };
    if (now.status === 'UPDATE_FAILED') return { do: 'refuse', why: `add-on ${was.name} has its role back, but the update failed: ${reasons(now)}` };
    return { do: 'wait', why: `add-on ${was.name} is ${now.status}` };
  }
  if (now.serviceAccountRoleArn === undefined || now.serviceAccountRoleArn === was.serviceAccountRoleArn) return { do: 'update' };
  return { do: 'refuse', why: `somebody else gave add-on ${was.name} the role ${now.serviceAccountRoleArn}` };
}

/** Those of the snapshot that belonged to the add-on itself: they come back with it, through the add-on's API. */
export const ownedBefore = (snapshot: Snapshot, cluster: string): Association[] =>
  snapshot.associations.filter((association) => isOwnedBy(association.ownerArn, cluster, snapshot.addon.name));

export const standAloneBefore = (snapshot: Snapshot): Association[] => snapshot.associations.filter((association) => association.ownerArn === undefined);

/** Whether an association is one that the migration itself has made since its snapshot. */
export const isMadeSince = (snapshot: Snapshot, association: Association): boolean =>
  association.createdAt >= snapshot.takenAt &&
  snapshot.associations.every((before) => before.id !== association.id) &&
  snapshot.planned.some(
    (one) => one.namespace === association.namespace && one.serviceAccount === association.serviceAccount && one.roleArn === association.roleArn,
  );

/** Whether the add-on is still the very one that the snapshot shows: same incarnation, version, role and configuration. */
export const isAsSnapshot = (snapshot: Pick<Snapshot, 'addon'>, now: Addon): boolean =>
  now.arn === snapshot.addon.arn &&
  now.version === snapshot.addon.version &&
  now.serviceAccountRoleArn === snapshot.addon.serviceAccountRoleArn &&
  now.configurationValues === snapshot.addon.configurationValues;
