/** What the rights of an attempt depend on: its associations before and after, and the roles that can be passed. */
import { parseRoleArn } from '../aws/arn.ts';
import { decidePurge, ownedOf, plannedFor } from '../associations/associations.ts';
import type { Association } from '../terms/observed.ts';
import type { Attempt } from '../record/plan.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import type { Facts } from './facts.ts';
import { isPassable } from './pass-role.ts';

/** The associations of an add-on before the migration. */
interface Owned {
  /** Associations of planned service accounts. */
  planned: Association[];
  /** ARNs of the other associations. */
  others: string[];
}

const ownedBy = ({ addon, associations }: Facts): Owned => {
  const planned = associations.filter((one) => one.ownerArn !== undefined && one.ownerArn === addon?.arn);
  const known = new Set(planned.map(({ arn }) => arn));
  return { planned, others: (addon?.podIdentityAssociations ?? []).filter((arn) => !known.has(arn)) };
};

/** Returns the associations that the attempt itself deletes with DeletePodIdentityAssociation. */
export const purgedBy = (facts: Facts, planned: readonly PlannedAssociation[], attempt: Attempt): Association[] => {
  const { request, addon, associations } = facts;
  const { addon: name } = request;
  if (name === undefined) return [];
  const { cluster, region } = request.target;
  const { accept } = request;
  const context = { cluster, region, addon: name, planned, attempt, accept };
  return associations.filter(
    (one) => decidePurge(one, { ...context, ...(addon ? { addonArn: addon.arn } : {}) }).do === 'purge',
  );
};

export interface Ground {
  facts: Facts;
  /** For an add-on: the planned associations that it will own. */
  planned: readonly PlannedAssociation[];
  attempt: Attempt;
  owned: Owned;
  purged: Association[];
}

/** Returns whether the add-on already has an association for the service account. */
export const isOwned = ({ owned }: Ground, one: PlannedAssociation): boolean =>
  owned.planned.some((other) => plannedFor(other, [one]) !== undefined);

/** Returns the associations that the add-on has with another role than planned. */
export const reassigned = ({ planned, owned }: Pick<Ground, 'planned' | 'owned'>): Association[] =>
  owned.planned.filter((one) => plannedFor(one, planned)?.roleArn !== one.roleArn);

/** Returns the roles that can be passed at all. Others are refused before IAM is asked. */
export const asked = (
  { facts: { request, passableRoleArns } }: Ground,
  arns: readonly (string | undefined)[],
): string[] =>
  [...new Set(arns)].filter(
    (arn): arn is string =>
      arn !== undefined &&
      parseRoleArn(arn)?.account === request.target.account &&
      isPassable({ passableRoleArns }, arn),
  );

/** Returns the roles of planned associations. Another check blocks a role that does not exist. */
export const rolesFor = (ground: Ground, planned: readonly PlannedAssociation[]): string[] =>
  asked(
    ground,
    planned.map(({ roleArn }) => roleArn).filter((arn) => ground.facts.roles[arn] !== undefined),
  );
/** Returns the roles of the associations that the add-on will own. */
export const plannedRoles = (ground: Ground): string[] => rolesFor(ground, ground.planned);

export const groundOf = (facts: Facts, planned: readonly PlannedAssociation[], attempt: Attempt): Ground => ({
  facts,
  planned: ownedOf(planned),
  attempt,
  owned: ownedBy(facts),
  purged: purgedBy(facts, planned, attempt),
});
