/**
 * The CDK's feature flags with which the constructs are built and tested. Those of the app around a construct may
 * differ, and would change its resources, for example the versions of functions.
 */
import { Annotations, FeatureFlags, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import cdk from '../cdk.json' with { type: 'json' };

/** Flag that the CDK reads from the stack. */
const MINIMIZE = '@aws-cdk/aws-iam:minimizePolicies';

/**
 * Sets the flags for everything in the scope, which must still be empty. Adds a warning if the stack lacks the only one
 * that cannot be set here.
 */
export function setFeatureFlags(scope: IConstruct): void {
  for (const [flag, value] of Object.entries(cdk.context)) scope.node.setContext(flag, value);
  if (FeatureFlags.of(Stack.of(scope)).isEnabled(MINIMIZE) !== true)
    Annotations.of(scope).addWarningV2(
      'eks-pod-identity-migrator:minimizePolicies',
      `The policies of the roles may become larger than IAM allows, because the CDK does not merge their statements. Set "${MINIMIZE}": true under "context" in cdk.json.`,
    );
}
