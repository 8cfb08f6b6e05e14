/** Connects a step's Lambda to an existing VPC: its subnets, and the right to have network interfaces in them. */
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import type { Grant } from '../permissions/grant.ts';
import { ACCESS_OF_STEPS } from '../../lambdas/domain/steps/work.ts';

export interface Network {
  /** Subnets of the same VPC, from which Lambda derives the VPC. */
  subnetIds: string[];
  /** Security groups of the network interfaces. */
  securityGroupIds: string[];
}

/**
 * Returns whether the step's Lambda runs in the network, which is the case only if it calls API servers
 * (docs/adr/0016).
 */
export const isConnected = (step: StepName): boolean => Object.hasOwn(ACCESS_OF_STEPS, step);

/**
 * Right of the role of each function in a VPC, with which Lambda itself creates and removes the function's network
 * interfaces. The function's code cannot use it, because its calls carry the function's ARN, and Lambda's own calls do
 * not. This is a condition rather than a separate Deny, so that the right never exists without the limit. Sources: AWS
 * managed policy AWSLambdaVPCAccessExecutionRole, of which these are the actions of EC2; Lambda Developer Guide,
 * "Giving Lambda functions access to resources in an Amazon VPC" (on which resources) and "Using source function ARN to
 * control function access behavior".
 */
export const networkInterfaceGrant = (): Grant => ({
  actions: [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ],
  resources: ['*'],
  conditions: { Null: { 'lambda:SourceFunctionArn': 'true' } },
  why: "Lambda, and not the function's code, creates and deletes its network interfaces in the VPC",
});

/**
 * Connects a function to the network. It sets CloudFormation's own property, because CDK's needs a lookup of the VPC or
 * its availability zones, which it does not use. The role must have `networkInterfaceGrant`.
 */
export function connect(one: lambda.Function, { subnetIds, securityGroupIds }: Network): void {
  const resource = one.node.defaultChild;
  if (!(resource instanceof lambda.CfnFunction))
    throw new Error(`The function ${one.node.path} has no CloudFormation resource.`);
  resource.vpcConfig = { subnetIds, securityGroupIds };
}
