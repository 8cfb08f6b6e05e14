/**
 * The migration of a service account that belongs to no add-on: which associations belong to it, and what another
 * principal has changed since it began.
 */
import { type Doing, isTaken } from '../rollback/decisions.ts';
import type { Association, ServiceAccountState } from '../terms/observed.ts';
import type { Migration, Snapshot } from '../record/migration.ts';
import type { PlannedAssociation } from '../terms/planned.ts';

/**
 * The tag, with the migration's id, of each standalone association that a migration creates. It identifies what a call
 * whose reply was lost has created.
 */
export const MIGRATION_TAG = 'pod-identity-migrator/migration';

type Known = Pick<Migration, 'migrationId' | 'associations'>;

/**
 * Returns whether this migration created an association, according to its record or to the tag of the association.
 * Associations that an add-on owns never count, even with the tag: only EKS creates them.
 */
export const isOwnAssociation = (
  { migrationId, associations }: Known,
  { id, tags, ownerArn }: Pick<Association, 'id' | 'tags' | 'ownerArn'>,
): boolean =>
  ownerArn === undefined && (associations.created.some((one) => one.id === id) || tags[MIGRATION_TAG] === migrationId);

/** Returns whether an association existed when the snapshot was taken. */
export const wasThere = ({ associations }: Pick<Snapshot, 'associations'>, { id }: Pick<Association, 'id'>): boolean =>
  associations.some((one) => one.id === id);

/** Returns the associations that this migration created. */
export const ownAssociations = (
  record: Known,
  snapshot: Pick<Snapshot, 'associations'>,
  there: readonly Association[],
): Association[] => there.filter((one) => !wasThere(snapshot, one) && isOwnAssociation(record, one));

/** Returns the associations that neither the snapshot has nor this migration created. */
export const foreignAssociations = (
  record: Known,
  snapshot: Pick<Snapshot, 'associations'>,
  there: readonly Association[],
): Association[] => there.filter((one) => !wasThere(snapshot, one) && !isOwnAssociation(record, one));

export const associationText = ({ id, namespace, serviceAccount, roleArn }: Association): string =>
  `${id} of ${namespace}/${serviceAccount} with ${roleArn}`;

/**
 * Returns how the associations differ from what the migration leaves behind, which is the planned association alone,
 * whether created by this migration or earlier. Returns `undefined` if they do not differ.
 */
export function associationProblem(
  record: Known,
  snapshot: Pick<Snapshot, 'associations'>,
  planned: PlannedAssociation,
  there: readonly Association[],
): string | undefined {
  const [foreign] = foreignAssociations(record, snapshot, there);
  if (foreign) return `another principal has created association ${associationText(foreign)}`;
  const [found] = there;
  if (!found) return `the association of ${planned.namespace}/${planned.serviceAccount} is gone`;
  return found.roleArn === planned.roleArn
    ? undefined
    : `another principal has given association ${found.id} the role ${found.roleArn}`;
}

/** Returns whether this migration has removed the annotation, or may have removed it. */
export const isUnannotated = ({ annotationChange }: Pick<Migration, 'annotationChange'>): boolean =>
  annotationChange !== undefined && annotationChange.undoneAt === undefined;

type AccountNow = Pick<ServiceAccountState, 'uid' | 'roleArn'> | undefined;

/** A change of a service account by another principal, as text, and as what a person can have decided about it. */
interface AccountChange {
  doing: Doing;
  text: string;
}

/** Returns all changes by another principal, the most important first. */
function accountChanges(was: ServiceAccountState, now: AccountNow, unannotated: boolean): AccountChange[] {
  const what = `service account ${was.namespace}/${was.name}`;
  if (!now) return [{ doing: 'service-account-deleted', text: `another principal has deleted ${what}` }];
  const again: AccountChange[] =
    now.uid === was.uid
      ? []
      : [
          {
            doing: 'service-account-created-again',
            text: `another principal has deleted ${what} and created it again`,
          },
        ];
  if (now.roleArn === was.roleArn || (unannotated && now.roleArn === undefined)) return again;
  return [
    ...again,
    now.roleArn === undefined
      ? {
          doing: 'annotation-removed',
          text: `another principal has removed the annotation eks.amazonaws.com/role-arn from ${what}`,
        }
      : {
          doing: 'annotation-changed',
          text: `another principal has set the annotation eks.amazonaws.com/role-arn of ${what} to ${now.roleArn}`,
        },
  ];
}

/**
 * Returns, as text, what another principal has changed at a service account since it was read, or `undefined`.
 * `unannotated`: this migration may have removed the annotation.
 */
export const accountProblem = (was: ServiceAccountState, now: AccountNow, unannotated: boolean): string | undefined =>
  accountChanges(was, now, unannotated)[0]?.text;

/** Returns the same during a rollback, without the changes that a person has decided to keep. */
export const accountProblemBack = (
  record: Pick<Migration, 'rollback'>,
  was: ServiceAccountState,
  now: AccountNow,
  unannotated: boolean,
): string | undefined => accountChanges(was, now, unannotated).find(({ doing }) => !isTaken(record, doing))?.text;

/** Returns, as text, the changes that a person has decided to keep. */
export const accountTaken = (
  record: Pick<Migration, 'rollback'>,
  was: ServiceAccountState,
  now: AccountNow,
): string[] =>
  accountChanges(was, now, false)
    .filter(({ doing }) => isTaken(record, doing))
    .map(({ text }) => text);
