/** Turns associations and repairs into the parts of a hand-off. */
import { accountOf } from '../terms/subject.ts';
import { ownedOf, ownTags, plannedFor } from '../associations/associations.ts';
import type { Association, ServiceAccountState } from '../terms/observed.ts';
import type { CarriedOver, PlannedAssociation } from '../terms/planned.ts';
import { IRSA_ANNOTATION } from '../verification/irsa.ts';
import type {
  HandOff,
  HandOffAnnotation,
  HandOffAssociation,
  HandOffBlock,
  HandOffSetting,
} from '../terms/hand-off.ts';

export { IRSA_ANNOTATION };

/** A hand-off without its sentences, which follow from the rest. */
export type HandOffContent = Omit<HandOff, 'order'>;

export const blockOf = ({ namespace, serviceAccount, roleArn }: HandOffBlock): HandOffBlock => ({
  namespace,
  serviceAccount,
  roleArn,
});

/** Returns the blocks of the add-on's resource for the planned associations that the add-on owns. */
export const ownedBlocks = (planned: readonly PlannedAssociation[]): HandOffBlock[] => ownedOf(planned).map(blockOf);

/** Returns the association as a resource of its own, with everything that its code must set. */
const importOf = ({
  id,
  targetRoleArn,
  disableSessionTags,
  policy,
  tags,
  ...association
}: Association): HandOffAssociation => ({
  ...blockOf(association),
  action: 'import',
  id,
  ...(targetRoleArn === undefined ? {} : { targetRoleArn }),
  ...(disableSessionTags === true ? { disableSessionTags } : {}),
  ...(policy === undefined ? {} : { policy }),
  tags: ownTags(tags),
});

/** Returns the entry of an association that needs no resource. Its settings and tags are nobody's to set. */
export const withoutResource = (
  action: 'do-not-import' | 'remove',
  { id, ...association }: Association,
): HandOffAssociation => ({ ...blockOf(association), action, id, tags: {} });

/** Returns the entry of an existing association: one that an add-on owns must not be imported. */
export const entryOf = (one: Association): HandOffAssociation =>
  one.ownerArn === undefined ? importOf(one) : withoutResource('do-not-import', one);

type Settings = Pick<Association, 'targetRoleArn' | 'disableSessionTags' | 'policy' | 'tags'>;

/** EKS accepts a session policy only if session tags are disabled, so both are lost together. */
const fieldsOf = ({ targetRoleArn, policy, disableSessionTags, tags }: Settings): HandOffSetting['fields'] => [
  ...(targetRoleArn === undefined ? [] : (['targetRoleArn'] as const)),
  ...(policy === undefined ? [] : (['policy'] as const)),
  ...(disableSessionTags === true || policy !== undefined ? (['disableSessionTags'] as const) : []),
  ...(Object.keys(ownTags(tags)).length === 0 ? [] : (['tags'] as const)),
];

/**
 * Returns the settings that the add-on's resource cannot express, of associations that the add-on owns or will own. One
 * service account may be given several times: by what is planned, and by what was found.
 */
export function settingsOf(associations: readonly (Association | CarriedOver)[]): HandOffSetting[] {
  const byAccount = new Map<string, HandOffSetting>();
  for (const one of associations) {
    const { namespace, serviceAccount } = one;
    const fields = fieldsOf(one);
    if (fields.length === 0) continue;
    const key = accountOf(one);
    const known = byAccount.get(key)?.fields ?? [];
    byAccount.set(key, { namespace, serviceAccount, fields: [...new Set([...known, ...fields])] });
  }
  return [...byAccount.values()];
}

/** Returns the annotation of a service account, if it has, or had, one. */
export const annotationOf = (
  action: HandOffAnnotation['action'],
  account: Pick<ServiceAccountState, 'namespace' | 'name' | 'roleArn'> | undefined,
): HandOffAnnotation[] =>
  account?.roleArn === undefined
    ? []
    : [{ namespace: account.namespace, serviceAccount: account.name, roleArn: account.roleArn, action }];

/** Returns the newest association of the service account of a planned association, if there is one. */
export const newestFor = (
  planned: Pick<PlannedAssociation, 'namespace' | 'serviceAccount'>,
  associations: readonly Association[],
): Association | undefined =>
  associations
    .filter((one) => plannedFor(one, [{ ...planned, roleArn: '' }]) !== undefined)
    .toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt))
    .at(-1);
