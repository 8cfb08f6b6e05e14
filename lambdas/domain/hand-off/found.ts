/** The hand-off of what is in the account, whichever way it came about. */
import type { Addon, Association, ServiceAccountState } from '../terms/observed.ts';
import type { Target, ServiceAccountRef } from '../terms/subject.ts';
import type { HandOff } from '../terms/hand-off.ts';
import { orderOf } from './order.ts';
import { annotationOf, blockOf, entryOf, type HandOffContent, settingsOf } from './parts.ts';

/**
 * What was found. `associations` are those that the add-on owns, or those of the service account. `account` is the
 * service account with its annotation, if it was read.
 */
export type Found = { target: Target; associations: readonly Association[] } & (
  | { addon: Addon }
  | { serviceAccount: ServiceAccountRef; account?: ServiceAccountState | undefined }
);

function ofAddon({ name, arn, version, serviceAccountRoleArn: role }: Addon, all: readonly Association[]) {
  const owned = all.filter((one) => one.ownerArn === arn);
  return {
    addon: {
      name,
      version,
      ...(role === undefined ? {} : { addRoleArn: role }),
      associations: owned.map(blockOf),
    },
    associations: all.map(entryOf),
    annotations: [],
    notInCode: settingsOf(owned),
  } satisfies Partial<HandOffContent>;
}

/** Returns the hand-off of an add-on, or of a service account, as it is in the account. */
export function foundHandOff(found: Found): HandOff {
  const shared = { state: 'found' as const, target: found.target, trust: [] };
  const content: HandOffContent =
    'addon' in found
      ? { ...shared, ...ofAddon(found.addon, found.associations) }
      : {
          ...shared,
          serviceAccount: found.serviceAccount,
          associations: found.associations.map(entryOf),
          annotations: annotationOf('keep', found.account),
          notInCode: [],
        };
  return { ...content, order: orderOf(content) };
}
