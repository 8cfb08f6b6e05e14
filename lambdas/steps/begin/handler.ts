/**
 * Takes the lock on the add-on and stores the snapshot: promise 1, nothing is changed before both are there.
 * Idempotency: the same migration takes its own lock again; the first snapshot stands.
 * Failure: ends `blocked`; nothing was changed.
 */
import { MigrationError } from '../../domain/errors.ts';
import type { Snapshot } from '../../domain/model.ts';
import { isAsSnapshot } from '../../domain/restore.ts';
import { listPlannedAssociations } from '../../runtime/associations.ts';
import { addonLock } from '../../runtime/lock.ts';
import { recordedMigration, recordedPlan } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { utcNow } from '../../runtime/utc.ts';
import { beginSchema } from './schema.ts';

const byId = (a: string, b: string): number => a.localeCompare(b);

const run: StepRun<typeof beginSchema> = async ({ migrationId, executionArn, target, addon }, { portsFor, ledger, clock }) => {
  const plan = await recordedPlan(ledger, migrationId);
  const { request } = await recordedMigration(ledger, migrationId);
  const now = utcNow(clock);
  const lock = await ledger.acquireLock(addonLock(target, addon), { migrationId, executionArn, since: now });
  if (!lock.acquired) {
    const { holder } = lock;
    throw new MigrationError(
      'LockHeld',
      `Migration ${holder.migrationId} holds the lock on ${addon} of cluster ${target.cluster} since ${holder.since} (execution ${holder.executionArn}). Wait until it has ended, then start again.`,
    );
  }
  if (await ledger.getSnapshot(migrationId)) return { fence: lock.fence };

  const { eks, roles } = portsFor(target);
  const found = await eks.describeAddon(addon);
  const planned = plan.addon;
  if (!found || !planned || found.status !== 'ACTIVE' || !isAsSnapshot({ addon: planned }, found)) {
    throw new MigrationError('AddonChanged', `Add-on ${addon} is no longer as the plan found it (now ${found ? `${found.version}, ${found.status}` : 'gone'}). Nothing was changed; plan again.`);
  }
  const associations = await listPlannedAssociations(eks, plan.associations);
  const ids = associations.map((one) => one.id).sort(byId);
  if (ids.join() !== [...plan.purge].sort(byId).join()) {
    throw new MigrationError('AssociationChanged', `The associations are no longer as the plan found them (now ${ids.join(', ') || 'none'}). Nothing was changed; plan again.`);
  }
  const snapshot: Snapshot = { takenAt: now, addon: found, namespace: plan.namespace ?? 'kube-system', planned: plan.associations, associations, trustPolicies: {} };
  const arns = new Set([...(found.serviceAccountRoleArn ? [found.serviceAccountRoleArn] : []), ...plan.associations.map((one) => one.roleArn), ...Object.values(request.roles)]);
  for (const arn of arns) {
    const role = await roles.getRole(arn);
    if (role) snapshot.trustPolicies[arn] = role.trustPolicy;
  }
  await ledger.putSnapshot(migrationId, snapshot);
  return { fence: lock.fence };
};

export const beginStep = step(beginSchema, run);
