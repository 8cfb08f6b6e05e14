/**
 * How a step's Lambda gets into a VPC that is there already: which subnets, and the right to have network interfaces in
 * them.
 */
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { ACCESS_OF_STEPS } from '../../lambdas/domain/access/rules.ts';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import type { Grant } from '../permissions/grant.ts';

export interface Network {
  /** Of the same VPC, which Lambda takes from them. */
  subnetIds: string[];
  /** Of the network interfaces. */
  securityGroupIds: string[];
}

/** Whether the step's Lambda runs in the network: where it calls API servers, and nowhere else (docs/adr/0016). */
export const isConnected = (step: StepName): boolean => Object.hasOwn(ACCESS_OF_STEPS, step);

/**
 * Of the role of each function in a VPC: with it, Lambda itself makes and removes the function's network interfaces. No
 * code may use it, since whatever a function calls carries the function's ARN, and what Lambda calls for it does not.
 * By a condition and not by a Deny beside the right, so that the one can't be there without the other. Sources: AWS
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
 * Connects a function. By CloudFormation's own property: CDK's wants to look the VPC up, or to be told its availability
 * zones, and does nothing with them. The role must have `networkInterfaceGrant`.
 */
export function connect(one: lambda.Function, { subnetIds, securityGroupIds }: Network): void {
  const resource = one.node.defaultChild;
  if (!(resource instanceof lambda.CfnFunction))
    throw new Error(`The function ${one.node.path} has no resource of its own.`);
  resource.vpcConfig = { subnetIds, securityGroupIds };
}
