import type { Stack } from 'aws-cdk-lib';

/** Converts a step's name, such as `delete-addon`, to the name of its state and its construct: `DeleteAddon`. */
export const pascalCase = (name: string): string =>
  name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

/** Returns the prefix of the log groups of a stack's state machines. */
export const machineLogsPrefix = ({ stackName }: Stack): string => `/aws/vendedlogs/states/${stackName}-`;
