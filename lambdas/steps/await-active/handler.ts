/**
 * Checks once whether the add-on is ACTIVE with its new associations, after a create or an in-place update; the state
 * machine polls. EKS reports DEGRADED while too few of its pods are ready, which can last for hours if many pods are
 * slow. If the migration verifies pods, DEGRADED passes here, and verify-pods evaluates the pods and waits for ACTIVE. If it
 * relies on EKS alone, DEGRADED is waited out here. Idempotency: reads, and notes the associations that it finds.
 * Failure: an add-on that EKS could not create or update, or that is being deleted, is terminal (AddonFailed); so is
 * an add-on that was deleted, replaced or changed outside this migration (AddonChanged).
 */
import { ownedOf } from '../../domain/associations/associations.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Addon } from '../../domain/terms/observed.ts';
import type { Migration } from '../../domain/record/migration.ts';
import { readsPods } from '../../domain/request/request.ts';
import { listOwned } from '../../use-cases/migration/association-conflicts.ts';
import { asClause } from '../../domain/text/text.ts';
import { readUntilSure } from '../../use-cases/confirmed/reads.ts';
import { issuesOf, readOwnCopy } from '../../use-cases/migration/addon-copy.ts';
import { recordedAddonWork } from '../../use-cases/record/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { awaitActiveSchema } from './schema.ts';

/** EKS does not leave these statuses automatically. */
const FAILED: readonly Addon['status'][] = ['CREATE_FAILED', 'UPDATE_FAILED', 'DELETING', 'DELETE_FAILED'];

function assertActive(now: Addon, { request }: Pick<Migration, 'request'>): void {
  if (now.status === 'ACTIVE' || (now.status === 'DEGRADED' && readsPods(request))) return;
  const issues = issuesOf(now);
  throw new MigrationError(
    FAILED.includes(now.status) ? 'AddonFailed' : 'AddonNotActive',
    `Add-on ${now.name} is ${now.status}, not ACTIVE${issues ? `: ${asClause(issues)}` : ''}.`,
  );
}

const run: StepRun<typeof awaitActiveSchema> = async (
  { migrationId, target, subject: addon, attempt },
  { portsFor, ledger, clock },
) => {
  const work = await recordedAddonWork(ledger, migrationId, attempt);
  const { snapshot, currentAttempt } = work;
  const { eks } = portsFor(target);
  const read = (): Promise<Addon> => readOwnCopy({ eks, clock }, addon, work, 'AddonNotActive');
  // Before an in-place update the add-on was ACTIVE too, and EKS may still answer with that state. Only a role that is
  // gone shows that the answer is new.
  const isNew = (now: Addon): boolean =>
    currentAttempt.strategy === 'recreate' ||
    (snapshot.addon.serviceAccountRoleArn !== undefined && now.serviceAccountRoleArn === undefined);
  const now = await readUntilSure(clock, read, (seen) => seen.status !== 'ACTIVE' || isNew(seen));
  assertActive(now, work.record);

  const planned = ownedOf(snapshot.planned);
  const associations: string[] = [];
  for (const [index, association] of (await listOwned(eks, planned, now.arn)).entries()) {
    if (!association) {
      const missing = planned[index];
      throw new MigrationError(
        'AddonNotActive',
        `Add-on ${addon} is ${now.status}, but EKS does not list its association for ${missing?.namespace ?? ''}/${missing?.serviceAccount ?? ''} yet.`,
      );
    }
    await ledger.recordAssociation(migrationId, 'created', association);
    associations.push(association.id);
  }
  return { status: now.status === 'DEGRADED' ? 'DEGRADED' : 'ACTIVE', associations };
};

export const awaitActiveStep = step(awaitActiveSchema, run);
