/**
 * The commands that finish by hand what the service could not: pasted one after the other into a shell, they bring the
 * add-on from the state that it is in to how the snapshot has it. What somebody else has changed in version or
 * configuration stays as it is.
 */
import { namespaceOf } from '../addons/registry.ts';
import { ownedOf, plannedFor, standaloneOf } from '../associations/associations.ts';
import { changedByThirdParty, classifyCopy } from '../addons/copies.ts';
import { endLines, foreignNote, handOffLines, type HandOffLines } from './lines.ts';
import { trustLines } from './trust.ts';
import type { WorkloadRef } from '../kubernetes/objects.ts';
import type { Addon, Association, Migration, AddonSnapshot, Target } from '../migration/model.ts';
import { standingTrustChanges } from '../rollback/recovery.ts';
import {
  conflictsOfCreate,
  decideRestore,
  needsConsent,
  preservesFailedCopy,
  type RestoreFacts,
} from '../rollback/restore.ts';
import {
  accountOf,
  isSameAssociation,
  leftOvers,
  createdByThirdParty,
  ownedBefore,
  standAloneBefore,
} from '../rollback/associations.ts';
import { isOwnAssociation, wasThere } from '../migration/service-account.ts';
import { ifWanted, mayFail, note, shellCommand } from '../text/shell.ts';

export interface HandOffFacts {
  target: Target;
  snapshot: AddonSnapshot;
  record: Migration;
  /** Absent where EKS could not be read: the commands then work from whatever state the add-on is in. */
  seen?: { addon: Addon | undefined; associations: Association[] };
  /** Of the planned service accounts; absent where the API server could not be read. */
  workloads?: WorkloadRef[];
  /**
   * Trust policies now, by role's ARN, of those that this migration has changed: null where the role is gone; what
   * could not be read is not there.
   */
  trust?: Record<string, string | null>;
}

/**
 * For the key of a deleted association to be free again (aws-controllers-k8s/community#2684: 1 to 3 seconds; the User
 * Guide says several).
 */
const KEY_IS_FREED = 'sleep 30';

/**
 * The waiter gives up at DEGRADED, which an add-on may be for a while; the last line sees whether it has become ACTIVE.
 */
const settled = (lines: HandOffLines): string => mayFail(lines.wait('addon-active'));

/** Whether it is of a service account that the add-on takes an association for. */
const isOfForm = ({ planned }: AddonSnapshot, one: Association): boolean =>
  plannedFor(one, ownedOf(planned)) !== undefined;

/** The add-on, whatever it is now: each line either does its part or has nothing to do. */
function fromAnyState({ record, snapshot }: HandOffFacts, lines: HandOffLines): string[] {
  const made = record.associations.created.filter(
    (one) => isOfForm(snapshot, one) && snapshot.associations.every((before) => before.id !== one.id),
  );
  return [
    note`EKS could not be read, so these lines work from any state; a line that ends in "|| true" may report that there is nothing to do.`,
    settled(lines),
    ...made.map((one) => mayFail(lines.deleteAssociation(one.id))),
    ...(made.length > 0 ? [KEY_IS_FREED] : []),
    mayFail(lines.create(conflictsOfCreate(record))),
    settled(lines),
    lines.update(),
    settled(lines),
  ];
}

function createLines({ record }: HandOffFacts, lines: HandOffLines, addon: Addon | undefined): string[] {
  const conflict = addon !== undefined && needsConsent(record, addon);
  const conflicts = conflict ? 'OVERWRITE' : conflictsOfCreate(record);
  return [
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
    lines.create(conflicts),
    settled(lines),
  ];
}

const describe = (addon: Addon | undefined, { snapshot, record }: HandOffFacts): string[] => {
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
 * What somebody else has made of a service account that the add-on takes one for, where nothing of before needs its
 * place: the rollback leaves it.
 */
function thirdPartyLines({ snapshot, record, seen, target }: HandOffFacts, lines: HandOffLines): string[] {
  if (!seen) return [];
  const wanted = [...ownedBefore(snapshot), ...standAloneBefore(snapshot, target.cluster)];
  return createdByThirdParty(snapshot, record, seen.addon, seen.associations)
    .filter((other) =>
      wanted.every((was) => was.namespace !== other.namespace || was.serviceAccount !== other.serviceAccount),
    )
    .flatMap((other) => [foreignNote(other), ifWanted(lines.deleteAssociation(other.id))]);
}

/** What somebody else has put where an association has to come back: the old one needs its place. */
function freeKeys({ snapshot, record, seen }: HandOffFacts, wanted: Association[], lines: HandOffLines): string[] {
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

/** The add-on from the state that was seen. */
function fromSeenState(facts: HandOffFacts, seen: NonNullable<HandOffFacts['seen']>, lines: HandOffLines): string[] {
  const { record, snapshot } = facts;
  const { addon, associations } = seen;
  const left = new Set(leftOvers(snapshot, record, addon, associations).map((one) => one.id));
  const kept = new Set(snapshot.associations.map((one) => one.id));
  // A copy that goes may leave its associations behind.
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
      // What the rollback of the last line takes away may hold the key of what has to come back before it.
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

/** Associations that come back by themselves, and the fields that the add-on's own ones lose. */
function associationLines(facts: HandOffFacts, lines: HandOffLines): string[] {
  const { target, snapshot, seen } = facts;
  const standAlone = standAloneBefore(snapshot, target.cluster).flatMap((was) => {
    if (!seen) return [mayFail(lines.createAssociation(was))];
    const there = seen.associations.some(
      (one) => one.id === was.id || (one.ownerArn === undefined && isSameAssociation(was, one)),
    );
    if (there) return [];
    return [...freeKeys(facts, [was], lines), lines.createAssociation(was)];
  });
  // What the add-on lets go of holds its key for a moment.
  return [
    ...(standAlone.length > 0 ? [KEY_IS_FREED] : []),
    ...standAlone,
    ...ownedBefore(snapshot).flatMap((was) => lines.fields(was)),
  ];
}

/** What this migration has made by itself goes once the add-on has its role; what somebody else has made is told. */
function standaloneLines({ record, snapshot, seen }: HandOffFacts, lines: HandOffLines): string[] {
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

/** A namespace is chosen with the create: of an add-on that is in another one nothing can be put back. */
function elsewhereLines({ snapshot, seen, record }: HandOffFacts): string[] | undefined {
  const now = seen?.addon && namespaceOf(seen.addon, snapshot.defaultNamespace);
  if (now === undefined || now === snapshot.namespace) return undefined;
  return [
    note`Add-on ${snapshot.addon.name} is in namespace ${now}, and was in ${snapshot.namespace}: another principal created it there. The last line leaves it as it is and releases the lock.`,
    note`To restore it in ${snapshot.namespace} instead, delete it, then run this, which ends with new commands: pod-identity rollback ${record.migrationId} --deployed`,
    shellCommand(['pod-identity', 'release', record.migrationId, '--deployed']),
  ];
}

/** Returns the lines in order: each is a note, or a command that needs nothing filled in. Never empty. */
export function handOffCommands(given: HandOffFacts): string[] {
  const { target, snapshot, seen: all, workloads, record, trust = {} } = given;
  const elsewhere = elsewhereLines(given);
  if (elsewhere) return elsewhere;
  const seen = all && { ...all, associations: all.associations.filter((one) => isOfForm(snapshot, one)) };
  const facts: HandOffFacts = seen ? { ...given, seen } : given;
  const lines = handOffLines(target, snapshot, ownedBefore(snapshot));
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
