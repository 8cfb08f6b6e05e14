/** Reads what the owner's code must contain from the account, for a subject that this service may never have migrated. */
import { foundHandOff } from '../../domain/hand-off/found.ts';
import type { HandOff } from '../../domain/terms/hand-off.ts';
import type { Target, Subject } from '../../domain/terms/subject.ts';
import type { Eks } from '../../ports/index.ts';
import { listAddonAssociations } from '../facts/planned-associations.ts';

/**
 * Returns the hand-off of an add-on, or of a service account, as it is now. Returns undefined if the cluster does not have
 * the add-on, or the service account has no association.
 */
export async function readFoundHandOff(
  eks: Pick<Eks, 'describeAddon' | 'describeAssociation' | 'listAssociations'>,
  target: Target,
  { addon: name, serviceAccount }: Subject,
): Promise<HandOff | undefined> {
  if (serviceAccount) {
    const associations = await eks.listAssociations(serviceAccount.namespace, serviceAccount.name);
    return associations.length > 0 ? foundHandOff({ target, serviceAccount, associations }) : undefined;
  }
  const addon = name === undefined ? undefined : await eks.describeAddon(name);
  return addon && foundHandOff({ target, addon, associations: await listAddonAssociations(eks, addon) });
}
