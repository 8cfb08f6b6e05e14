/**
 * The migration of a service account that is no add-on's: whose association is whose, and what somebody else has
 * changed meanwhile.
 */
import { type Doing, isTaken } from '../rollback/decisions.ts';
import type { Association, Migration, PlannedAssociation, ServiceAccountState, Snapshot } from './model.ts';

/**
 * A tag of each association that a migration makes by itself, with its id: what a call whose reply was lost has made is
 * known by it.
 */
export const MIGRATION_TAG = 'pod-identity-migrator/migration';

type Known = Pick<Migration, 'migrationId' | 'associations'>;

/**
 * Made by this migration, as its record or the association's own tag says. Never one of an add-on's, whatever they say:
 * only EKS makes those.
 */
export const isOwnAssociation = (
  { migrationId, associations }: Known,
  { id, tags, ownerArn }: Pick<Association, 'id' | 'tags' | 'ownerArn'>,
): boolean =>
  ownerArn === undefined && (associations.created.some((one) => one.id === id) || tags[MIGRATION_TAG] === migrationId);

export const wasThere = ({ associations }: Pick<Snapshot, 'associations'>, { id }: Pick<Association, 'id'>): boolean =>
  associations.some((one) => one.id === id);

/** Those that neither were there before nor are this migration's. */
export const foreignAssociations = (
  record: Known,
  snapshot: Pick<Snapshot, 'associations'>,
  there: readonly Association[],
): Association[] => there.filter((one) => !wasThere(snapshot, one) && !isOwnAssociation(record, one));

export const associationText = ({ id, namespace, serviceAccount, roleArn }: Association): string =>
  `${id} of ${namespace}/${serviceAccount} with ${roleArn}`;

/**
 * What of these is not as the road leaves it, in words, or undefined: the one planned association, this migration's or
 * of before.
 */
export function associationProblem(
  record: Known,
  snapshot: Pick<Snapshot, 'associations'>,
  planned: PlannedAssociation,
  there: readonly Association[],
): string | undefined {
  const [foreign] = foreignAssociations(record, snapshot, there);
  if (foreign) return `somebody else made ${associationText(foreign)} meanwhile`;
  const [found] = there;
  if (!found) return `the association of ${planned.namespace}/${planned.serviceAccount} is gone`;
  return found.roleArn === planned.roleArn ? undefined : `somebody else gave ${found.id} the role ${found.roleArn}`;
}

/** Whether this migration has taken the annotation off, or may have. */
export const isUnannotated = ({ annotationChange }: Pick<Migration, 'annotationChange'>): boolean =>
  annotationChange !== undefined && annotationChange.undoneAt === undefined;

type AccountNow = Pick<ServiceAccountState, 'uid' | 'roleArn'> | undefined;

/** What another principal has changed at a service account, in words, and what a person can have decided about it. */
interface AccountChange {
  doing: Doing;
  text: string;
}

/** All of them, the one that matters most first. */
function accountChanges(was: ServiceAccountState, now: AccountNow, unannotated: boolean): AccountChange[] {
  const what = `service account ${was.namespace}/${was.name}`;
  if (!now) return [{ doing: 'service-account-deleted', text: `somebody else has deleted ${what}` }];
  const again: AccountChange[] =
    now.uid === was.uid
      ? []
      : [{ doing: 'service-account-created-again', text: `somebody else has deleted ${what} and made it again` }];
  if (now.roleArn === was.roleArn || (unannotated && now.roleArn === undefined)) return again;
  return [
    ...again,
    now.roleArn === undefined
      ? {
          doing: 'annotation-removed',
          text: `somebody else has taken the annotation eks.amazonaws.com/role-arn off ${what}`,
        }
      : {
          doing: 'annotation-changed',
          text: `somebody else has given ${what} the annotation eks.amazonaws.com/role-arn: ${now.roleArn}`,
        },
  ];
}

/**
 * What somebody else has changed at a service account since it was seen, in words, or undefined. `unannotated`: this
 * migration may have taken the annotation off.
 */
export const accountProblem = (was: ServiceAccountState, now: AccountNow, unannotated: boolean): string | undefined =>
  accountChanges(was, now, unannotated)[0]?.text;

/** The same on the way back, without what a person has decided to leave. */
export const accountProblemBack = (
  record: Pick<Migration, 'rollback'>,
  was: ServiceAccountState,
  now: AccountNow,
  unannotated: boolean,
): string | undefined => accountChanges(was, now, unannotated).find(({ doing }) => !isTaken(record, doing))?.text;

/** What of it a person has decided to leave, in words. */
export const accountTaken = (
  record: Pick<Migration, 'rollback'>,
  was: ServiceAccountState,
  now: AccountNow,
): string[] =>
  accountChanges(was, now, false)
    .filter(({ doing }) => isTaken(record, doing))
    .map(({ text }) => text);
