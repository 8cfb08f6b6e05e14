/**
 * Which associations stand in the way of a migration, which of them may be deleted, and what of them is carried over to
 * the new ones. Promise 3 of the design: one decision, taken alike by the plan, by `begin` and by the purge itself.
 */
import { isOwnedBy } from '../aws/arn.ts';
import type { Association, CarriedOver, PlannedAssociation, Attempt, Snapshot } from '../migration/model.ts';
import { shellCommand } from '../text/shell.ts';

const IAC_TAG_PREFIXES = ['aws:cloudformation:', 'alpha.eksctl.io/'];
const IAC_TAGS = new Map([
  ['terraform', 'Terraform'],
  ['pulumi', 'Pulumi'],
  ['crossplane', 'Crossplane'],
  ['cloudformation', 'CloudFormation'],
  ['eksctl', 'eksctl'],
]);

/**
 * The tool whose tags an association carries, or undefined: `ManagedBy`-like tags, and the prefixes that tools reserve.
 */
export function managingTool(tags: Record<string, string>): string | undefined {
  for (const [key, value] of Object.entries(tags)) {
    if (IAC_TAG_PREFIXES.some((prefix) => key.startsWith(prefix))) return key;
    if (/^(managed[-_]?by|provisioner|iac)$/i.test(key)) return IAC_TAGS.get(value.toLowerCase()) ?? value;
    if (key.startsWith('services.k8s.aws/')) return 'ACK';
  }
  return undefined;
}

type Unportable = Pick<Association, 'targetRoleArn' | 'disableSessionTags' | 'policy'>;

/**
 * What the add-on form of an association can't carry, but for tags. `disableSessionTags: false` is what a new one has.
 */
function unportable({ targetRoleArn, disableSessionTags, policy }: Unportable): Unportable {
  return {
    ...(targetRoleArn === undefined ? {} : { targetRoleArn }),
    ...(disableSessionTags === true ? { disableSessionTags } : {}),
    ...(policy === undefined ? {} : { policy }),
  };
}

/** Names of the fields that the add-on form of an association can't carry, and that this one has. */
export const unportableFields = (association: Unportable): string[] => Object.keys(unportable(association));

/**
 * What of an association gives pods other, or fewer, rights than its role has, in words. One that has such is never made
 * again through the add-on's form, which would give all of the role's rights until it is updated (ADR 41).
 */
export const narrowingFields = ({ targetRoleArn, policy }: Unportable): string[] => [
  ...(targetRoleArn === undefined ? [] : ['a target role']),
  ...(policy === undefined ? [] : ['a session policy']),
];

/** Tags that a caller may set: AWS keeps the prefix `aws:` to itself. */
export const ownTags = (tags: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(tags).filter(([key]) => !key.toLowerCase().startsWith('aws:')));

const isFor = (
  planned: Pick<PlannedAssociation, 'namespace' | 'serviceAccount'>,
  association: Pick<Association, 'namespace' | 'serviceAccount'>,
): boolean => planned.namespace === association.namespace && planned.serviceAccount === association.serviceAccount;

/** The planned association that takes the place of that one, if any. */
export const plannedFor = (
  association: Pick<Association, 'namespace' | 'serviceAccount'>,
  planned: readonly PlannedAssociation[],
): PlannedAssociation | undefined => planned.find((one) => isFor(one, association));

/** Those of the planned associations that the add-on makes and owns: what its form asks for. */
export const ownedOf = (planned: readonly PlannedAssociation[]): PlannedAssociation[] =>
  planned.filter(({ standalone }) => standalone !== true);

/** For a message: `namespace/name → ROLE_ARN`. */
export const plannedText = ({ namespace, serviceAccount, roleArn, standalone }: PlannedAssociation): string =>
  `${namespace}/${serviceAccount} → ${roleArn}${standalone === true ? ' (standalone)' : ''}`;

/** Those that the migration of an add-on makes by itself. */
export const standaloneOf = (planned: readonly PlannedAssociation[]): PlannedAssociation[] =>
  planned.filter(({ standalone }) => standalone === true);

/**
 * What goes from associations that are there now to the new ones of the same service accounts; only where there is
 * something.
 */
