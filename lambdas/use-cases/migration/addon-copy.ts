/** Reads an add-on that must be the copy which the migration works on: a third party's copy is respected. */
import { changedByThirdParty, classifyCopy, type Copy } from '../../domain/addons/copies.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Addon } from '../../domain/terms/observed.ts';
import type { Clock, Eks } from '../../ports/index.ts';
import { readUntilSure } from '../confirmed/reads.ts';
import type { AddonWork } from '../record/recorded.ts';

/** Returns the add-on's health issues for a message; empty if EKS reports none. */
export const issuesOf = ({ issues }: Addon): string =>
  issues.map((issue) => `${issue.code}: ${issue.message}`).join('; ');

/** Returns the state of an add-on that is not as expected, for a message. */
export const describeState = (now: Addon | undefined): string =>
  now ? `${now.version}, ${now.status}, ${now.serviceAccountRoleArn ?? 'no role'}` : 'gone';

export const addonChanged = (addon: string, why: string): MigrationError =>
  new MigrationError(
    'AddonChanged',
    `Add-on ${addon} is no longer as this migration left it: ${why}. It was left alone. Find out who changed it, then migrate again.`,
  );

/**
 * Returns the present add-on, which this migration may have deleted. Its absence is believed at once after the migration's
 * own delete, since EKS refuses a create over a copy that still exists; any other absence only after several reads.
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

/** What is wrong with a copy that is not the one which this attempt works on. */
const WRONG: Record<Copy, string> = {
  snapshot: 'it is the copy from before the migration again',
  made: 'it is a copy that another attempt has created',
  'planned-shape': 'it is a copy that this migration did not create',
  'restored-shape': 'it is a copy that this migration did not create',
  foreign: 'it was created again outside this migration',
  'removed-by-us': 'it is gone',
  gone: 'it was deleted outside this migration',
};

/**
 * Returns the copy that this attempt works on: in place the snapshot's, after a create the one that was created. Throws
 * AddonChanged if it is gone, replaced, or changed by a third party in a field that the migration never changes; throws
 * `notYet` while EKS still shows the deleted copy, or does not show the new one.
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
    throw addonChanged(addon, `it was given the role ${now.serviceAccountRoleArn} outside this migration`);
  return now;
}
