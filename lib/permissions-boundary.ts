import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** Gives every role in the scope the permissions boundary. */
export const applyPermissionsBoundary = (scope: Construct, arn: string): void =>
  iam.PermissionsBoundary.of(scope).apply(iam.ManagedPolicy.fromManagedPolicyArn(scope, 'PermissionsBoundary', arn));
