/**
 * Deletes the associations that would make the create fail with "Association already exists", and sees them gone.
 * Idempotency: lists first; each one is in the ledger, whole, before it is deleted (promise 3).
 * Failure: one that the snapshot does not know, or that is somebody else's, is left alone (AssociationChanged).
 */
import { decidePurge } from '../../domain/associations.ts';
import { MigrationError } from '../../domain/errors.ts';
import { listPlannedAssociations } from '../../runtime/associations.ts';
import { addonLock } from '../../runtime/lock.ts';
import { recordedSnapshot } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { purgeAssociationsSchema } from './schema.ts';

const LOOKS = 3;
const BETWEEN_LOOKS_MS = 1000;

const run: StepRun<typeof purgeAssociationsSchema> = async ({ migrationId, target, addon, fence }, { portsFor, ledger, clock }) => {
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const { eks } = portsFor(target);
  const purged: string[] = [];
  for (const association of await listPlannedAssociations(eks, snapshot.planned)) {
    const decision = decidePurge(association, target.cluster, addon, snapshot.planned);
    const known = snapshot.associations.some((one) => one.id === association.id);
    if (!known || !decision.purge) {
      throw new MigrationError('AssociationChanged', `Association ${association.id} for ${association.namespace}/${association.serviceAccount} ${known ? `may not be deleted: ${decision.refusal?.reason ?? ''}` : 'appeared after the snapshot'}.`);
    }
    await ledger.assertLock(addonLock(target, addon), migrationId, fence);
    await ledger.recordAssociation(migrationId, 'purged', association);
    if (await eks.deleteAssociation(association.id)) purged.push(association.id);
  }
  for (let look = 1; look <= LOOKS; look += 1) {
    if (look > 1) await clock.sleep(BETWEEN_LOOKS_MS);
    const left = await listPlannedAssociations(eks, snapshot.planned);
    if (left.length > 0) throw new MigrationError('AssociationStillThere', `Association ${left[0]?.id ?? ''} is still listed.`);
  }
  return { purged };
};

export const purgeAssociationsStep = step(purgeAssociationsSchema, run);
