/** The checks of a plan about existing associations, and about the quota for new ones. */
import { eksCommand } from '../commands/eks.ts';
import { carriedOver, decidePurge, plannedFor, type PurgeContext } from '../associations/associations.ts';
import type { Association } from '../terms/observed.ts';
import type { CarriedOver, PlannedAssociation } from '../terms/planned.ts';
import { type Check, fail, GUIDE, pass, warn } from '../terms/check.ts';
import type { Attempt } from '../record/plan.ts';
import type { Facts } from './facts.ts';

const SOURCE = `${GUIDE}, "Assign IAM roles to add-ons": add-ons cannot assume ownership of existing associations`;

const told = ({ id, namespace, serviceAccount }: Association): string => `${id} for ${namespace}/${serviceAccount}`;
const sentence = (text: string): string => `${text.replace(/^./, (first) => first.toUpperCase())}.`;

/** Warns about associations with another role: new pods already get that role, not the add-on's. */
function otherRoleChecks(staying: readonly Association[], planned: readonly PlannedAssociation[]): Check[] {
  return staying.flatMap((association): Check[] => {
    const successor = plannedFor(association, planned);
    if (!successor || successor.roleArn === association.roleArn) return [];
    return [
      warn(
        'association-role',
        `Association ${told(association)} has role ${association.roleArn}; the new association will have ${successor.roleArn}.`,
        `If the pods need their current role, keep it: --role ${association.serviceAccount}=${association.roleArn}`,
      ),
    ];
  });
}

/** Reports standalone associations that the planned service accounts already have, with the planned role. */
const keptChecks = (standalone: readonly Association[]): Check[] =>
  standalone.map((one) => pass('associations', `Association ${told(one)} already has the planned role and is kept.`));

export interface AssociationPlan {
  checks: Check[];
  /** IDs of the associations that the attempt itself deletes. */
  purge: string[];
  /** IDs of the associations that EKS deletes or replaces with the add-on, because the add-on owns them. */
  goWithAddon: string[];
  carryOver: CarriedOver[];
}

/**
 * Decides what happens to the current associations of the planned service accounts. If one must not be deleted, none is.
 */
export function planAssociations(
  existing: readonly Association[],
  context: Omit<PurgeContext, 'attempt'> & { attempt: Pick<Attempt, 'strategy' | 'preserve'> },
): AssociationPlan {
  const { planned, attempt, addonArn } = context;
  const decided = existing.map((association) => ({ association, decision: decidePurge(association, context) }));
  const refusals = decided.flatMap(({ decision }) => (decision.do === 'refuse' ? [decision] : []));
  if (refusals.length > 0) {
    const checks = refusals.map(({ reason, remedy }) =>
      fail('associations', `A conflicting association must not be deleted: ${reason}.`, sentence(remedy), SOURCE),
    );
    return { purge: [], goWithAddon: [], carryOver: [], checks };
  }
  const standalone = existing.filter((one) => plannedFor(one, planned)?.standalone === true);
  const ofAddon = decided.filter(({ association }) => !standalone.includes(association));
  const kept = keptChecks(standalone);
  if (ofAddon.length === 0)
    return {
      purge: [],
      goWithAddon: [],
      carryOver: [],
      checks: [pass('associations', 'No conflicting association exists.'), ...kept],
    };
  // DeleteAddon without preserve deletes the owned associations too. Those that remain a moment later are purged.
  const cascades = attempt.strategy === 'recreate' && !attempt.preserve;
  const goesWithAddon = ({ association, decision }: (typeof decided)[number]): boolean =>
    decision.do === 'keep' || (cascades && association.ownerArn !== undefined && association.ownerArn === addonArn);
  const leaving = ofAddon.filter((one) => !goesWithAddon(one)).map((one) => one.association);
  const own = ofAddon.filter(goesWithAddon).map((one) => one.association);
  const carryOver = carriedOver(existing, planned);
  const checks: Check[] = [];
  if (leaving.length > 0) {
    checks.push(
      warn(
        'associations',
        `Conflicting association ${leaving.map(told).join(', ')} would make the ${attempt.strategy === 'in-place' ? 'update' : 'create'} fail with "Association already exists".`,
        `It is recorded in the ledger and deleted before the add-on is ${attempt.strategy === 'in-place' ? 'updated' : 'created again'}; a rollback restores it.`,
        SOURCE,
      ),
    );
  }
  if (own.length > 0)
    checks.push(
      pass(
        'associations',
        `The add-on's own association ${own.map(told).join(', ')} is ${cascades ? 'deleted by EKS with the add-on' : 'replaced by EKS'}.`,
      ),
    );
  return {
    purge: leaving.map(({ id }) => id),
    goWithAddon: own.map(({ id }) => id),
    carryOver,
    checks: [...checks, ...kept, ...otherRoleChecks(existing, planned)],
  };
}

/**
 * The maximum number of associations in a cluster, which is not adjustable. Source: EKS User Guide (2026), "View and
 * manage Amazon EKS service quotas".
 */
export const MAX_ASSOCIATIONS = 5000;

/** Returns the number of associations that are added without replacing one. */
export const addedAssociations = (existing: readonly Association[], planned: readonly PlannedAssociation[]): number =>
  planned.filter((one) =>
    existing.every(
      (association) => association.namespace !== one.namespace || association.serviceAccount !== one.serviceAccount,
    ),
  ).length;

export function checkAssociationQuota(
  { request, associations, associationCount }: Facts,
  planned: readonly PlannedAssociation[],
): Check {
  const added = addedAssociations(associations, planned);
  const now = associationCount ?? 0;
  if (added === 0 || now + added <= MAX_ASSOCIATIONS) {
    return pass(
      'association-quota',
      added === 0
        ? 'The migration does not increase the number of associations.'
        : `The migration adds ${added}, so the cluster will have ${now + added} of at most ${MAX_ASSOCIATIONS} associations.`,
    );
  }
  return fail(
    'association-quota',
    `Cluster ${request.target.cluster} has ${now} associations; adding ${added} would exceed the quota of ${MAX_ASSOCIATIONS}.`,
    `Delete unused associations; list them: ${eksCommand(request.target, 'list-pod-identity-associations')}`,
    `${GUIDE}, "View and manage Amazon EKS service quotas"`,
  );
}
