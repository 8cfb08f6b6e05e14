/**
 * Checks once whether the add-on is gone; the state machine polls. Idempotency: only reads. Failure: DELETE_FAILED is
 * terminal (AddonFailed), and so is a copy that this migration did not create (AddonChanged); a delete that never ends
 * is waited for as long as a pause may last.
 */
import { classifyCopy } from '../../domain/addons/copies.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { addonChanged, describeState, issuesOf, readAfterDelete } from '../../use-cases/migration/addon-copy.ts';
import { recordedAddonWork } from '../../use-cases/record/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { awaitDeletedSchema } from './schema.ts';

const run: StepRun<typeof awaitDeletedSchema> = async (
  { migrationId, target, subject: addon, attempt },
  { portsFor, ledger, clock },
) => {
  const { record, snapshot } = await recordedAddonWork(ledger, migrationId, attempt);
  const now = await readAfterDelete({ eks: portsFor(target).eks, clock }, addon, { snapshot, record });
  if (classifyCopy(snapshot, record, now) === 'removed-by-us') return { gone: true };
  if (!now) throw addonChanged(addon, 'it was deleted outside this migration');
  if (!record.removed.includes(now.arn))
    throw addonChanged(
      addon,
      `it was created again outside this migration during its deletion (${describeState(now)})`,
    );
  if (now.status === 'DELETE_FAILED')
    throw new MigrationError(
      'AddonFailed',
      `EKS could not delete add-on ${addon}: ${issuesOf(now) || 'it gives no reason'}.`,
    );
  throw new MigrationError('AddonStillThere', `Add-on ${addon} still exists: EKS shows it as ${now.status}.`);
};

export const awaitDeletedStep = step(awaitDeletedSchema, run);
