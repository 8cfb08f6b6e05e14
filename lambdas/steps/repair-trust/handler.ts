/**
 * Writes the trust policies that the plan contains; during a rollback, removes the added statements from them.
 * Idempotency: each change is in the ledger, before and after, before it is written; the policy is compared first, so that
 * a repeated call finds its own work. Failure: IAM has no conditional write, so the policy is read directly before the
 * write, and read back after it. A policy that was changed outside this migration since the plan is left alone
 * (TrustChanged). During a rollback, a policy from which the statement can't be removed cleanly is left as it is, and the
 * record's warnings report that: the add-on works without that removal.
 */
import {
  TRUST_NOT_RESTORED,
  trustNotOurs,
  trustNotOwn,
  trustNotRestored,
} from '../../domain/restore-commands/trust.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Check } from '../../domain/terms/check.ts';
import type { Migration } from '../../domain/record/migration.ts';
import { isCovered } from '../../domain/plan/pass-role.ts';
import { standingTrustChanges } from '../../domain/rollback/recovery.ts';
import type { TrustChange, TrustRepair } from '../../domain/terms/trust.ts';
import { samePolicy, undoRepair } from '../../domain/trust/repair.ts';
import { settingsFor } from '../../domain/access/spokes.ts';
import type { Clock, Ledger, LockHolder, Roles } from '../../ports/index.ts';
import { assertGranted } from '../../use-cases/facts/grants.ts';
import { changeGuard } from '../../use-cases/migration/guard.ts';
import { roleLock } from '../../use-cases/record/lock.ts';
import { readUntilSure } from '../../use-cases/confirmed/reads.ts';
import { planOf, recordedMigration, recordedSnapshot } from '../../use-cases/record/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import {
  assertRepairable,
  assertRepairUnchanged,
  readBack,
  strangeRepair,
  trustChanged,
} from '../../use-cases/migration/trust.ts';
import { utcNow } from '../../runtime/utc.ts';
import { repairTrustSchema } from './schema.ts';

interface Work {
  record: Migration;
  /** Throws RoleNotGranted if the service accounts have no claim to the role by the policy that the plan found. */
  assertGranted: (planned: TrustRepair) => Promise<void>;
  /** Makes the role's lock exclusive from now on, or returns its other holder. */
  haveAlone: (roleArn: string) => Promise<LockHolder | undefined>;
  roles: Roles;
  ledger: Ledger;
  clock: Clock;
  /** To be called directly before each change. */
  guard: () => Promise<void>;
}

/**
 * Returns whether the planned policy is written already. Throws TrustChanged if the policy is neither as the plan found it
 * nor as planned.
 */
async function isWritten({ roleArn, before, after }: TrustRepair, { roles }: Work): Promise<boolean> {
  const role = await roles.getRole(roleArn);
  if (role && samePolicy(role.trustPolicy, after)) return true;
  if (role && samePolicy(role.trustPolicy, before)) return false;
  throw trustChanged(roleArn, `is no longer as the plan found it${role ? '' : ': the role is gone'}`);
}

/** Writes the planned policy, unless it is written already. Returns whether the change is this migration's. */
async function repair(planned: TrustRepair, work: Work): Promise<boolean> {
  const { record, ledger, clock, guard, roles } = work;
  const { roleArn, before, after } = planned;
  const noted = standingTrustChanges(record).find((one) => one.roleArn === roleArn);
  const written = await isWritten(planned, work);
  // A change that is not noted was not written here: the plan's remedy was followed by hand, and a rollback keeps that.
  if (written && !noted) return false;
  const change: TrustChange = noted ?? { ...planned, notedAt: utcNow(clock) };
  if (!written) {
    assertRepairUnchanged(record, planned);
    await work.assertGranted(planned);
    if (!noted) await ledger.recordTrustChange(record.migrationId, change);
    const other = await work.haveAlone(roleArn);
    if (other)
      throw new MigrationError(
        'Busy',
        `Migration ${other.migrationId} has used role ${roleArn} since ${other.since}, so its trust policy can't be changed now. The change is retried.`,
      );
    if (!(await isWritten(planned, work))) {
      await guard();
      await roles.updateTrustPolicy(roleArn, after);
      await readBack(work, roleArn, after, before);
    }
  }
  if (change.writtenAt === undefined || !written)
    await ledger.recordTrustChange(record.migrationId, { ...change, writtenAt: utcNow(clock) });
  return true;
}

