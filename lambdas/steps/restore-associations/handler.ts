/**
 * Puts back what the add-on's API can't: the standalone associations that were purged, whole, and the fields of the
 * add-on's own ones that its form does not carry.
 * Takes the migration's own standalone associations away again, once the add-on has its role; of a service account that
 * is no add-on's, its association.
 * Idempotency: compares field by field first, so that a repeated one finds its own work.
 * Failure: an association of somebody else's is left alone, and a person decides (RestoreRefused).
 */
import { ownedOf, ownTags, standaloneOf } from '../../domain/associations.ts';
import { isTaken } from '../../domain/decided.ts';
import { isMigrationError, MigrationError } from '../../domain/errors.ts';
import { type Addon, type AddonSnapshot, type Association, isOfAddon, type Migration } from '../../domain/model.ts';
import {
  isSameAssociation,
  leftOvers,
  madeByOthers,
  missingFields,
  ownedBefore,
  standAloneBefore,
} from '../../domain/restore-associations.ts';
import type { Clock, Eks, Ledger } from '../../ports/index.ts';
import { listPlannedAssociations } from '../../runtime/associations.ts';
import { changeGuard } from '../../runtime/guard.ts';
import { lookAtAddon, lookSeveralTimes } from '../../runtime/looks.ts';
import { recordedMigration, recordedSnapshot } from '../../runtime/recorded.ts';
import { deleteOwnAssociations, restoreOfAccount } from '../../runtime/restoring-account.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { restoreAssociationsSchema } from './schema.ts';

interface Work {
  migrationId: string;
  /** Of every client request token of this execution's way back. */
  token: string;
  snapshot: AddonSnapshot;
  record: Migration;
  now: Addon | undefined;
  eks: Eks;
  ledger: Ledger;
  clock: Clock;
  guard: () => Promise<void>;
}

const where = ({ namespace, serviceAccount }: Association): string => `${namespace}/${serviceAccount}`;
const refused = (other: Association): MigrationError =>
  new MigrationError(
    'RestoreRefused',
    `Somebody else associated ${where(other)} with ${other.roleArn} meanwhile (${other.id}); it was left alone. The record's hand-off says how it was before.`,
  );

/** The one on that key which is the old one or made in its place; throws where another one has the key. */
function inPlace(was: Association, there: Association[], { snapshot, record, now }: Work): Association | undefined {
  const kept =
    there.find((one) => one.id === was.id) ??
    there.find((one) => one.ownerArn === undefined && isSameAssociation(was, one));
  const [other] = there;
  if (kept || !other) return kept;
  if (
    other.ownerArn !== undefined &&
    (other.ownerArn === now?.arn || leftOvers(snapshot, record, now, [other]).length > 0)
  ) {
    throw new MigrationError(
      'AssociationStillThere',
      `Association ${other.id} of this migration for ${where(other)} is still listed.`,
    );
  }
  throw refused(other);
}

async function restoreStandAlone(was: Association, work: Work): Promise<string> {
  const { eks, ledger, migrationId, guard, token } = work;
  const list = async (): Promise<Association | undefined> =>
    inPlace(was, await eks.listAssociations(was.namespace, was.serviceAccount), work);
  const restored = async (one: Association): Promise<string> => {
    if (one.id !== was.id) await ledger.recordAssociation(migrationId, 'restored', one);
    return one.id;
  };
  const there = await list();
  if (there) return restored(there);
  await guard();
  try {
    return await restored(
      await eks.createAssociation({ ...was, tags: ownTags(was.tags) }, `${token}-association-${was.id}`),
    );
  } catch (error) {
    if (!isMigrationError(error, 'Busy') || !/association already exists/i.test(error.message)) throw error;
    const found = await list();
    if (found) return restored(found);
    // The key of the one that was deleted is freed some seconds later (aws-controllers-k8s/community#2684).
    throw new MigrationError('AssociationStillThere', error.message, { cause: error });
  }
}

async function restoreFields(was: Association, { eks, clock, now, guard, token }: Work): Promise<string> {
  const find = async (): Promise<Association | undefined> =>
    (await eks.listAssociations(was.namespace, was.serviceAccount)).find((one) => one.ownerArn === now?.arn);
  const owned = await lookSeveralTimes(clock, find, (one) => one !== undefined);
  if (!owned)
    throw new MigrationError(
      'RestoreRefused',
      `The association that the add-on owned for ${where(was)} did not come back with it, although the add-on was asked for it; ${was.roleArn} was its role.`,
    );
  const { change, tags } = missingFields(was, owned);
  if (change) {
    await guard();
    await eks.updateAssociation(owned.id, change, `${token}-fields-${was.id}`);
  }
  if (tags) {
    await guard();
    await eks.tagResource(owned.arn, tags);
  }
  return owned.id;
}

/** Without the add-on's role, new pods of a service account without its association would have none at all. */
function assertRoleIsBack({ addon: was }: AddonSnapshot, now: Addon | undefined): void {
  if (now?.serviceAccountRoleArn === was.serviceAccountRoleArn) return;
  throw new MigrationError(
    'RestoreRefused',
    `The rollback stops: add-on ${was.name} has ${now?.serviceAccountRoleArn ?? 'no role'}, not ${was.serviceAccountRoleArn ?? 'none'}. The standalone associations of this migration were left as they are, since pods would be without a role; the record's hand-off has the commands that put everything back.`,
  );
}

const run: StepRun<typeof restoreAssociationsSchema> = async (input, dependencies) => {
  const { migrationId, target, fence } = input;
  const { ledger, clock, portsFor } = dependencies;
  const { eks, kubernetes } = portsFor(target);
  const guard = changeGuard(dependencies, input);
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const record = await recordedMigration(ledger, migrationId);
  if (!isOfAddon(snapshot)) {
    const { there } = await restoreOfAccount({ record, snapshot, eks, kubernetes, ledger, clock, guard });
    return { restored: there, awaitsWebhook: true };
  }
  const now = await lookAtAddon(eks, snapshot.addon.name, clock);
  const work: Work = {
    migrationId,
    token: `${migrationId}-${fence}-restore`,
    snapshot,
    record,
    now,
    eks,
    ledger,
    clock,
    guard,
  };

  const purged = new Set(record.associations.purged.map((one) => one.id));
  const restored: string[] = [];
  for (const was of ownedBefore(snapshot)) restored.push(await restoreFields(was, work));
  for (const was of standAloneBefore(snapshot, target.cluster)) {
    // One that this migration has not deleted is there, or somebody else has deleted it.
    if (purged.has(was.id)) restored.push(await restoreStandAlone(was, work));
  }
  const after = await recordedMigration(ledger, migrationId);
  const [other] = madeByOthers(snapshot, after, now, await listPlannedAssociations(eks, ownedOf(snapshot.planned)));
  if (other && !isTaken(record, 'association-created')) throw refused(other);
  const standalone = await deleteOwnAssociations(work, standaloneOf(snapshot.planned), async () =>
    assertRoleIsBack(snapshot, now),
  );
  return { restored: [...restored, ...standalone.there], awaitsWebhook: standalone.deleted };
};

export const restoreAssociationsStep = step(restoreAssociationsSchema, run);
