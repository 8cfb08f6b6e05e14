/**
 * The calls of a migration and of its rollback, about which the plan asks IAM before anything is deleted. They include the
 * calls that EKS makes with its caller's permissions: the handlers' permissions in the CloudFormation schemas of
 * AWS::EKS::Addon and AWS::EKS::PodIdentityAssociation.
 */
import { carriedOver, ownTags, plannedFor, standaloneOf, unportableFields } from '../associations/associations.ts';
import type { Association } from '../terms/observed.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import type { Attempt } from '../record/plan.ts';
import { MIGRATION_TAG } from '../migration/service-account.ts';
import type { ActingStep } from '../steps/work.ts';
import { irsaRoleOf } from '../verification/irsa.ts';
import { agentToInstall } from './agent-install.ts';
import { callKey, type Call } from './calls.ts';
import type { Facts } from './facts.ts';
import { isRecreate } from './attempts.ts';
import { asked, type Ground, groundOf, isOwned, plannedRoles, reassigned, rolesFor } from './rights-ground.ts';
import { type Making, makerOf } from './rights-maker.ts';

/** A permission that a step needs: one call, or all of several calls if it is not known which one AWS authorizes. */
export interface Right {
  candidates: Call[];
  /** Whether the rollback needs it. */
  back: boolean;
}

type Tags = NonNullable<Call['requestTags']>;

/**
 * Returns the calls for an association whose add-on gets another role, and for its rollback. It is not documented whether
 * EKS updates the association or creates it again.
 */
const reassigning = (making: Making, ground: Ground): Call[][] =>
  reassigned(ground).flatMap((one) => [
    making.onBehalf(making.createAssociation()),
    making.onBehalf(making.update(one.arn, one.tags)),
    making.onBehalf(making.delete(one.arn, one.tags)),
  ]);

/** Returns the calls that EKS makes for associations when an add-on gets the planned ones. */
const replacing = (making: Making, ground: Ground): Call[][] => [
  ...(ground.planned.every((one) => isOwned(ground, one)) ? [] : [making.onBehalf(making.createAssociation())]),
  ...reassigning(making, ground),
  ...ground.owned.others.map((arn) => making.onBehalf(making.delete(arn, 'unknown'))),
];

/** Returns the calls for the standalone association of a service account. `tags` are its tags. */
const creating = (making: Making, roleArns: readonly string[], tags: Tags): Call[][] => [
  making.createAssociation(tags),
  ...making.tagNew('CreatePodIdentityAssociation', making.newAssociation, tags),
  ...making.passing({ podRoles: roleArns }),
];

/**
 * Returns the calls by which the rollback restores the fields and tags of the add-on's own association `one`, now at
 * `there`. The update names no role. It is not documented whether EKS authorizes passing the association's current role.
 */
const fieldsAgain = (ground: Ground, making: Making, one: Association, there: string): Call[][] => {
  const tags = ownTags(one.tags);
  return [
    ...(unportableFields(one).length > 0
      ? [making.update(there), ...making.passing({ podRoles: asked(ground, [one.roleArn]) })]
      : []),
    ...(Object.keys(tags).length > 0 ? [making.tag(there, tags)] : []),
  ];
};

function carryOver(ground: Ground, making: Making): Call[][] {
  const { facts, planned } = ground;
  const carried = carriedOver(facts.associations, planned);
  const changing = carried.filter((one) => unportableFields(one).length > 0);
  return [
    ...(changing.length > 0 ? [making.update(making.newAssociation)] : []),
    // The call names no role. It is not documented whether EKS authorizes passing the association's current role.
    ...making.passing({
      podRoles: asked(
        ground,
        changing.map((one) => plannedFor(one, planned)?.roleArn),
      ),
    }),
    ...carried.flatMap(({ tags }) => (Object.keys(tags).length > 0 ? [making.tag(making.newAssociation, tags)] : [])),
  ];
}

/** The tag of a standalone association that the migration creates. Its value is the migration's id. */
const OWN_TAG: Tags = { [MIGRATION_TAG]: undefined };

