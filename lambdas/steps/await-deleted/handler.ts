/**
 * One look at whether the add-on is gone; the state machine comes again. Absence must be seen several times in a row,
 * since EKS answers are eventually consistent.
 * Failure: DELETE_FAILED is terminal; a delete that never ends runs out of retries.
 */
import { MigrationError } from '../../domain/errors.ts';
import { recordedSnapshot } from '../../runtime/recorded.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { awaitDeletedSchema } from './schema.ts';

const LOOKS = 3;
const BETWEEN_LOOKS_MS = 2000;

const run: StepRun<typeof awaitDeletedSchema> = async ({ migrationId, target, addon }, { portsFor, ledger, clock }) => {
  const { eks } = portsFor(target);
  for (let look = 1; look <= LOOKS; look += 1) {
    if (look > 1) await clock.sleep(BETWEEN_LOOKS_MS);
    const now = await eks.describeAddon(addon);
    if (!now) continue;
    if (now.arn !== (await recordedSnapshot(ledger, migrationId)).addon.arn) {
      throw new MigrationError('AddonChanged', `Somebody else created add-on ${addon} again while it was being deleted.`);
    }
    if (now.status === 'DELETE_FAILED') {
      throw new MigrationError('AddonFailed', `EKS could not delete add-on ${addon}: ${now.issues.map((issue) => `${issue.code}: ${issue.message}`).join('; ') || 'no reason given'}`);
    }
    throw new MigrationError('AddonStillThere', `Add-on ${addon} is still ${now.status}.`);
  }
  return { gone: true };
};

export const awaitDeletedStep = step(awaitDeletedSchema, run);