async function repairAll(work: Work, repairable: readonly string[]): Promise<boolean> {
  const { trustRepairs } = planOf(work.record);
  for (const { roleArn } of trustRepairs) assertRepairable(roleArn, repairable);
  let changed = false;
  for (const planned of trustRepairs) changed = (await repair(planned, work)) || changed;
  return changed;
}

/** Returns why the statement is still there, or undefined if it was removed. */
async function undo(change: TrustChange, work: Work): Promise<string | undefined> {
  const { record, roles, ledger, clock, guard } = work;
  const { roleArn, before } = change;
  const other = await work.haveAlone(roleArn);
  // A write whose reply was lost may not be visible yet: one read is not enough to conclude that nothing has to be undone.
  const role = await readUntilSure(
    clock,
    () => roles.getRole(roleArn),
    (seen) => seen !== undefined && !samePolicy(seen.trustPolicy, before),
  );
  const decision = role ? undoRepair(change, role.trustPolicy) : ({ do: 'nothing' } as const);
  if (decision.do === 'refuse') return decision.why;
  if (role && decision.do === 'write') {
    if (other) return `migration ${other.migrationId} has used the role since ${other.since}`;
    await guard();
    await roles.updateTrustPolicy(roleArn, decision.document);
    await readBack({ roles, clock }, roleArn, decision.document, role.trustPolicy);
  }
  await ledger.recordTrustChange(record.migrationId, { ...change, undoneAt: utcNow(clock) });
  return undefined;
}

async function undoAll(work: Work, repairable: readonly string[]): Promise<boolean> {
  const { record, ledger } = work;
  const left: Check[] = [];
  const standing = standingTrustChanges(record);
  for (const change of standing) {
    // A role that this deployment may not repair is not changed, even if the record contains it.
    if (!isCovered(repairable, change.roleArn)) {
      left.push(trustNotOurs(change, repairable));
      continue;
    }
    const strange = strangeRepair(record, change);
    if (strange !== undefined) {
      left.push(trustNotOwn(change, strange));
      continue;
    }
    const why = await undo(change, work);
    if (why !== undefined) left.push(trustNotRestored(change, record.request.target, why));
  }
  const otherWarnings = record.warnings.filter((one) => one.id !== TRUST_NOT_RESTORED);
  if (left.length > 0 || otherWarnings.length < record.warnings.length)
    await ledger.updateMigration(record.migrationId, { warnings: [...otherWarnings, ...left] });
  return record.trustChanges.length > left.length;
}

const run: StepRun<typeof repairTrustSchema> = async (input, dependencies) => {
  const { migrationId, target, towards } = input;
  const { ledger, clock, portsFor } = dependencies;
  const { repairableRoleArns } = settingsFor(dependencies.settings, target);
  const record = await recordedMigration(ledger, migrationId);
  // Nothing may be changed before the snapshot exists: a recovery relies on it.
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const work: Work = {
    record,
    // This comes before the last read of the policy: between that read and the write, only the lock may come.
    assertGranted: (planned) =>
      assertGranted({ record, plan: planOf(record), snapshot }, { repair: planned }, dependencies),
    roles: portsFor(target).roles,
    ledger,
    clock,
    guard: changeGuard(dependencies, input),
    haveAlone: async (roleArn) => {
      // The owner is the execution that works on the migration: `begin` or a takeover has usually locked the role for it.
      const { executionArn } = record;
      if (executionArn === undefined)
        throw new MigrationError(
          'BadInput',
          `The record of migration ${migrationId} names no execution, so no lock can be acquired for it. No trust policy was changed.`,
        );
      const owner = { migrationId, executionArn, since: utcNow(clock) };
      const taken = await ledger.acquireLock(roleLock(roleArn), owner, 'exclusive');
      return taken.acquired ? undefined : taken.holder;
    },
  };
  return {
    changed: towards === 'before' ? await undoAll(work, repairableRoleArns) : await repairAll(work, repairableRoleArns),
  };
};

export const repairTrustStep = step(repairTrustSchema, run);