export function carriedOver(
  associations: readonly Association[],
  planned: readonly PlannedAssociation[],
): CarriedOver[] {
  return associations.flatMap((association): CarriedOver[] => {
    // A standalone one that is kept keeps all that it has.
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
 * An association of a service account for which the add-on takes none: one that has the planned role is kept, whoever
 * made it, unless an add-on owns it.
 */
function decideStandalone(association: Association, { roleArn }: PlannedAssociation, cluster: string): PurgeDecision {
  const { id, namespace, serviceAccount } = association;
  const where = `${id} (${namespace}/${serviceAccount})`;
  if (association.ownerArn !== undefined)
    return refuse(
      `${where} is owned by an add-on: ${association.ownerArn}`,
      `leave it alone, and take ${serviceAccount} out of the roles of the request`,
    );
  if (association.roleArn === roleArn) return { do: 'keep' };
  return refuse(
    `${where} has role ${association.roleArn}, and the request names ${roleArn}`,
    `keep its role: ${shellCommand(['--role', `${serviceAccount}=${association.roleArn}`])}; or give it the other one, then plan again: ${shellCommand(['aws', 'eks', 'update-pod-identity-association', '--cluster-name', cluster], ['--association-id', id, '--role-arn', roleArn])}`,
  );
}

export interface PurgeContext {
  cluster: string;
  addon: string;
  /** ARN of the add-on's copy that is there now; absent while there is none. */
  addonArn?: string;
  planned: readonly PlannedAssociation[];
  /** The way that is taken. */
  attempt: Pick<Attempt, 'strategy'>;
  /**
   * Once it is taken: nothing that is not in it as it stands is deleted, but for what the add-on's own copies made
   * since.
   */
  snapshot?: Pick<Snapshot, 'associations'>;
}

export type PurgeDecision =
  | { do: 'purge' }
  /** The current copy's own one, in place: UpdateAddon replaces it. Or a standalone one with the planned role. */
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

/** Why the snapshot forbids to delete it; a standalone one must be in there, and be as it was. */
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
      'find out who made it; delete it if nobody needs it, then migrate again',
    );
  if (!sameContent(known, association))
    return refuse(`${where} was changed after the snapshot`, 'find out who changed it, then migrate again');
  return undefined;
}

/** Whether the migration of that add-on may, and has to, delete that association of a service account. */
export function decidePurge(association: Association, context: PurgeContext): PurgeDecision {
  const { cluster, addon, addonArn, planned, attempt } = context;
  const where = `${association.id} (${association.namespace}/${association.serviceAccount})`;
  const successor = plannedFor(association, planned);
  if (!successor) return refuse(`${where} is not part of the plan`, 'leave it alone');
  if (successor.standalone) return decideStandalone(association, successor, cluster);
  const ours = isOwnedBy(association.ownerArn, cluster, addon);
  if (association.ownerArn !== undefined && !ours)
    return refuse(
      `${where} is owned by another add-on: ${association.ownerArn}`,
      'free the service account from that add-on first',
    );
  const tool = ours ? undefined : managingTool(association.tags);
  if (tool !== undefined) {
    return refuse(
      `${where} carries the tags of another tool: ${tool}`,
      `remove it where it is managed, then migrate; ${tool} would otherwise make it again`,
    );
  }
  const forbidden = againstSnapshot(association, context, where);
  if (forbidden) return forbidden;
  const narrowing = narrowingFields(association);
  if (narrowing.length > 0) {
    return refuse(
      `${where} has ${narrowing.join(' and ')}, which an association of an add-on is made without: until it had ${narrowing.length > 1 ? 'them' : 'it'} back, pods would have all rights of role ${association.roleArn} itself`,
      `if pods may have that role without ${narrowing.length > 1 ? 'them' : 'it'}, delete the association by hand and migrate: aws eks delete-pod-identity-association --cluster-name ${cluster} --association-id ${association.id}; otherwise leave the add-on as it is`,
    );
  }
  const fields = unportableFields(association);
  if (fields.length > 0 && association.roleArn !== successor.roleArn) {
    return refuse(
      `${where} has ${fields.join(', ')} for role ${association.roleArn}, which would mean something else for the planned role ${successor.roleArn}`,
      `keep its role: ${shellCommand(['--role', `${association.serviceAccount}=${association.roleArn}`])}; or, if nobody needs it, delete it by hand: ${shellCommand(['aws', 'eks', 'delete-pod-identity-association', '--cluster-name', cluster, '--association-id', association.id])}`,
    );
  }
  return attempt.strategy === 'in-place' && ours && association.ownerArn === addonArn
    ? { do: 'keep' }
    : { do: 'purge' };
}
