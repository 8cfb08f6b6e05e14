/**
 * One look at whether the add-on is gone; the state machine comes again. That it is gone after this migration has deleted
 * it is believed at once: `create-addon` looks again, and EKS refuses a create over a copy that is still there. Any other
 * absence must be seen several times in a row, since EKS's answers are eventually consistent. Failure: DELETE_FAILED is terminal, and so is a copy of somebody
 * else's; a delete that never ends runs out of retries.
 */
import { classifyCopy } from '../../domain/copies.ts';
import { MigrationError } from '../../domain/errors.ts';
import type { Addon } from '../../domain/model.ts';
import { lookSeveralTimes } from '../../runtime/looks.ts';
import { addonChanged, describeState, issuesOf } from '../../runtime/own-copy.ts';
import { recordedAddonWork } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { awaitDeletedSchema } from './schema.ts';

const run: StepRun<typeof awaitDeletedSchema> = async (
  { migrationId, target, subject: addon, rung },
  { portsFor, ledger, clock },
) => {
  const { record, snapshot } = await recordedAddonWork(ledger, migrationId, rung);
  const { eks } = portsFor(target);
  const isExpected = (seen: Addon | undefined): boolean =>
    seen !== undefined || classifyCopy(snapshot, record, undefined) === 'removed-by-us';
  const now = await lookSeveralTimes(clock, () => eks.describeAddon(addon), isExpected);
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
