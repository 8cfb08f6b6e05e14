/**
 * The calls of a migration and of its rollback, about which the plan asks IAM before anything is deleted. They include the
 * calls that EKS makes with its caller's permissions: the handlers' permissions in the CloudFormation schemas of
 * AWS::EKS::Addon and AWS::EKS::PodIdentityAssociation.
 */
import { parseRoleArn } from '../aws/arn.ts';
import {
  carriedOver,
  decidePurge,
  ownedOf,
  ownTags,
  plannedFor,
  standaloneOf,
  unportableFields,
} from '../associations/associations.ts';
import type { Association, PlannedAssociation, Attempt } from '../migration/model.ts';
import { MIGRATION_TAG } from '../migration/service-account.ts';
import { agentToInstall } from './agent-install.ts';
import type { ActingStep } from './acting.ts';
import { callKey, type Call } from './calls.ts';
import type { Facts } from './facts.ts';
import { isRecreate } from './attempts.ts';
import { isPassable } from './pass-role.ts';
import { type Making, makerOf } from './rights-maker.ts';

/** A permission that a step needs: one call, or all of several calls if it is not known which one AWS authorizes. */
export interface Right {
  candidates: Call[];
  /** Whether the rollback needs it. */
  back: boolean;
}

type Tags = NonNullable<Call['requestTags']>;

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
  const { acceptOwners } = request;
  const context = { cluster, region, addon: name, planned, attempt, acceptOwners };
  return associations.filter(
    (one) => decidePurge(one, { ...context, ...(addon ? { addonArn: addon.arn } : {}) }).do === 'purge',
  );
};

interface Ground {
  facts: Facts;
  /** For an add-on: the planned associations that it will own. */
  planned: readonly PlannedAssociation[];
  attempt: Attempt;
  owned: Owned;
  purged: Association[];
}

/** Returns whether the add-on already has an association for the service account. */
const isOwned = ({ owned }: Ground, one: PlannedAssociation): boolean =>
  owned.planned.some((other) => plannedFor(other, [one]) !== undefined);

/** Returns the roles that can be passed at all. Others are refused before IAM is asked. */
const asked = ({ facts: { request, passableRoleArns } }: Ground, arns: readonly (string | undefined)[]): string[] =>
  [...new Set(arns)].filter(
    (arn): arn is string =>
      arn !== undefined &&
      parseRoleArn(arn)?.account === request.target.account &&
      isPassable({ passableRoleArns }, arn),
  );

/** Returns the roles of planned associations. Another check blocks a role that does not exist. */
const rolesFor = (ground: Ground, planned: readonly PlannedAssociation[]): string[] =>
  asked(
    ground,
    planned.map(({ roleArn }) => roleArn).filter((arn) => ground.facts.roles[arn] !== undefined),
  );
const plannedRoles = (ground: Ground): string[] => rolesFor(ground, ground.planned);

/**
 * Returns the calls for an association whose add-on gets another role, and for its rollback. It is not documented whether
 * EKS updates the association or creates it again.
 */
function reassigning(making: Making, { planned, owned }: Ground): Call[][] {
  const changed = owned.planned.filter((one) => plannedFor(one, planned)?.roleArn !== one.roleArn);
  return changed.flatMap((one) => [
    making.onBehalf(making.createAssociation()),
    making.onBehalf(making.update(one.arn, one.tags)),
    making.onBehalf(making.delete(one.arn, one.tags)),
  ]);
}

/** Returns the calls that EKS makes for associations when an add-on gets the planned ones. */
const replacing = (making: Making, ground: Ground): Call[][] => [
  ...(ground.planned.every((one) => isOwned(ground, one)) ? [] : [making.onBehalf(making.createAssociation())]),
  ...reassigning(making, ground),
  ...ground.owned.others.map((arn) => making.onBehalf(making.delete(arn, 'unknown'))),
];

/** Returns the calls for the standalone association of a service account. `tags` are its tags. */
export const creating = (making: Making, roleArns: readonly string[], tags: Tags): Call[][] => [
  making.createAssociation(tags),
  ...making.tagNew('CreatePodIdentityAssociation', making.newAssociation, tags),
  ...making.passing({ podRoles: roleArns }),
];

/** Returns the calls that carry over fields and tags of an association to its replacement. */
const fieldsAgain = (making: Making, one: Association, there: string): Call[][] => {
  const tags = ownTags(one.tags);
  return [
    ...(unportableFields(one).length > 0 ? [making.update(there)] : []),
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

/** The rollback deletes one by one what the add-on did not own before; without checks of the pods, EKS does. */
const removing = (making: Making, ground: Ground): Call[][] =>
  ground.facts.request.verification === 'api' || ground.planned.every((one) => isOwned(ground, one))
    ? []
    : [making.delete(making.newAssociation)];

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
        ...owned.planned.flatMap((one) => fieldsAgain(making, one, one.arn)),
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
        ...owned.planned.flatMap((one) => fieldsAgain(making, one, making.newAssociation)),
      ],
    },
  };
}

/** Returns the calls for standalone associations of these service accounts, except those that already have one. */
function associate(ground: Ground, planned: readonly PlannedAssociation[]): { there: Needs; back: Needs } {
  const made = planned.filter((one) => ground.facts.associations.every((there) => !plannedFor(there, [one])));
  if (made.length === 0) return { there: {}, back: {} };
  const tags = { [MIGRATION_TAG]: undefined };
  return {
    there: { 'create-association': (making) => creating(making, rolesFor(ground, made), tags) },
    back: { 'restore-associations': (making) => [making.delete(making.newAssociation, 'unknown')] },
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
  const own = ownedOf(planned);
  const ground: Ground = {
    facts,
    planned: own,
    attempt,
    owned: ownedBy(facts),
    purged: purgedBy(facts, planned, attempt),
  };
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

/** Returns whether the first denied call may come after a call that has deleted something. */
export const deletes = (facts: Facts, planned: readonly PlannedAssociation[], attempt: Attempt): boolean =>
  isRecreate(attempt) || purgedBy(facts, planned, attempt).length > 0;