/** The rollback reads the IRSA role, to check that IRSA works before the pods lose EKS Pod Identity. */
const readingIrsaRole = (making: Making, ground: Ground): Call[][] =>
  asked(ground, [irsaRoleOf(ground.facts)]).map((role) => making.readRole(role));

/**
 * Returns the calls that delete the migration's own associations of these service accounts in the rollback, and those that
 * create them again if EKS's webhook continues to inject EKS Pod Identity.
 */
const removingOwn = (
  making: Making,
  ground: Ground,
  removed: readonly PlannedAssociation[],
  tags?: 'unknown',
): Call[][] => [
  making.delete(making.newAssociation, tags),
  ...creating(making, rolesFor(ground, removed), OWN_TAG),
  ...readingIrsaRole(making, ground),
];

/** The rollback deletes one by one what the add-on did not own before; without checks of the pods, EKS does. */
const removing = (making: Making, ground: Ground): Call[][] => {
  const removed = ground.planned.filter((one) => !isOwned(ground, one));
  return ground.facts.request.verification === 'api' || removed.length === 0
    ? []
    : removingOwn(making, ground, removed);
};

type Needs = Partial<Record<ActingStep, (making: Making) => Call[][]>>;

function inPlace(ground: Ground): { there: Needs; back: Needs } {
  const { facts, owned, purged, planned } = ground;
  const addon = facts.addon;
  if (!addon) return { there: {}, back: {} };
  return {
    there: {
      'update-addon': (making) => [
        ...purged.map((one) => making.delete(one.arn, one.tags)),
        making.updateAddon(addon.arn, addon.tags),
        ...making.passing({ podRoles: plannedRoles(ground) }),
        ...replacing(making, ground),
      ],
      'carry-over': (making) => carryOver(ground, making),
    },
    back: {
      'restore-addon': (making) => [
        making.updateAddon(addon.arn, addon.tags),
        ...making.passing({
          podRoles: asked(
            ground,
            owned.planned.map(({ roleArn }) => roleArn),
          ),
          irsa: asked(ground, [addon.serviceAccountRoleArn]),
        }),
        ...reassigning(making, ground),
        ...(planned.every((one) => isOwned(ground, one))
          ? []
          : [making.onBehalf(making.delete(making.newAssociation))]),
      ],
      'restore-associations': (making) => [
        ...removing(making, ground),
        ...purged.flatMap((one) => creating(making, asked(ground, [one.roleArn]), ownTags(one.tags))),
        ...owned.planned.flatMap((one) => fieldsAgain(ground, making, one, one.arn)),
      ],
    },
  };
}

function recreate(ground: Ground): { there: Needs; back: Needs } {
  const { facts, owned, purged, attempt } = ground;
  const addon = facts.addon;
  if (!addon) return { there: {}, back: {} };
  const tags = ownTags(addon.tags);
  const { preserve } = attempt;
  // An earlier attempt may have left its associations.
  const afterAnother = facts.request.strategy === 'auto';
  const standAlone = purged.filter((one) => one.ownerArn !== addon.arn);
  const before = asked(
    ground,
    owned.planned.map(({ roleArn }) => roleArn),
  );
  const irsa = asked(ground, [addon.serviceAccountRoleArn]);
  return {
    there: {
      'delete-addon': (making) => [
        making.deleteAddon(addon.arn, addon.tags),
        ...(preserve ? [] : owned.planned.map((one) => making.onBehalf(making.delete(one.arn, one.tags)))),
        ...(preserve ? [] : owned.others.map((arn) => making.onBehalf(making.delete(arn, 'unknown')))),
        ...(preserve || !afterAnother ? [] : [making.onBehalf(making.delete(making.newAssociation))]),
      ],
      'create-addon': (making) => [
        ...purged.map((one) => making.delete(one.arn, one.tags)),
        ...(afterAnother ? [making.delete(making.newAssociation)] : []),
        ...making.createAddon(addon.name, tags),
        ...making.passing({ podRoles: plannedRoles(ground) }),
        making.onBehalf(making.createAssociation()),
      ],
      'carry-over': (making) => carryOver(ground, making),
    },
    back: {
      'restore-addon': (making) => [
        ...making.createAddon(addon.name, tags),
        making.deleteAddon(making.newAddon(addon.name), tags),
        making.updateAddon(making.newAddon(addon.name), tags),
        ...making.passing({ podRoles: before, irsa }),
        ...(owned.planned.length === 0
          ? []
          : [making.onBehalf(making.createAssociation()), making.onBehalf(making.update(making.newAssociation))]),
        making.onBehalf(making.delete(making.newAssociation)),
        making.delete(making.newAssociation),
      ],
      'restore-associations': (making) => [
        ...removing(making, ground),
        ...standAlone.flatMap((one) => creating(making, asked(ground, [one.roleArn]), ownTags(one.tags))),
        ...owned.planned.flatMap((one) => fieldsAgain(ground, making, one, making.newAssociation)),
        ...readingIrsaRole(making, ground),
      ],
    },
  };
}

