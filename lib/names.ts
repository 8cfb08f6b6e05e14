import type { Stack } from 'aws-cdk-lib';

/** `delete-addon` to `DeleteAddon`: a step's name as the name of its state and of its construct. */
export const pascalCase = (name: string): string =>
  name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

/** How the names of the log groups of a stack's state machines begin. */
export const machineLogsPrefix = ({ stackName }: Stack): string => `/aws/vendedlogs/states/${stackName}-`;
