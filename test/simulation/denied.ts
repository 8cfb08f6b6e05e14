/** Denies an action to the role of a step: a Deny from the account's administrator that exists before the plan. */
import { findRole, type RoleState, type World } from '../../sandbox/world/world.ts';
import { pascalCase } from '../../lib/names.ts';
import type { DeniedSpec } from './spec.ts';

const NAME = 'of-the-account';

/** Returns the role of the step's Lambda. */
export const roleOfStep = (world: World, step: DeniedSpec['step']): RoleState => {
  const found = [...world.accounts.values()]
    .flatMap(({ roles }) => [...roles.values()])
    .filter(({ name }) => name.includes(`Steps${pascalCase(step)}Role`));
  const [role] = found;
  if (!role || found.length > 1) throw new Error(`${found.length} roles match the step ${step}.`);
  return role;
};

/** Adds the Deny and returns a function that removes it. */
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