/** Returns the calls for standalone associations of these service accounts, except those that already have one. */
function associate(ground: Ground, planned: readonly PlannedAssociation[]): { there: Needs; back: Needs } {
  const made = planned.filter((one) => ground.facts.associations.every((there) => !plannedFor(there, [one])));
  if (made.length === 0) return { there: {}, back: {} };
  return {
    there: { 'create-association': (making) => creating(making, rolesFor(ground, made), OWN_TAG) },
    back: {
      'restore-associations': (making) => removingOwn(making, ground, made, 'unknown'),
    },
  };
}

/** The agent's add-on has neither role nor tags, and stays regardless of the migration's outcome. */
const installing = ({ facts }: Ground): Needs =>
  agentToInstall(facts) === undefined
    ? {}
    : { 'install-agent': (making) => making.createAddon('eks-pod-identity-agent', {}) };

const rightsIn = (facts: Facts, needs: Needs, back: boolean): Right[] =>
  (Object.entries(needs) as [ActingStep, (making: Making) => Call[][]][]).flatMap(([step, calls]) =>
    calls(makerOf(step, facts)).map((candidates) => ({ candidates, back })),
  );

/** Returns every right that the steps of one attempt and of its rollback need, each once. */
export function rightsOf(facts: Facts, planned: readonly PlannedAssociation[], attempt: Attempt): Right[] {
  if (!facts.cluster || planned.length === 0) return [];
  const ground = groundOf(facts, planned, attempt);
  const isOfAddon = attempt.strategy !== 'associate';
  const ways = [
    associate(ground, isOfAddon ? standaloneOf(planned) : planned),
    ...(isOfAddon ? [isRecreate(attempt) ? recreate(ground) : inPlace(ground)] : []),
  ];
  const all = [
    ...rightsIn(facts, installing(ground), false),
    ...ways.flatMap(({ there }) => rightsIn(facts, there, false)),
    ...ways.flatMap(({ back }) => rightsIn(facts, back, true)),
  ];
  return [...new Map(all.map((right) => [right.candidates.map(callKey).join(' '), right])).values()];
}

/** Returns the calls of several attempts, each once, about which IAM is asked. */
export const callsOf = (facts: Facts, planned: readonly PlannedAssociation[], ways: readonly Attempt[]): Call[] => {
  const calls = ways.flatMap((attempt) => rightsOf(facts, planned, attempt)).flatMap(({ candidates }) => candidates);
  return [...new Map(calls.map((call) => [callKey(call), call])).values()];
};

/**
 * Returns whether the first denied call may come after a call that has deleted something. It is not documented whether EKS
 * replaces an association whose add-on gets another role.
 */
export const deletes = (facts: Facts, planned: readonly PlannedAssociation[], attempt: Attempt): boolean => {
  const ground = groundOf(facts, planned, attempt);
  return (
    isRecreate(attempt) ||
    ground.purged.length > 0 ||
    (attempt.strategy !== 'associate' && reassigned(ground).length > 0)
  );
};
