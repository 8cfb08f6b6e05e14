import { describe, expect, it } from 'vitest';
import { stepSchemas } from '../../lambdas/steps/schemas.ts';
import { resourcesOf } from './definition.ts';

describe('permissions', () => {
  it('give every Lambda a role of its own', () => {
    const roles = resourcesOf('AWS::Lambda::Function').map(([, { Properties }]) => JSON.stringify(Properties.Role));
    expect(roles).toHaveLength(Object.keys(stepSchemas).length);
    expect(new Set(roles).size).toBe(roles.length);
  });
});
