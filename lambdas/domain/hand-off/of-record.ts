/**
 * The hand-off of a migration, from its record: what the owner's code must contain after it, after its rollback, or after
 * the retirement of the OIDC trust. It is computed whenever the record is read, and stored nowhere.
 */
import { accountOf } from '../terms/subject.ts';
import { plannedFor } from '../associations/associations.ts';
import { standingTrustChanges } from '../rollback/recovery.ts';
import type { Association } from '../terms/observed.ts';
import type { Migration } from '../record/migration.ts';
import type { Plan } from '../record/plan.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { MIGRATION_TAG, isOwnAssociation } from '../migration/service-account.ts';
import type { TrustRepair } from '../terms/trust.ts';
import { repairProblem, retirementProblem } from '../trust/own-changes.ts';
import { providerOf } from '../trust/reinstate.ts';
import { ROLE_STILL_SET } from '../verification/pods.ts';
import { foundHandOff } from './found.ts';
import type { HandOff, HandOffAddon, HandOffAssociation, HandOffTrust } from '../terms/hand-off.ts';
import { type Notes, orderOf } from './order.ts';
import {
  annotationOf,
  blockOf,
  entryOf,
  type HandOffContent,
  newestFor,
  ownedBlocks,
  settingsOf,
  withoutResource,
} from './parts.ts';

/** Stands for the id of the migration, which a dry run cannot know, in the tag of an association. */
export const UNKNOWN_MIGRATION = 'MIGRATION-ID';

type Planned = Migration & { plan: Plan };

const foundIn = ({ existingAssociations = [] }: Plan): readonly Association[] => existingAssociations;

const ids = (associations: readonly Association[]): Set<string> => new Set(associations.map(({ id }) => id));

/** Returns the fields that the hand-offs of all states have. */
const headOf = ({ request: { target, serviceAccount } }: Migration) => ({
  target,
  ...(serviceAccount ? { serviceAccount } : {}),
});

/** Returns the change of the add-on's code; nothing for a service account. */
const addonOf = ({ plan: { addon } }: Planned, change: Omit<HandOffAddon, 'name' | 'version'>) =>
  addon ? { addon: { name: addon.name, version: addon.version, ...change } } : {};

/** The add-on's role before the migration, as code that must, or must no longer, contain it. */
const roleAs = <Field extends 'addRoleArn' | 'removeRoleArn'>(field: Field, { plan: { addon } }: Planned) =>
  (addon?.serviceAccountRoleArn === undefined ? {} : { [field]: addon.serviceAccountRoleArn }) as Partial<
    Record<Field, string>
  >;

/** Returns the repairs that this service makes. A forged one must not reach anybody's code (ADR 46). */
const ownRepairs = <Repair extends TrustRepair>(record: Planned, repairs: readonly Repair[]): Repair[] =>
  repairs.filter(
    (repair) =>
      repairProblem(repair, {
        target: record.request.target,
        serviceAccounts: record.plan.associations.filter(({ roleArn }) => roleArn === repair.roleArn),
      }) === undefined,
  );

const trustAs =
  (action: HandOffTrust['action']) =>
  ({ roleArn, statement }: TrustRepair): HandOffTrust => ({ roleArn, action, statement });

/** Returns the statements that the migration needs, no matter which principal has written them: only an undone one is gone. */
function trustOf(record: Planned): HandOffTrust[] {
  const undone = new Set(
    record.trustChanges.flatMap(({ roleArn, undoneAt }) => (undoneAt === undefined ? [] : roleArn)),
  );
  const planned = record.plan.trustRepairs.filter(({ roleArn }) => !undone.has(roleArn));
  const standing = standingTrustChanges(record).filter(({ roleArn }) =>
    planned.every((one) => one.roleArn !== roleArn),
  );
  return ownRepairs<TrustRepair>(record, [...planned, ...standing]).map(trustAs('add'));
}

/** Returns the statements that the migration added and its rollback removed: the merged code still has them. */
const undoneTrust = (record: Planned): HandOffTrust[] =>
  ownRepairs(
    record,
    record.trustChanges.filter(({ undoneAt }) => undoneAt !== undefined),
  ).map(trustAs('remove'));

