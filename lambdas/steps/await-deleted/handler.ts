/**
 * One look at whether the add-on is gone; the state machine comes again. Failure: DELETE_FAILED is terminal, and so is a
 * copy of somebody else's; a delete that never ends is waited for as long as a pause may last.
 */
import { classifyCopy } from '../../domain/copies.ts';
import { MigrationError } from '../../domain/errors.ts';
import { addonChanged, describeState, issuesOf, lookAfterDelete } from '../../runtime/own-copy.ts';
import { recordedAddonWork } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { awaitDeletedSchema } from './schema.ts';

const run: StepRun<typeof awaitDeletedSchema> = async (
  { migrationId, target, subject: addon, rung },
  { portsFor, ledger, clock },
) => {
  const { record, snapshot } = await recordedAddonWork(ledger, migrationId, rung);
  const now = await lookAfterDelete({ eks: portsFor(target).eks, clock }, addon, { snapshot, record });
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
