import * as iam from 'aws-cdk-lib/aws-iam';
import type { Stack } from 'aws-cdk-lib';

/** Gives every role of the stack the permissions boundary. */
export const applyPermissionsBoundary = (stack: Stack, arn: string): void =>
  iam.PermissionsBoundary.of(stack).apply(iam.ManagedPolicy.fromManagedPolicyArn(stack, 'PermissionsBoundary', arn));
