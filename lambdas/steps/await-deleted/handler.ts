/**
 * One look at whether the add-on is gone; the state machine comes again. Failure: DELETE_FAILED is terminal, and so is a
 * copy of somebody else's; a delete that never ends is waited for as long as a pause may last.
 */
import { classifyCopy } from '../../domain/addons/copies.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import { addonChanged, describeState, issuesOf, readAfterDelete } from '../../use-cases/migration/addon-copy.ts';
import { recordedAddonWork } from '../../use-cases/migration/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { awaitDeletedSchema } from './schema.ts';

const run: StepRun<typeof awaitDeletedSchema> = async (
  { migrationId, target, subject: addon, attempt },
  { portsFor, ledger, clock },
) => {
  const { record, snapshot } = await recordedAddonWork(ledger, migrationId, attempt);
  const now = await readAfterDelete({ eks: portsFor(target).eks, clock }, addon, { snapshot, record });
  if (classifyCopy(snapshot, record, now) === 'removed-by-us') return { gone: true };
  if (!now) throw addonChanged(addon, 'somebody else has deleted it');
  if (!record.removed.includes(now.arn))
    throw addonChanged(addon, `somebody else created it again while it was being deleted (${describeState(now)})`);
  if (now.status === 'DELETE_FAILED')
    throw new MigrationError(
      'AddonFailed',
      `EKS could not delete add-on ${addon}: ${issuesOf(now) || 'no reason given'}`,
    );
  throw new MigrationError('AddonStillThere', `Add-on ${addon} is still ${now.status}.`);
};

export const awaitDeletedStep = step(awaitDeletedSchema, run);
