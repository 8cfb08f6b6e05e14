/**
 * The commands that finish by hand what the service could not: pasted into a shell one after the other, they restore the
 * add-on from its current state to that of the snapshot. Changes of its version or configuration by other tools or people
 * are kept.
 */
import { accountOf, type Target } from '../terms/subject.ts';
import { namespaceOf } from '../addons/registry.ts';
import { ownedOf, plannedFor, standaloneOf } from '../associations/associations.ts';
import { changedByThirdParty, classifyCopy } from '../addons/copies.ts';
import { endLines, foreignNote, restoreLines, type RestoreLines } from './lines.ts';
import { trustLines } from './trust.ts';
import { type Offer, versionLines, versionToCreate } from './version.ts';
import type { WorkloadRef } from '../kubernetes/objects.ts';
import type { Addon, Association } from '../terms/observed.ts';
import type { Migration, AddonSnapshot } from '../record/migration.ts';
import { standingTrustChanges } from '../rollback/recovery.ts';
import {
  conflictsOfCreate,
  decideRestore,
  needsConsent,
  preservesFailedCopy,
  type RestoreFacts,
} from '../rollback/restore.ts';
import {
  isSameAssociation,
  leftOvers,
  createdByThirdParty,
  ownedBefore,
  standAloneBefore,
} from '../rollback/associations.ts';
import { isOwnAssociation, wasThere } from '../migration/service-account.ts';
import { ifWanted, mayFail, note, shellCommand } from '../text/shell.ts';

export interface RestoreCommandsFacts {
  target: Target;
  snapshot: AddonSnapshot;
  record: Migration;
  /** Absent if EKS could not be read. The commands then work from any state of the add-on. */
  seen?: { addon: Addon | undefined; associations: Association[] };
  /** Absent if it could not be read, or if the add-on need not be created. */
  offer?: Offer;
  /** Workloads of the planned service accounts. Absent if the API server could not be read. */
  workloads?: WorkloadRef[];
  /**
   * Current trust policies that this migration has changed, by the role's ARN: null for a deleted role. Policies that
   * could not be read are absent.
   */
  trust?: Record<string, string | null>;
}

/**
 * The wait until the key of a deleted association is free again (aws-controllers-k8s/community#2684: 1 to 3 seconds; the
 * User Guide: several seconds).
 */
const KEY_IS_FREED = 'sleep 30';

/**
 * The waiter fails at DEGRADED, which an add-on may be temporarily. The last line checks whether it has become ACTIVE.
 */
const settled = (lines: RestoreLines): string => mayFail(lines.wait('addon-active'));

/** Returns whether the add-on supports associations for the service account of this one. */
const isOfForm = ({ planned }: AddonSnapshot, one: Association): boolean =>
  plannedFor(one, ownedOf(planned)) !== undefined;

/** Returns the lines for an add-on in an unknown state: each line either does its part or has no effect. */
function fromAnyState({ target, record, snapshot }: RestoreCommandsFacts, lines: RestoreLines): string[] {
  const made = record.associations.created.filter(
    (one) => isOfForm(snapshot, one) && snapshot.associations.every((before) => before.id !== one.id),
  );
  return [
    note`EKS could not be read, so these lines work from any state; a line that ends in "|| true" may report that there is nothing to do.`,
    settled(lines),
    ...made.map((one) => mayFail(lines.deleteAssociation(one.id))),
    ...(made.length > 0 ? [KEY_IS_FREED] : []),
    ...versionLines(target, snapshot.addon),
    mayFail(lines.create(conflictsOfCreate(record), snapshot.addon.version)),
    settled(lines),
    lines.update(),
    settled(lines),
  ];
}

function createLines(
  { target, record, snapshot, offer }: RestoreCommandsFacts,
  lines: RestoreLines,
  addon: Addon | undefined,
): string[] {
  const conflict = addon !== undefined && needsConsent(record, addon);
  const conflicts = conflict ? 'OVERWRITE' : conflictsOfCreate(record);
  return [
    ...versionLines(target, snapshot.addon, offer),
    ...(conflict
      ? [
          note`OVERWRITE resets the fields that other field managers have changed: see the warnings, and the health issues that EKS reports.`,
        ]
      : []),
    ...(conflicts === 'NONE'
      ? [
          note`If it ends in CREATE_FAILED because of conflicts, delete it with --preserve and create it with OVERWRITE, which resets what other field managers have changed.`,
        ]
      : []),
    lines.create(conflicts, versionToCreate(snapshot.addon, offer)),
    settled(lines),
  ];
}

