/**
 * One look at whether the add-on is ACTIVE with its new associations, after a create or an update in place; the state
 * machine comes again. EKS calls it DEGRADED while not enough of its pods are ready, which many slow pods are for
 * hours: where pods are looked at, verify-pods judges them, and waits for ACTIVE. By EKS alone DEGRADED is waited out
 * here. Failure: an add-on that EKS could not create or update, or that is being deleted, is terminal (AddonFailed); so
 * is one that somebody else has deleted, replaced or changed (AddonChanged).
 */
import { ownedOf } from '../../domain/associations/associations.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Addon, Migration } from '../../domain/migration/model.ts';
import { listOwned } from '../../use-cases/migration/association-conflicts.ts';
import { readUntilSure } from '../../use-cases/pods/confirmed-reads.ts';
import { issuesOf, readOwnCopy } from '../../use-cases/migration/addon-copy.ts';
import { recordedAddonWork } from '../../use-cases/migration/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { awaitActiveSchema } from './schema.ts';

/** EKS makes nothing more of these by itself. */
const FAILED: readonly Addon['status'][] = ['CREATE_FAILED', 'UPDATE_FAILED', 'DELETING', 'DELETE_FAILED'];

function assertActive(now: Addon, { request }: Pick<Migration, 'request'>): void {
  if (now.status === 'ACTIVE' || (now.status === 'DEGRADED' && request.verification === 'injected')) return;
  const issues = issuesOf(now);
  throw new MigrationError(
    FAILED.includes(now.status) ? 'AddonFailed' : 'AddonNotActive',
    `Add-on ${now.name} is ${now.status}${issues ? ` (${issues})` : ''}.`,
  );
}

const run: StepRun<typeof awaitActiveSchema> = async (
  { migrationId, target, subject: addon, attempt },
  { portsFor, ledger, clock },
) => {
  const work = await recordedAddonWork(ledger, migrationId, attempt);
  const { snapshot, currentAttempt } = work;
  const { eks } = portsFor(target);
  const look = (): Promise<Addon> => readOwnCopy({ eks, clock }, addon, work, 'AddonNotActive');
  // In place it was ACTIVE all the time before, and the answer may be of then. A role that is gone proves that it is
  // not.
  const isNew = (now: Addon): boolean =>
    currentAttempt.strategy === 'recreate' ||
    (snapshot.addon.serviceAccountRoleArn !== undefined && now.serviceAccountRoleArn === undefined);
  const now = await readUntilSure(clock, look, (seen) => seen.status !== 'ACTIVE' || isNew(seen));
  assertActive(now, work.record);

  const planned = ownedOf(snapshot.planned);
  const associations: string[] = [];
  for (const [index, association] of (await listOwned(eks, planned, now.arn)).entries()) {
    if (!association) {
      const missing = planned[index];
      throw new MigrationError(
        'AddonNotActive',
        `Add-on ${addon} is ${now.status}, but its association for ${missing?.namespace ?? ''}/${missing?.serviceAccount ?? ''} is not listed yet.`,
      );
    }
    await ledger.recordAssociation(migrationId, 'created', association);
    associations.push(association.id);
  }
  return { status: now.status === 'DEGRADED' ? 'DEGRADED' : 'ACTIVE', associations };
};

export const awaitActiveStep = step(awaitActiveSchema, run);
