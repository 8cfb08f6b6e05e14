/** The add-on, where it has to be the copy that the migration works on: somebody else's is respected. */
import { changedByThirdParty, classifyCopy, type Copy } from '../../domain/addons/copies.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Addon } from '../../domain/migration/model.ts';
import type { Clock, Eks } from '../../ports/index.ts';
import { readUntilSure } from '../pods/confirmed-reads.ts';
import type { AddonWork } from './recorded.ts';

/** What EKS says about the add-on's health, for messages; empty where it says nothing. */
export const issuesOf = ({ issues }: Addon): string =>
  issues.map((issue) => `${issue.code}: ${issue.message}`).join('; ');

/** As a message shows an add-on that is not as it should be. */
export const describeState = (now: Addon | undefined): string =>
  now ? `${now.version}, ${now.status}, ${now.serviceAccountRoleArn ?? 'no role'}` : 'gone';

export const addonChanged = (addon: string, why: string): MigrationError =>
  new MigrationError(
    'AddonChanged',
    `Add-on ${addon} is no longer as this migration left it: ${why}. It was left alone.`,
  );

/**
 * The add-on as it is now, where this migration may have deleted it. That it is gone is believed at once after its own
 * delete, since EKS refuses a create over a copy that is still there; any other absence only after several looks.
 */
export const readAfterDelete = (
  { eks, clock }: { eks: Eks; clock: Clock },
  addon: string,
  { snapshot, record }: Pick<AddonWork, 'snapshot' | 'record'>,
): Promise<Addon | undefined> =>
  readUntilSure(
    clock,
    () => eks.describeAddon(addon),
    (seen) => seen !== undefined || classifyCopy(snapshot, record, undefined) === 'removed-by-us',
  );

/** What is wrong with a copy that is not the one which this way works on. */
const WRONG: Record<Copy, string> = {
  snapshot: 'the copy of before the migration is there again',
  made: 'a copy is there that another way has made',
  'planned-shape': 'a copy is there that this migration did not make',
  'restored-shape': 'a copy is there that this migration did not make',
  foreign: 'somebody else has created it again',
  'removed-by-us': 'it is gone',
  gone: 'somebody else has deleted it',
};

/**
 * The copy that this way works on: in place the snapshot's, after a create the one that was made. Throws AddonChanged
 * where it is gone, replaced, or changed by somebody else in what the migration never changes; `notYet` while EKS
 * still shows what was deleted, or does not show what was made.
 */
export async function readOwnCopy(
  { eks, clock }: { eks: Eks; clock: Clock },
  addon: string,
  { snapshot, record, currentAttempt }: Omit<AddonWork, 'plan'>,
  notYet: 'AddonNotActive' | 'PodsNotSettled' | 'Busy',
): Promise<Addon> {
  const isRemoved = (now: Addon): boolean => record.removed.includes(now.arn);
  const now = await readUntilSure(
    clock,
    () => eks.describeAddon(addon),
    (seen) => seen !== undefined && !isRemoved(seen),
  );
  const copy = classifyCopy(snapshot, record, now);
  if (copy === 'removed-by-us' || (now && isRemoved(now)))
    throw new MigrationError(notYet, `EKS does not show the new copy of add-on ${addon} yet.`);
  if (!now || copy !== (currentAttempt.strategy === 'in-place' ? 'snapshot' : 'made'))
    throw addonChanged(addon, WRONG[copy]);
  const changed = changedByThirdParty(snapshot, now);
  if (changed !== undefined) throw addonChanged(addon, changed);
  if (copy === 'made' && now.serviceAccountRoleArn !== undefined)
    throw addonChanged(addon, `somebody else gave it the role ${now.serviceAccountRoleArn}`);
  return now;
}