/** Returns the statements that a retirement in force has removed. */
function retiredTrust(record: Planned): HandOffTrust[] {
  return record.retirements
    .filter((one) => one.undoneAt === undefined)
    .flatMap((one): HandOffTrust[] => {
      const { issuer } = one.removed.flatMap((removed) => providerOf(removed) ?? [])[0] ?? {};
      const scope = {
        target: record.request.target,
        serviceAccounts: [...record.plan.associations, ...record.plan.identityLosses],
        oidcIssuer: issuer ?? '',
        // The record has no other copy of the policy, and what is shown changes nothing.
        trustBefore: one.before,
      };
      if (issuer === undefined || retirementProblem(one, scope) !== undefined) return [];
      return one.removed.map(({ statement, kept }) => ({
        roleArn: one.roleArn,
        action: 'remove',
        statement,
        ...(kept ? { kept } : {}),
      }));
    });
}

/** Returns the tags of a standalone association that the migration will create. */
const plannedTags = ({ migrationId, status, request: { dryRun } }: Migration): Record<string, string> => ({
  [MIGRATION_TAG]: status === 'running' && !dryRun ? migrationId : UNKNOWN_MIGRATION,
});

/** Returns whether a planned association is, or becomes, standalone. */
const isStandalone = ({ request }: Planned, { standalone }: PlannedAssociation): boolean =>
  request.serviceAccount !== undefined || standalone === true;

/** Returns the association that a standalone planned one finds, and that stays with its settings. */
const keptFor = ({ plan, associations }: Planned, one: PlannedAssociation): Association | undefined => {
  const gone = new Set([...plan.purge, ...associations.purged.map(({ id }) => id)]);
  return newestFor(
    one,
    foundIn(plan).filter(({ id }) => !gone.has(id)),
  );
};

/** Returns the standalone associations of a plan. */
const plannedStandalone = (record: Planned): HandOffAssociation[] =>
  record.plan.associations
    .filter((one) => isStandalone(record, one))
    .map((one) => {
      const kept = keptFor(record, one);
      return kept ? entryOf(kept) : { ...blockOf(one), action: 'import', tags: plannedTags(record) };
    });

const notesOf = ({ plan }: Planned, more: Notes = {}): Notes => ({
  kept: foundIn(plan)
    .filter((one) => one.ownerArn === undefined && !plan.purge.includes(one.id))
    .map(({ id }) => id),
  lost: plan.identityLosses.map(accountOf),
  ...more,
});

function plannedHandOff(record: Planned): HandOff {
  const { plan, request } = record;
  const purged = foundIn(plan).filter(({ id }) => plan.purge.includes(id));
  const content: HandOffContent = {
    state: 'planned',
    ...headOf(record),
    ...addonOf(record, { ...roleAs('removeRoleArn', record), associations: ownedBlocks(plan.associations) }),
    associations: [...plannedStandalone(record), ...purged.map((one) => withoutResource('remove', one))],
    trust: trustOf(record),
    annotations: annotationOf(request.annotation === 'remove' ? 'remove' : 'keep', plan.serviceAccount),
    notInCode: settingsOf(plan.carryOver),
  };
  return { ...content, order: orderOf(content, notesOf(record)) };
}

/**
 * Returns the planned associations as they are after the migration: of each service account the newest one that it created
 * and that still exists, or the one that it kept.
 */
function presentAfter(record: Planned): Association[] {
  const { created, purged } = record.associations;
  const gone = ids(purged);
  return record.plan.associations.flatMap((one) => {
    const standalone = isStandalone(record, one);
    const own = created.filter(({ id, ownerArn }) => !gone.has(id) && (ownerArn === undefined) === standalone);
    return newestFor(one, own) ?? (standalone ? keptFor(record, one) : undefined) ?? [];
  });
}

