/** Recreates associations that a rollback has deleted and that the pods still need. */
import { accountOf } from '../../domain/terms/subject.ts';
import { isAssociationConflict, MigrationError } from '../../domain/failures/errors.ts';
import type { Association } from '../../domain/terms/observed.ts';
import { MIGRATION_TAG, wasThere } from '../../domain/migration/service-account.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { assertGranted } from '../facts/grants.ts';
import { changeGuard, type LockedInput } from '../migration/guard.ts';
import { planOf, recordedMigration, recordedSnapshot } from '../record/recorded.ts';

/**
 * Creates the migration's own associations again that the rollback has deleted, as standalone ones, and returns the ids of
 * the present associations. EKS's webhook still injects EKS Pod Identity into new pods, which does not work without them. If
 * the service account has another association by now, its pods use that one. Each is noted as the migration's own, so that
 * the next rollback deletes it. Throws RoleNotGranted if nothing gives the service account a claim to the role any more.
 */
export async function returnOwn(input: LockedInput, dependencies: HandlerDependencies): Promise<string[]> {
  const { migrationId, target, fence } = input;
  const { ledger, portsFor } = dependencies;
  const { eks } = portsFor(target);
  const guard = changeGuard(dependencies, input);
  const snapshot = await recordedSnapshot(ledger, migrationId);
  const record = await recordedMigration(ledger, migrationId);
  const gone = new Map(
    record.associations.purged
      .filter((one) => !wasThere(snapshot, one))
      .map((one): [string, Association] => [accountOf(one), one]),
  );
  const there: string[] = [];
  for (const planned of snapshot.planned) {
    const account = accountOf(planned);
    const own = gone.get(account);
    if (own?.roleArn !== planned.roleArn) continue;
    const [found] = await eks.listAssociations(planned.namespace, planned.serviceAccount);
    if (found) {
      there.push(found.id);
      // The association comes from an earlier create whose reply was lost.
      if (found.tags[MIGRATION_TAG] === migrationId) await ledger.recordAssociation(migrationId, 'created', found);
      continue;
    }
    await assertGranted({ record, snapshot, plan: planOf(record) }, { associations: [planned] }, dependencies);
    await guard();
    const { namespace, serviceAccount, roleArn, targetRoleArn, disableSessionTags, policy } = own;
    const created = await eks
      .createAssociation(
        {
          namespace,
          serviceAccount,
          roleArn,
          tags: { [MIGRATION_TAG]: migrationId },
          ...(targetRoleArn === undefined ? {} : { targetRoleArn }),
          ...(disableSessionTags === undefined ? {} : { disableSessionTags }),
          ...(policy === undefined ? {} : { policy }),
        },
        `${migrationId}-${fence}-own-${own.id}`,
      )
      .catch((error: unknown) => {
        if (!isAssociationConflict(error)) throw error;
        throw new MigrationError('AssociationStillThere', error.message, { cause: error });
      });
    await ledger.recordAssociation(migrationId, 'created', created);
    there.push(created.id);
  }
  return there;
}
