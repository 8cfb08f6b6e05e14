/**
 * Makes the change in place: deletes the conflicting associations and directly afterwards gives the add-on its own by
 * UpdateAddon. The call omits the role, which detaches it, and omits version and configuration, which keeps them.
 * Idempotency: observes first, association by association: an add-on that owns all planned associations needs no update any
 * more. Each conflicting association is stored whole in the ledger before it is deleted (promise 3).
 * Failure: what was changed outside this migration is left alone (AddonChanged, AssociationChanged). "Association already
 * exists" shortly after a delete comes from EKS's eventual consistency, and the update is retried.
 */
import { ownedOf } from '../../domain/associations/associations.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Addon, Association } from '../../domain/terms/observed.ts';
import type { AddonSnapshot } from '../../domain/record/migration.ts';
import { isAsSnapshot } from '../../domain/rollback/restore.ts';
import { assertGranted } from '../../use-cases/facts/grants.ts';
import { listOwned } from '../../use-cases/migration/association-conflicts.ts';
import { readUntilSure } from '../../use-cases/confirmed/reads.ts';
import { overConflicts } from '../../use-cases/migration/replace-conflicts.ts';
import { addonChanged, describeState, readOwnCopy } from '../../use-cases/migration/addon-copy.ts';
import { noteAttempt, recordedAddonWork } from '../../use-cases/record/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { explainTrust } from '../../use-cases/migration/trust.ts';
import { updateAddonSchema } from './schema.ts';

/**
 * Returns whether the update has taken effect. Associations that existed before it are no sign of that; the removal of the
 * role is.
 */
function isDone(snapshot: AddonSnapshot, now: Addon, owned: readonly (Association | undefined)[]): boolean {
  if (!owned.every((one) => one !== undefined)) return false;
  const before = owned.every((one) =>
    snapshot.associations.some(
      ({ id, roleArn, ownerArn }) => id === one.id && roleArn === one.roleArn && ownerArn === one.ownerArn,
    ),
  );
  return !before || (snapshot.addon.serviceAccountRoleArn !== undefined && now.serviceAccountRoleArn === undefined);
}

const run: StepRun<typeof updateAddonSchema> = async (input, dependencies) => {
  const { migrationId, target, subject: addon, attempt } = input;
  const { ledger, clock } = dependencies;
  const work = await recordedAddonWork(ledger, migrationId, attempt);
  const { record, snapshot, currentAttempt } = work;
  await noteAttempt(ledger, record, attempt);
  const { eks } = dependencies.portsFor(target);
  const read = async (): Promise<{ now: Addon; done: boolean }> => {
    const now = await readOwnCopy({ eks, clock }, addon, work, 'Busy');
    return { now, done: isDone(snapshot, now, await listOwned(eks, ownedOf(snapshot.planned), now.arn)) };
  };
  // EKS's answers about the removed role and about the listed associations may be a moment apart.
  const { now, done } = await readUntilSure(
    clock,
    read,
    (seen) => seen.done || seen.now.status === 'UPDATING' || isAsSnapshot(snapshot, seen.now),
  );
  if (done) return { updated: false };
  if (now.status === 'UPDATING')
    throw new MigrationError(
      'Busy',
      `Add-on ${addon} is UPDATING, and EKS does not list its planned associations yet. The step is retried once the update has ended.`,
    );
  if ((now.status !== 'ACTIVE' && now.status !== 'DEGRADED') || !isAsSnapshot(snapshot, now))
    throw addonChanged(addon, `it is now ${describeState(now)}`);

  await assertGranted(work, { associations: ownedOf(snapshot.planned) }, dependencies);
  await overConflicts({ work, input, dependencies }, () =>
    eks
      .updateAddon({
        addon,
        podIdentityAssociations: ownedOf(snapshot.planned),
        resolveConflicts: currentAttempt.resolveConflicts,
        clientRequestToken: `${migrationId}-update-addon-${attempt}`,
      })
      .catch((error: unknown) => explainTrust(error, record)),
  );
  return { updated: true };
};

export const updateAddonStep = step(updateAddonSchema, run);
