/**
 * The CDK's feature flags with which the constructs are built and tested. Those of the app around a construct may
 * differ, and would change its resources, for example the versions of functions.
 */
import type { IConstruct } from 'constructs';
import cdk from '../cdk.json' with { type: 'json' };

/** Sets the flags for everything in the scope, which must still be empty. */
export function setFeatureFlags({ node }: IConstruct): void {
  for (const [flag, value] of Object.entries(cdk.context)) node.setContext(flag, value);
}
