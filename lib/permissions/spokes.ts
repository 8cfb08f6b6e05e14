/**
 * Other accounts: what the steps need here to work there, and what the roles need that they assume there. What a role
 * may do is what its steps may do in their own account, by the same grants (`targets.ts`).
 */
import { Aws } from 'aws-cdk-lib';
import { matchesWildcard } from '../../lambdas/domain/policy/index.ts';
import {
  type AwsCapability,
  capabilitiesOf,
  EVERY_ACCOUNT,
  isSpokeStep,
  rolesOfStep,
  type SpokeStep,
  spokeRoleArn,
} from '../../lambdas/domain/aws/spokes.ts';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import { accountOf } from '../role-pattern.ts';
import type { Grant } from './grant.ts';
import { targetGrants, type TargetOptions } from './targets.ts';

/**
 * Which accounts are meant, whatever the resource says: it has to leave the account open, or a hundred of them would
 * not fit into a policy.
 */
const within = (accounts: readonly string[]): Grant['conditions'] => ({
  [accounts.includes(EVERY_ACCOUNT) ? 'StringLike' : 'StringEquals']: { 'aws:ResourceAccount': [...accounts] },
});

/** Of the step's own role: none where no other account is configured. */
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
 * Patterns of roles that count in such an account: those without an account, and those of one of these accounts. Of
 * another account's than the one that it is in, a pattern allows nothing: nobody can pass, read or change a role of
 * another account (IAM User Guide, "Grant a user permissions to pass a role to an AWS service").
 */
export const patternsThere = (patterns: readonly string[], accounts: readonly string[]): string[] =>
  patterns.filter((pattern) => {
    const account = accountOf(pattern);
    return account === undefined || accounts.includes(account);
  });

/**
 * Whether that capability's role makes the calls that need the action. Where a step has two, EKS is called by the
 * first, IAM by the second.
 */
const isCalledBy = (capability: AwsCapability, step: SpokeStep, action: string): boolean => {
  const { eks, iam } = rolesOfStep(step);
  return (action.startsWith('iam:') ? iam : eks) === capability;
};

/** Of the two, the wider one alone. */
const withoutCovered = (resources: readonly string[]): string[] =>
  resources.filter((one) => !resources.some((other) => other !== one && matchesWildcard(other, one)));

interface Merged {
  action: string;
  resources: Set<string>;
  conditions: Grant['conditions'];
  whys: Set<string>;
}

/** A right under a condition gives its reasons to one without that allows all of it, and is left out. */
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
 * What the role of that capability may do, by the steps that are deployed: each action once for the same conditions,
 * with everything that it is for.
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
