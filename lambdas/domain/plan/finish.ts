/** Builds a plan, as stored in the ledger, from the decision. */
import { defaultNamespaceOf } from '../aws/eks.ts';
import type { CarriedOver, IdentityLoss, PlannedAssociation } from '../terms/planned.ts';
import type { Check } from '../terms/check.ts';
import type { Plan, PlanStep, Attempt } from '../record/plan.ts';
import type { PlannedConsumer } from '../terms/consumer.ts';
import type { TrustRepair } from '../terms/trust.ts';
import { agentToInstall } from './agent-install.ts';
import type { Facts } from './facts.ts';
import { reasonsFirst } from './fit.ts';
import { ownersOf } from './owner-facts.ts';
import { hashOf, type PlanContent } from './hash.ts';
import { sha256 } from '../text/sha256.ts';

/** Returns the trust policies that were found: a tag on a role changes nothing about a plan. */
const trustOf = ({ roles }: Facts): Facts['roles'] =>
  Object.fromEntries(Object.entries(roles).map(([arn, role]) => [arn, role && { trustPolicy: role.trustPolicy }]));

export interface Decided {
  planned: PlannedAssociation[];
  losses: IdentityLoss[];
  attempts: Attempt[];
  purge: string[];
  goWithAddon: string[];
  carryOver: CarriedOver[];
  trustRepairs: TrustRepair[];
  /** What else uses the web identity. */
  consumers?: PlannedConsumer[];
  /** The forecast of the rollout, and the broken pods. */
  rollout?: Pick<Plan, 'forecast' | 'brokenPods'>;
}

/** The input for the steps of a plan. */
export type Decision = Decided & { installAgent?: { version: string }; settleSeconds?: number | undefined };

const NOTHING = { attempts: [], purge: [], goWithAddon: [], carryOver: [], trustRepairs: [] };

/** Builds the plan. `stepsOf` returns its steps, and is called with no attempts if nothing changes. */
export function finishPlan(
  facts: Facts,
  verdict: Plan['verdict'],
  checks: Check[],
  stepsOf: (decision: Decision) => PlanStep[],
  decided?: Decided,
): Plan {
  const { request, addon, serviceAccount } = facts;
  const planned = decided?.planned ?? [];
  const defaultNamespace = defaultNamespaceOf(facts.offered);
  const losses = decided?.losses ?? [];
  // A plan that changes nothing has no attempts.
  const changes = verdict === 'migrate' && decided ? decided : NOTHING;
  const { attempts, purge, goWithAddon, carryOver, trustRepairs } = changes;
  const agentVersion = attempts.length > 0 ? agentToInstall(facts) : undefined;
  const installAgent = agentVersion === undefined ? {} : { installAgent: { version: agentVersion } };
  const content: PlanContent = {
    verdict,
    strategy: request.strategy,
    preserve: request.preserve,
    attempts,
    steps: stepsOf({
      planned,
      losses,
      attempts,
      purge,
      goWithAddon,
      carryOver,
      trustRepairs,
      settleSeconds: decided?.rollout?.forecast?.settleSeconds,
      ...installAgent,
    }),
    ...(addon ? { addon } : {}),
    ...((addon || request.serviceAccount) && facts.namespace !== undefined ? { namespace: facts.namespace } : {}),
    ...(addon && defaultNamespace !== undefined ? { defaultNamespace } : {}),
    ...(serviceAccount ? { serviceAccount } : {}),
    associations: planned,
    identityLosses: losses,
    existing: facts.associations.map(({ id }) => id),
    ...(facts.associations.length > 0 ? { existingAssociations: facts.associations } : {}),
    purge,
    carryOver,
    trustRepairs,
    ...(decided?.consumers && decided.consumers.length > 0 ? { consumers: decided.consumers } : {}),
    owners: ownersOf(facts).map(({ owner }) => owner),
    ...installAgent,
    ...(decided?.rollout?.forecast ? { forecast: decided.rollout.forecast } : {}),
    ...(decided?.rollout?.brokenPods ? { brokenPods: decided.rollout.brokenPods } : {}),
    found: sha256({ namespace: facts.namespace, associations: facts.associations, roles: trustOf(facts) }),
  };
  return { ...content, checks: reasonsFirst(checks), hash: hashOf(content, request) };
}
