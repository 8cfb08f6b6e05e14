/**
 * Deletes the associations that would make the create or the update fail with "Association already exists", and sees
 * them gone. In place the add-on's own ones stay: UpdateAddon replaces them.
 * Idempotency: lists first; each one is in the ledger, whole, before it is deleted (promise 3).
 * Failure: one that the snapshot does not know, or that is somebody else's, is left alone (AssociationChanged).
 */
import { MigrationError } from '../../domain/errors.ts';
import type { Association } from '../../domain/model.ts';
import { isAsSnapshot } from '../../domain/restore.ts';
import { listPlannedAssociations } from '../../runtime/associations.ts';
import { changeGuard } from '../../runtime/guard.ts';
import { associationChanged, decideNow } from '../../runtime/in-the-way.ts';
import { lookSeveralTimes } from '../../runtime/looks.ts';
import { addonChanged, describeState, lookAtOwnCopy } from '../../runtime/own-copy.ts';
import { recordedAddonWork } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { purgeAssociationsSchema } from './schema.ts';

const run: StepRun<typeof purgeAssociationsSchema> = async (input, dependencies) => {
  const { migrationId, target, subject: addon, rung } = input;
  const { ledger, clock } = dependencies;
  const work = await recordedAddonWork(ledger, migrationId, rung);
  const { eks } = dependencies.portsFor(target);
  if (work.way.strategy === 'in-place') {
    // Here this is the first change of all.
    const now = await lookAtOwnCopy({ eks, clock }, addon, work, 'Busy');
    if (!isAsSnapshot(work.snapshot, now)) throw addonChanged(addon, `now ${describeState(now)}`);
  }

  const inTheWay = async (): Promise<Association[]> => {
    const found: Association[] = [];
    for (const association of await listPlannedAssociations(eks, work.snapshot.planned)) {
      const decision = decideNow(association, { ...work, target, addon });
      if (decision.do === 'refuse') throw associationChanged(decision.reason, decision.remedy);
      if (decision.do === 'purge') found.push(association);
    }
    return found;
  };

  const guard = changeGuard(dependencies, input);
  const purged: string[] = [];
  for (const association of await inTheWay()) {
    await ledger.recordAssociation(migrationId, 'purged', association);
    await guard();
    if (await eks.deleteAssociation(association.id)) purged.push(association.id);
  }
  const [left] = await lookSeveralTimes(clock, inTheWay, (found) => found.length > 0);
  if (left) throw new MigrationError('AssociationStillThere', `Association ${left.id} is still listed.`);
  return { purged };
};

export const purgeAssociationsStep = step(purgeAssociationsSchema, run);
