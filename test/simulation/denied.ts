/** A right that the role of a step does not have: a Deny of the account's own, from before the plan on. */
import { findRole, type RoleState, type World } from '../../sandbox/world/world.ts';
import { pascalCase } from '../../lib/names.ts';
import type { DeniedSpec } from './spec.ts';

const NAME = 'of-the-account';

/** Of the service's own roles, the one of that step's Lambda. */
export const roleOfStep = (world: World, step: DeniedSpec['step']): RoleState => {
  const found = [...world.accounts.values()]
    .flatMap(({ roles }) => [...roles.values()])
    .filter(({ name }) => name.includes(`Steps${pascalCase(step)}Role`));
  const [role] = found;
  if (!role || found.length > 1) throw new Error(`${found.length} roles are those of the step ${step}.`);
  return role;
};

/** What it returns takes the Deny out again. */
export const denyStep = (world: World, { step, action }: DeniedSpec): (() => void) => {
  const { arn } = roleOfStep(world, step);
  const statement = { Effect: 'Deny', Action: action, Resource: '*' };
  findRole(world, arn)?.policies.push({
    name: NAME,
    document: JSON.stringify({ Version: '2012-10-17', Statement: statement }),
  });
  return () => {
    const role = findRole(world, arn);
    if (role) role.policies = role.policies.filter(({ name }) => name !== NAME);
  };
};