const describe = (addon: Addon | undefined, { snapshot, record }: RestoreCommandsFacts): string[] => {
  const copy = classifyCopy(snapshot, record, addon);
  const changed = addon && changedByThirdParty(snapshot, addon);
  return [
    ...(addon
      ? addon.serviceAccountRoleArn === undefined
        ? [note`Add-on ${addon.name} is ${addon.status} without a role.`]
        : [note`Add-on ${addon.name} is ${addon.status} with role ${addon.serviceAccountRoleArn}.`]
      : [note`Add-on ${snapshot.addon.name} does not exist.`]),
    ...(copy === 'gone' ? [note`Another principal deleted it, not this migration.`] : []),
    ...(copy === 'foreign' ? [note`Another principal created this copy.`] : []),
    ...(changed
      ? [note`Another principal has changed it since: version and configuration are left as they are now.`]
      : []),
  ];
};

/**
 * Returns associations that another principal has created for service accounts that the add-on supports, and that do not
 * conflict with an earlier association. The rollback leaves them.
 */
function thirdPartyLines({ snapshot, record, seen, target }: RestoreCommandsFacts, lines: RestoreLines): string[] {
  if (!seen) return [];
  const wanted = [...ownedBefore(snapshot), ...standAloneBefore(snapshot, target.cluster)];
  return createdByThirdParty(snapshot, record, seen.addon, seen.associations)
    .filter((other) =>
      wanted.every((was) => was.namespace !== other.namespace || was.serviceAccount !== other.serviceAccount),
    )
    .flatMap((other) => [foreignNote(other), ifWanted(lines.deleteAssociation(other.id))]);
}

/** Returns associations of another principal that conflict with an association that must be restored. */
function freeKeys(
  { snapshot, record, seen }: RestoreCommandsFacts,
  wanted: Association[],
  lines: RestoreLines,
): string[] {
  if (!seen) return [];
  const conflicting = createdByThirdParty(snapshot, record, seen.addon, seen.associations).filter((other) =>
    wanted.some((was) => was.namespace === other.namespace && was.serviceAccount === other.serviceAccount),
  );
  return conflicting.flatMap((other) => [
    note`Another principal created ${other.id} for ${other.namespace}/${other.serviceAccount} meanwhile; it conflicts with the former association.`,
    mayFail(lines.deleteAssociation(other.id)),
    KEY_IS_FREED,
  ]);
}

const RECREATED: ReadonlySet<Addon['status']> = new Set(['DELETING', 'CREATE_FAILED', 'DELETE_FAILED']);

/** Returns whether the restore commands create an add-on that EKS reports like this. */
export const isCreatedAgain = (addon: Addon | undefined): boolean => addon === undefined || RECREATED.has(addon.status);

/** Returns the lines for an add-on whose state is known. */
function fromSeenState(
  facts: RestoreCommandsFacts,
  seen: NonNullable<RestoreCommandsFacts['seen']>,
  lines: RestoreLines,
): string[] {
  const { record, snapshot } = facts;
  const { addon, associations } = seen;
  const left = new Set(leftOvers(snapshot, record, addon, associations).map((one) => one.id));
  const kept = new Set(snapshot.associations.map((one) => one.id));
  // The deletion of an add-on may leave its associations behind.
  const deleteLeft = (goes: boolean): string[] =>
    associations
      .filter(
        (one) =>
          left.has(one.id) ||
          (goes &&
            one.ownerArn === addon?.arn &&
            (ownedBefore(snapshot).some((was) => was.id === one.id) || !kept.has(one.id))),
      )
      .map((one) => mayFail(lines.deleteAssociation(one.id)));
  const orNothing = (deleted: string[]): string[] => (deleted.length > 0 ? [...deleted, KEY_IS_FREED] : []);

  const begin = [...describe(addon, facts), ...freeKeys(facts, ownedBefore(snapshot), lines)];
  if (!addon) return [...begin, ...orNothing(deleteLeft(false)), ...createLines(facts, lines, addon)];
  switch (addon.status) {
    case 'DELETING':
      return [
        ...begin,
        lines.wait('addon-deleted'),
        ...orNothing(deleteLeft(true)),
        ...createLines(facts, lines, undefined),
      ];
    case 'CREATE_FAILED':
    case 'DELETE_FAILED':
      return [
        ...begin,
        lines.delete(preservesFailedCopy(record)),
        lines.wait('addon-deleted'),
        ...orNothing(deleteLeft(true)),
        ...createLines(facts, lines, addon),
      ];
    case 'CREATING':
    case 'UPDATING':
      return [...begin, settled(lines), ...orNothing(deleteLeft(false)), lines.update(), settled(lines)];
    case 'ACTIVE':
    case 'DEGRADED':
    case 'UPDATE_FAILED': {
      const restore: RestoreFacts = { snapshot, record, now: addon, associations, actions: 0 };
      // An association that the last line's rollback deletes may hold the key of one that must be restored before it.
      const isConflicting = standAloneBefore(snapshot, facts.target.cluster).some((was) =>
        associations.some((one) => one.ownerArn === addon.arn && accountOf(one) === accountOf(was)),
      );
      const asBefore =
        addon.status === 'ACTIVE' &&
        !isConflicting &&
        decideRestore({ ...restore, associations: associations.filter((one) => !left.has(one.id)) }).do === 'done';
      return [...begin, ...orNothing(deleteLeft(false)), ...(asBefore ? [] : [lines.update(), settled(lines)])];
    }
  }
}