function migratedHandOff(record: Planned): HandOff {
  const { plan, annotationChange: change } = record;
  const present = presentAfter(record);
  const [had, has] = [new Set(plan.existing), ids(present)];
  const purged = record.associations.purged.filter(
    (one) => had.has(one.id) && !has.has(one.id) && plannedFor(one, plan.associations),
  );
  const isRoleSet = record.warnings.some(({ id }) => id === ROLE_STILL_SET);
  const retired = retiredTrust(record);
  const { retirement } = record;
  const isFailed = retirement?.error !== undefined && retirement.state !== 'refused';
  const isUnannotated = change?.writtenAt !== undefined && change.undoneAt === undefined;
  const content: HandOffContent = {
    state: retired.length > 0 ? 'retired' : 'migrated',
    ...headOf(record),
    ...addonOf(record, {
      ...roleAs(isRoleSet ? 'addRoleArn' : 'removeRoleArn', record),
      associations: ownedBlocks(plan.associations),
    }),
    associations: [...present.map(entryOf), ...purged.map((one) => withoutResource('remove', one))],
    trust: [...trustOf(record), ...retired],
    annotations: annotationOf(isUnannotated ? 'remove' : 'keep', plan.serviceAccount),
    notInCode: settingsOf([...present.filter(({ ownerArn }) => ownerArn !== undefined), ...plan.carryOver]),
  };
  return {
    ...content,
    order: orderOf(
      content,
      notesOf(record, { isRoleSet, ...(isFailed ? { failedRetirement: record.migrationId } : {}) }),
    ),
  };
}

/** Returns the associations that the rollback created again, each with the one that it replaces. */
function restoredBy({ associations: { purged, restored }, plan }: Planned): { was: Association; now: Association }[] {
  return purged
    .filter(({ id }) => plan.existing.includes(id))
    .flatMap((was) => {
      const now = newestFor(was, restored);
      return now && now.id !== was.id ? [{ was, now }] : [];
    });
}

function rolledBackHandOff(record: Planned): HandOff {
  const { plan, associations, annotationChange } = record;
  const owned = foundIn(plan).filter((one) => one.ownerArn !== undefined && one.ownerArn === plan.addon?.arn);
  const restored = restoredBy(record);
  const again = new Map(restored.map(({ now }) => [now.id, now]));
  // Only a standalone association of this migration can have been imported.
  const gone = associations.purged.filter(
    (one) => !again.has(one.id) && isOwnAssociation(record, one) && plannedFor(one, plan.associations),
  );
  const content: HandOffContent = {
    state: 'rolled-back',
    ...headOf(record),
    ...addonOf(record, { ...roleAs('addRoleArn', record), associations: owned.map(blockOf) }),
    associations: [...[...again.values()].map(entryOf), ...gone.map((one) => withoutResource('remove', one))],
    trust: undoneTrust(record),
    annotations: annotationChange ? annotationOf('restore', plan.serviceAccount) : [],
    notInCode: settingsOf(owned),
  };
  const left = ownRepairs(record, standingTrustChanges(record)).map(({ roleArn }) => roleArn);
  const replaced = restored.map(({ was, now }) => ({ was: was.id, now: now.id }));
  return { ...content, order: orderOf(content, { replaced, left }) };
}

/** Returns the hand-off of what was found, if nothing was left to migrate. */
function alreadyMigrated({ request: { target, serviceAccount }, plan }: Planned): HandOff | undefined {
  const associations = foundIn(plan);
  // Without its associations an add-on's code would lose them all.
  if (associations.length === 0) return undefined;
  if (serviceAccount) return foundHandOff({ target, serviceAccount, associations, account: plan.serviceAccount });
  return plan.addon && plan.addon.podIdentityAssociations.length === associations.length
    ? foundHandOff({ target, addon: plan.addon, associations })
    : undefined;
}

/**
 * Returns the hand-off of a migration: of one that ended, or of the plan while it has not ended or is a dry run. Returns
 * undefined if it changed nothing and plans nothing, if it is being rolled back, and if it needs a person, whose restore
 * commands come first.
 */
export function handOffOf(record: Migration): HandOff | undefined {
  const { plan, status, outcome } = record;
  if (!plan || status === 'rolling-back') return undefined;
  const planned: Planned = { ...record, plan };
  const isPlan = status === 'running' ? record.recovery === undefined : outcome === 'planned';
  if (isPlan) return plan.verdict === 'migrate' ? plannedHandOff(planned) : undefined;
  if (status !== 'ended') return undefined;
  if (outcome === 'already-migrated') return alreadyMigrated(planned);
  if (plan.verdict !== 'migrate') return undefined;
  if (outcome === 'migrated') return migratedHandOff(planned);
  return outcome === 'rolled-back' ? rolledBackHandOff(planned) : undefined;
}
