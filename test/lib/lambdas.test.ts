/** What each Lambda has of its own. */
import { describe, expect, it } from 'vitest';
import { stepSchemas } from '../../lambdas/steps/schemas.ts';
import { configFiles, ROLES } from './config-files.ts';
import { resourcesOf } from './definition.ts';
import { synthesiseWith } from './synthesised.ts';

const { fileWith } = configFiles();

it('permissions give every Lambda a role of its own', () => {
  const roles = resourcesOf('AWS::Lambda::Function').map(([, { Properties }]) => JSON.stringify(Properties.Role));
  expect(roles).toHaveLength(Object.keys(stepSchemas).length);
  expect(new Set(roles).size).toBe(roles.length);
});

describe('concurrent executions', () => {
  const reservedIn = (context: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(
      Object.values(synthesiseWith(context).template.Resources)
        .filter(({ Type }) => Type === 'AWS::Lambda::Function')
        .flatMap(({ Properties }) => {
          const { ReservedConcurrentExecutions: reserved, Handler: handler } = Properties;
          return reserved === undefined ? [] : [[String(handler), reserved]];
        }),
    );

  it('are reserved for no Lambda by default, so that an account with ten of them can be deployed to', () =>
    expect(reservedIn({})).toEqual({}));

  it('are reserved for the steps that the configuration names', () => {
    const file = fileWith({ ...ROLES, reservedConcurrency: [{ step: 'api', executions: 20 }] });
    expect(reservedIn({ config: file })).toEqual({ 'api.handler': 20 });
  });
});
