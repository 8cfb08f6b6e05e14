/** Reads the policies of default buses. Source: CloudFormation Template Reference, `AWS::Events::EventBusPolicy`. */
import type { ParsedPolicy } from '../../lambdas/domain/policy/index.ts';
import { AssemblyError } from './error.ts';
import { policyAbout } from './messaging.ts';
import { resourcesOfType } from './resources.ts';
import type { Stack } from './stacks.ts';

export interface AssemblyBusPolicy {
  busArn: string;
  /** Statements without their `Resource`. */
  policies: ParsedPolicy[];
}

const FIELDS = new Set(['StatementId', 'Statement', 'EventBusName']);

/**
 * Returns the bus policies of all stacks. Throws AssemblyError for an unsupported form, such as the older one without a
 * statement.
 */
export const busPoliciesOf = (stacks: Stack[]): AssemblyBusPolicy[] =>
  stacks.flatMap((stack) =>
    resourcesOfType(stack, 'AWS::Events::EventBusPolicy').map(({ properties, where }) => {
      const unknown = Object.keys(properties).find((name) => !FIELDS.has(name));
      if (unknown !== undefined)
        throw new AssemblyError(
          `an EventBusPolicy with ${unknown}, which the sandbox does not support; use Statement instead`,
          where,
        );
      const { Statement: statement, EventBusName: bus = 'default' } = properties;
      if (bus !== 'default')
        throw new AssemblyError(`the event bus ${String(bus)}; the sandbox supports only the default bus`, {
          ...where,
          path: 'Properties.EventBusName',
        });
      const { partition, region, account } = stack.resolver.environment;
      const busArn = `arn:${partition}:events:${region}:${account}:event-bus/default`;
      return {
        busArn,
        policies: policyAbout({ Version: '2012-10-17', Statement: [statement] }, busArn, {
          ...where,
          path: 'Properties.Statement',
        }),
      };
    }),
  );