/** Returns the lines that restore standalone associations, and fields that the add-on's owned associations lose. */
function associationLines(facts: RestoreCommandsFacts, lines: RestoreLines): string[] {
  const { target, snapshot, seen } = facts;
  const standAlone = standAloneBefore(snapshot, target.cluster).flatMap((was) => {
    if (!seen) return [mayFail(lines.createAssociation(was))];
    const there = seen.associations.some(
      (one) => one.id === was.id || (one.ownerArn === undefined && isSameAssociation(was, one)),
    );
    if (there) return [];
    return [...freeKeys(facts, [was], lines), lines.createAssociation(was)];
  });
  // An association that the add-on no longer owns holds its key for a moment.
  return [
    ...(standAlone.length > 0 ? [KEY_IS_FREED] : []),
    ...standAlone,
    ...ownedBefore(snapshot).flatMap((was) => lines.fields(was)),
  ];
}

/**
 * Returns the lines that delete this migration's standalone associations once the add-on has its role, and notes about
 * those of other principals.
 */
function standaloneLines({ record, snapshot, seen }: RestoreCommandsFacts, lines: RestoreLines): string[] {
  const planned = standaloneOf(snapshot.planned);
  const there = (seen?.associations ?? record.associations.created).filter(
    (one) => plannedFor(one, planned) !== undefined && !wasThere(snapshot, one),
  );
  const deleted = there.flatMap((one) =>
    isOwnAssociation(record, one)
      ? [mayFail(lines.deleteAssociation(one.id))]
      : [foreignNote(one), ifWanted(lines.deleteAssociation(one.id))],
  );
  return deleted.length > 0 ? [...deleted, KEY_IS_FREED] : [];
}

/** The namespace is set at the create, so an add-on that is in another namespace cannot be restored. */
function elsewhereLines({ snapshot, seen, record }: RestoreCommandsFacts): string[] | undefined {
  const now = seen?.addon && namespaceOf(seen.addon, snapshot.defaultNamespace);
  if (now === undefined || now === snapshot.namespace) return undefined;
  return [
    note`Add-on ${snapshot.addon.name} is in namespace ${now}, and was in ${snapshot.namespace}: another principal created it there. The last line leaves it as it is and releases the lock.`,
    note`To restore it in ${snapshot.namespace} instead, delete it, then run this, which ends with new commands: pod-identity rollback ${record.migrationId} --deployed`,
    shellCommand(['pod-identity', 'release', record.migrationId, '--deployed']),
  ];
}

/** Returns the lines in order. Each is a note, or a complete command. The list is never empty. */
export function addonRestoreCommands(given: RestoreCommandsFacts): string[] {
  const { target, snapshot, seen: all, workloads, record, trust = {} } = given;
  const elsewhere = elsewhereLines(given);
  if (elsewhere) return elsewhere;
  const seen = all && { ...all, associations: all.associations.filter((one) => isOfForm(snapshot, one)) };
  const facts: RestoreCommandsFacts = seen ? { ...given, seen } : given;
  const lines = restoreLines(target, snapshot, ownedBefore(snapshot));
  const namespaces = [...new Set(snapshot.planned.map((one) => one.namespace))];
  const restarts =
    workloads && workloads.length > 0
      ? workloads.map((one) => lines.restart(one))
      : namespaces.map((namespace) => mayFail(lines.restartByLabel(namespace)));
  return [
    ...(seen ? fromSeenState(facts, seen, lines) : fromAnyState(facts, lines)),
    ...associationLines(facts, lines),
    ...standaloneLines(given, lines),
    ...thirdPartyLines(facts, lines),
    note`Pods keep the identity that they were admitted with: new pods get the restored identity.`,
    lines.kubeconfig(),
    ...restarts,
    ...standingTrustChanges(record).flatMap((change) => trustLines(change, target, trust)),
    ...endLines(record.migrationId),
  ];
}
