import { Stack, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Converts a step's name, such as `delete-addon`, to the name of its state and its construct: `DeleteAddon`. */
export const pascalCase = (name: string): string =>
  name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

/** Returns the prefix of the log groups of a stack's state machines. */
export const machineLogsPrefix = ({ stackName }: Stack): string => `/aws/vendedlogs/states/${stackName}-`;

/** Number of characters of a stack's name that CloudFormation keeps even in a short name, such as that of a queue. */
const KEPT = 20;

/**
 * Returns the beginning of the names that CloudFormation gives to the stack's queues. It shortens long names, and the
 * name of a nested stack is known only at deployment.
 */
export function queuePrefix({ stackName }: Stack): string {
  if (Token.isUnresolved(stackName)) return '';
  return stackName.length <= KEPT ? `${stackName}-` : stackName.slice(0, KEPT);
}

/** Returns a name for the hub: that of its stack, followed by its id if the stack was not made for it. */
export function hubName(hub: IConstruct): string {
  const { stackName } = Stack.of(hub);
  const { id } = hub.node;
  return id === 'Default' ? stackName : `${stackName}-${id}`;
}
