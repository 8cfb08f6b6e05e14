/**
 * Decides which associations conflict with a migration, which of them may be deleted, and which settings are carried
 * over
 * to the new associations. Promise 3 of the design: the plan, `begin` and the purge itself use the same decision.
 */
import { acceptFlags, accepts } from '../acceptance/accept.ts';
import { eksCommand } from '../commands/eks.ts';
import { isOwnedBy } from '../aws/arn.ts';
import type { Association } from '../terms/observed.ts';
import type { CarriedOver, PlannedAssociation } from '../terms/planned.ts';
import type { Attempt } from '../record/plan.ts';
import type { Snapshot } from '../record/migration.ts';
import { managingTool } from '../owners/signs.ts';
import { shellCommand } from '../text/shell.ts';

type Unportable = Pick<Association, 'targetRoleArn' | 'disableSessionTags' | 'policy'>;

/**
 * Returns the settings, except tags, that AddonPodIdentityAssociations can't express. `disableSessionTags: false` is
 * the
 * default of a new association.
 */
function unportable({ targetRoleArn, disableSessionTags, policy }: Unportable): Unportable {
  return {
    ...(targetRoleArn === undefined ? {} : { targetRoleArn }),
    ...(disableSessionTags === true ? { disableSessionTags } : {}),
    ...(policy === undefined ? {} : { policy }),
  };
}

/** Returns the names of the association's fields that AddonPodIdentityAssociations can't express. */
export const unportableFields = (association: Unportable): string[] => Object.keys(unportable(association));

/**
 * Returns, as text, the settings of an association that give pods other or fewer permissions than its role has. An
 * association with such settings is never replaced by one of the add-on, which would grant all permissions of the role
 * until it is updated (ADR 41).
 */
const narrowingFields = ({ targetRoleArn, policy }: Unportable): string[] => [
  ...(targetRoleArn === undefined ? [] : ['a target role']),
  ...(policy === undefined ? [] : ['a session policy']),
];

/** Returns the tags that a caller may set: AWS reserves the prefix `aws:`. */
export const ownTags = (tags: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(tags).filter(([key]) => !key.toLowerCase().startsWith('aws:')));

const isFor = (
  planned: Pick<PlannedAssociation, 'namespace' | 'serviceAccount'>,
  association: Pick<Association, 'namespace' | 'serviceAccount'>,
): boolean => planned.namespace === association.namespace && planned.serviceAccount === association.serviceAccount;

/** Returns the planned association that replaces an association, if there is one. */
export const plannedFor = (
  association: Pick<Association, 'namespace' | 'serviceAccount'>,
  planned: readonly PlannedAssociation[],
): PlannedAssociation | undefined => planned.find((one) => isFor(one, association));

/** Returns the planned associations that the add-on creates and owns. */
export const ownedOf = (planned: readonly PlannedAssociation[]): PlannedAssociation[] =>
  planned.filter(({ standalone }) => standalone !== true);

/** Returns a planned association for a message: `namespace/name → ROLE_ARN`. */
export const plannedText = ({ namespace, serviceAccount, roleArn, standalone }: PlannedAssociation): string =>
  `${namespace}/${serviceAccount} → ${roleArn}${standalone === true ? ' (standalone)' : ''}`;

/** Returns the standalone associations that the migration of an add-on creates. */
export const standaloneOf = (planned: readonly PlannedAssociation[]): PlannedAssociation[] =>
  planned.filter(({ standalone }) => standalone === true);

/**
 * Returns the settings that existing associations pass on to the new associations of the same service accounts, without
 * associations that have none.
 */
export function carriedOver(
  associations: readonly Association[],
  planned: readonly PlannedAssociation[],
): CarriedOver[] {
  return associations.flatMap((association): CarriedOver[] => {
    // A standalone association that is kept also keeps its settings.
    if (!plannedFor(association, ownedOf(planned))) return [];
    const fields = unportable(association);
    const tags = ownTags(association.tags);
    if (Object.keys(fields).length === 0 && Object.keys(tags).length === 0) return [];
    return [
      {
        namespace: association.namespace,
        serviceAccount: association.serviceAccount,
        from: association.id,
        ...fields,
        tags,
      },
    ];
  });
}

/**
 * Decides about an association of a service account for which the add-on takes no association. An association with the
 * planned role is kept, regardless of who created it, unless an add-on owns it.
 */
function decideStandalone(
  association: Association,
  { roleArn }: PlannedAssociation,
  context: Pick<PurgeContext, 'cluster' | 'region'>,
): PurgeDecision {
  const { id, namespace, serviceAccount } = association;
  const where = `${id} (${namespace}/${serviceAccount})`;
  if (association.ownerArn !== undefined)
    return refuse(
      `${where} is owned by an add-on: ${association.ownerArn}`,
      `leave it unchanged, and remove ${serviceAccount} from the roles of the request`,
    );
  if (association.roleArn === roleArn) return { do: 'keep' };
  return refuse(
    `${where} has role ${association.roleArn}, and the request names ${roleArn}`,
    `keep its role: ${shellCommand(['--role', `${serviceAccount}=${association.roleArn}`])} ; or give it the other role, then plan again: ${eksCommand(context, 'update-pod-identity-association', ['--association-id', id, '--role-arn', roleArn])}`,
  );
}

