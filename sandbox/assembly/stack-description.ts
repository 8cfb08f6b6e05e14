/** Describes the application's stacks as CloudFormation shows them. */
import type { Stack } from './stacks.ts';

export interface StackOutput {
  key: string;
  value: string;
  description?: string;
  exportName?: string;
}

/** A stack that is deployed in an account and region. */
export interface AssemblyStack {
  name: string;
  /** The stack's ARN. */
  id: string;
  account: string;
  region: string;
  description?: string;
  parameters: Record<string, string>;
  tags: Record<string, string>;
  outputs: StackOutput[];
}

export const describeStack = ({ resolver, tags }: Stack): AssemblyStack => {
  const { description, environment, file } = resolver;
  return {
    name: environment.stackName,
    id: resolver.reference('AWS::StackId', { template: file }),
    account: environment.account,
    region: environment.region,
    ...(description === undefined ? {} : { description }),
    parameters: resolver.parameterValues,
    tags,
    outputs: resolver.outputs().map(({ where: _where, ...output }) => output),
  };
};
