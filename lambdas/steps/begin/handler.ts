/**
 * Takes the locks (the add-on's, then those of its roles) and stores the snapshot: promise 1, nothing is changed before
 * both are there.
 * Idempotency: the same execution finds its own locks under the fences that they have; the first snapshot stands.
 * Failure: ends `blocked`; nothing was changed. A plan that is not its migration's own, or that this deployment may not
 * carry out, is refused first of all. A role that another add-on's migration holds is waited for.
 */
import type { Plan, Snapshot } from '../../domain/model.ts';
import type { HandlerDependencies, Ledger, LockHolder } from '../../ports/index.ts';
import { listPlannedAssociations } from '../../runtime/associations.ts';
import { lockKeys, takeLock } from '../../runtime/lock.ts';
import { lookAtAddon } from '../../runtime/looks.ts';
import { assertPlanIsAllowed, assertPlanIsOwn, assertWayBackIsAllowed } from '../../runtime/plan-allowed.ts';
import { assertAddonAsPlanned, assertAssociationsAsPlanned } from '../../runtime/plan-holds.ts';
import { planOf, recordedMigration } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { assertTrustAsPlanned } from '../../runtime/trust.ts';
import { utcNow } from '../../runtime/utc.ts';
import { beginSchema } from './schema.ts';

/** The roles that take part: which the add-on has, which its service accounts shall use, and whose trust is repaired. */
const rolesOf = ({ addon, associations, trustRepairs }: Plan): Set<string> =>
  new Set([...(addon?.serviceAccountRoleArn === undefined ? [] : [addon.serviceAccountRoleArn]), ...[...associations, ...trustRepairs].map((one) => one.roleArn)]);

/** Answers the fence of the first, the add-on's. What is taken stays taken while a role's lock is waited for. */
async function takeLocks(ledger: Ledger, keys: readonly string[], owner: LockHolder): Promise<number> {
  const fences: number[] = [];
  for (const key of keys) fences.push(await takeLock(ledger, key, owner));
  return fences[0] ?? 0;
}

async function trustOf({ roles }: ReturnType<HandlerDependencies['portsFor']>, arns: Iterable<string>): Promise<Snapshot['trustPolicies']> {
  const found: Snapshot['trustPolicies'] = {};
  for (const arn of arns) {
    const role = await roles.getRole(arn);
    if (role) found[arn] = role.trustPolicy;
  }
  return found;
}

const run: StepRun<typeof beginSchema> = async (input, { portsFor, ledger, settings, clock }) => {
  const { migrationId, executionArn, target, addon } = input;
  const record = await recordedMigration(ledger, migrationId);
  const plan = planOf(record);
  assertPlanIsOwn(record, plan, input);
  assertPlanIsAllowed(plan, settings);
  const roles = rolesOf(plan);
  const locks = lockKeys(target, addon, roles);
  // First of all, so that whoever ends this migration knows what to let go.
  await ledger.updateMigration(migrationId, { locks });
  const fence = await takeLocks(ledger, locks, { migrationId, executionArn, since: utcNow(clock) });
  if (await ledger.getSnapshot(migrationId)) return { fence };

  const ports = portsFor(target);
  const takenAt = utcNow(clock);
  const found = await lookAtAddon(ports.eks, addon, clock);
  assertAddonAsPlanned(plan, addon, found);
  const associations = await listPlannedAssociations(ports.eks, plan.associations);
  assertAssociationsAsPlanned(plan, associations, { target, addon: found });
  assertWayBackIsAllowed(associations, settings);
  const trustPolicies = await trustOf(ports, new Set([...roles, ...Object.values(record.request.roles)]));
  // While a role's lock was waited for, its holder may have changed the trust.
  assertTrustAsPlanned(plan, trustPolicies);
  const snapshot: Snapshot = {
    takenAt,
    addon: found,
    namespace: plan.namespace ?? 'kube-system',
    planned: plan.associations,
    associations,
    trustPolicies,
  };
  await ledger.noteRung(migrationId, 0);
  await ledger.putSnapshot(migrationId, snapshot);
  return { fence };
};

export const beginStep = step(beginSchema, run);
