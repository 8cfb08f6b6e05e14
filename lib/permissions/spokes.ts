/**
 * Rights for other accounts: those of the steps in this account, and those of the roles that they assume in other
 * accounts. A role has the same grants there as its steps have in their own account (`targets.ts`).
 */
import { Aws } from 'aws-cdk-lib';
import { matchesWildcard } from '../../lambdas/domain/policy/index.ts';
import {
  capabilitiesOf,
  EVERY_ACCOUNT,
  isSpokeStep,
  rolesOfStep,
  type SpokeStep,
  spokeRoleArn,
} from '../../lambdas/domain/access/spokes.ts';
import type { AwsCapability } from '../../lambdas/domain/steps/work.ts';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import { accountOf } from '../role-pattern.ts';
import type { Grant } from './grant.ts';
import { targetGrants, type TargetOptions } from './targets.ts';

/**
 * Condition with the allowed accounts. The resource has a wildcard for the account, because a hundred ARNs would not
 * fit into a policy.
 */
const within = (accounts: readonly string[]): Grant['conditions'] => ({
  [accounts.includes(EVERY_ACCOUNT) ? 'StringLike' : 'StringEquals']: { 'aws:ResourceAccount': [...accounts] },
});

/** Returns the grants of a step's own role; none if no other account is configured. */
export function spokeGrantsOf(step: StepName, accounts: readonly string[]): Grant[] {
  if (accounts.length === 0 || !isSpokeStep(step)) return [];
  const resources = capabilitiesOf(step).map((capability) => spokeRoleArn('*', capability, Aws.PARTITION));
  return [
    {
      actions: ['sts:AssumeRole'],
      resources,
      conditions: within(accounts) ?? {},
      why: 'works on clusters of other accounts with the roles that it may assume there',
    },
  ];
}

/**
 * Returns the patterns of roles that apply in such an account: those without an account, and those of one of the
 * accounts. A pattern of another account allows nothing, because no principal can pass, read or change a role of
 * another account (IAM User Guide, "Grant a user permissions to pass a role to an AWS service").
 */
export const patternsThere = (patterns: readonly string[], accounts: readonly string[]): string[] =>
  patterns.filter((pattern) => {
    const account = accountOf(pattern);
    return account === undefined || accounts.includes(account);
  });

/**
 * Returns whether a capability's role makes the calls that need an action. If a step has two capabilities, it calls EKS
 * with the first and IAM with the second.
 */
const isCalledBy = (capability: AwsCapability, step: SpokeStep, action: string): boolean => {
  const { eks, iam } = rolesOfStep(step);
  return (action.startsWith('iam:') ? iam : eks) === capability;
};

/** Returns only the wider of two grants. */
const withoutCovered = (resources: readonly string[]): string[] =>
  resources.filter((one) => !resources.some((other) => other !== one && matchesWildcard(other, one)));

interface Merged {
  action: string;
  resources: Set<string>;
  conditions: Grant['conditions'];
  whys: Set<string>;
}

/** Merges a conditional right, with its reasons, into an unconditional right that includes it. */
function withoutNarrower(all: readonly Merged[]): Merged[] {
  const allows = (wider: Merged, one: Merged): boolean =>
    wider.action === one.action &&
    wider.conditions === undefined &&
    one.conditions !== undefined &&
    [...one.resources].every((resource) => [...wider.resources].some((other) => matchesWildcard(other, resource)));
  return all.filter((one) => {
    const wider = all.find((other) => allows(other, one));
    for (const why of wider ? one.whys : []) wider?.whys.add(why);
    return wider === undefined;
  });
}

/**
 * Returns the grants of a capability's role, from the deployed steps: each action once for the same conditions, with
 * all its reasons.
 */
export function capabilityGrants(
  capability: AwsCapability,
  steps: readonly SpokeStep[],
  options: TargetOptions,
): Grant[] {
  const merged = new Map<string, Merged>();
  for (const step of steps) {
    for (const { actions, resources, conditions, why } of targetGrants[step](options)) {
      for (const action of actions.filter((one) => isCalledBy(capability, step, one))) {
        const key = JSON.stringify([action, conditions]);
        const found = merged.get(key) ?? { action, resources: new Set(), conditions, whys: new Set() };
        for (const resource of resources) found.resources.add(resource);
        found.whys.add(`${step} ${why}`);
        merged.set(key, found);
      }
    }
  }
  return withoutNarrower([...merged.values()])
    .filter(({ resources }) => resources.size > 0)
    .map(({ action, resources, conditions, whys }) => ({
      actions: [action],
      resources: withoutCovered([...resources]),
      ...(conditions ? { conditions } : {}),
      why: [...whys].join('; '),
    }));
}