export interface PurgeContext {
  cluster: string;
  region: string;
  addon: string;
  /** ARN of the current copy of the add-on; absent while there is none. */
  addonArn?: string;
  planned: readonly PlannedAssociation[];
  /** The current attempt. */
  attempt: Pick<Attempt, 'strategy'>;
  /** Tools whose associations may be deleted, by the request. */
  accept: readonly string[];
  /**
   * Present once the snapshot was taken. An association is then deleted only if the snapshot has it unchanged, or if a
   * copy of the add-on has created it since.
   */
  snapshot?: Pick<Snapshot, 'associations'>;
}

export type PurgeDecision =
  | { do: 'purge' }
  /**
   * For an association of the current copy that UpdateAddon replaces in place, or a standalone one with the planned
   * role.
   */
  | { do: 'keep' }
  | { do: 'refuse'; reason: string; remedy: string };

const refuse = (reason: string, remedy: string): PurgeDecision => ({ do: 'refuse', reason, remedy });

const sameContent = (a: Association, b: Association): boolean => {
  const content = ({ roleArn, tags, ...rest }: Association): string =>
    JSON.stringify([
      roleArn,
      Object.entries(tags).sort(([x], [y]) => (x < y ? -1 : 1)),
      Object.entries(unportable(rest)),
    ]);
  return content(a) === content(b);
};

/** Returns a refusal if the snapshot forbids the deletion: an association must be in the snapshot, and be unchanged. */
function againstSnapshot(
  association: Association,
  { snapshot, cluster, addon }: PurgeContext,
  where: string,
): PurgeDecision | undefined {
  if (!snapshot || isOwnedBy(association.ownerArn, cluster, addon)) return undefined;
  const known = snapshot.associations.find((one) => one.id === association.id);
  if (!known)
    return refuse(
      `${where} appeared after the snapshot`,
      'find out who created it; delete it if it is not needed, then migrate again',
    );
  if (!sameContent(known, association))
    return refuse(`${where} was changed after the snapshot`, 'find out who changed it, then migrate again');
  return undefined;
}

type ManagingTool = NonNullable<ReturnType<typeof managingTool>>;

const isAccepted = ({ tool }: ManagingTool, context: PurgeContext): boolean =>
  tool !== undefined && accepts(context, 'owner', tool);

/** Refuses to delete an association that is in the code of another tool. */
const refuseOwned = (where: string, { tool, title }: ManagingTool): PurgeDecision =>
  refuse(
    `${where} has the tags of another tool: ${title}`,
    `remove it with the tool that manages it, then migrate; otherwise ${title} would create it again${
      tool === undefined
        ? ''
        : `; or, once its code does not contain it any more, let the migration delete it: ${acceptFlags('owner', [tool])}`
    }`,
  );

/** Decides whether the migration of an add-on deletes an association, keeps it, or is refused. */
export function decidePurge(association: Association, context: PurgeContext): PurgeDecision {
  const { cluster, addon, addonArn, planned, attempt } = context;
  const where = `${association.id} (${association.namespace}/${association.serviceAccount})`;
  const successor = plannedFor(association, planned);
  if (!successor) return refuse(`${where} is not part of the plan`, 'leave it unchanged');
  if (successor.standalone) return decideStandalone(association, successor, context);
  const ours = isOwnedBy(association.ownerArn, cluster, addon);
  if (association.ownerArn !== undefined && !ours)
    return refuse(
      `${where} is owned by another add-on: ${association.ownerArn}`,
      'remove the association from that add-on first',
    );
  const owner = ours ? undefined : managingTool(association.tags);
  if (owner && !isAccepted(owner, context)) return refuseOwned(where, owner);
  const forbidden = againstSnapshot(association, context, where);
  if (forbidden) return forbidden;
  const narrowing = narrowingFields(association);
  if (narrowing.length > 0) {
    return refuse(
      `${where} has ${narrowing.join(' and ')}, which an association of an add-on does not have when it is created: until ${narrowing.length > 1 ? 'they were' : 'it was'} restored, pods would have all permissions of role ${association.roleArn}`,
      `if pods may use that role without ${narrowing.length > 1 ? 'them' : 'it'}, delete the association and migrate: ${eksCommand(context, 'delete-pod-identity-association', ['--association-id', association.id])} ; otherwise leave the add-on as it is`,
    );
  }
  const fields = unportableFields(association);
  if (fields.length > 0 && association.roleArn !== successor.roleArn) {
    return refuse(
      `${where} has ${fields.join(', ')} for role ${association.roleArn}, which would have another effect on the planned role ${successor.roleArn}`,
      `keep its role: ${shellCommand(['--role', `${association.serviceAccount}=${association.roleArn}`])} ; or, if it is not needed, delete it: ${eksCommand(context, 'delete-pod-identity-association', ['--association-id', association.id])}`,
    );
  }
  return attempt.strategy === 'in-place' && ours && association.ownerArn === addonArn
    ? { do: 'keep' }
    : { do: 'purge' };
}
