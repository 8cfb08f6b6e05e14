/**
 * Parameters of the stack in another account that describe the hub. Each has the name of an output of the hub's stack,
 * so that its value can be pasted.
 */
import { Aws, CfnOutput, Fn } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { CAPABILITIES, type Capability, type SpokeStep, stepsWith } from '../../lambdas/domain/access/spokes.ts';
import type { Config } from '../config.ts';
import { pascalCase } from '../names.ts';

export const HUB_ACCOUNT = 'HubAccountId';
export const HUB_REGION = 'HubRegion';
/** Parameter that does not describe the hub: the region in which the roles are created. */
export const ROLES_REGION = 'RolesRegion';
/** Returns a name such as `HubReadRoleArns`. */
export const hubRolesName = (capability: Capability): string => `Hub${pascalCase(capability)}RoleArns`;

export const ROLES_OF: Record<Capability, string> = {
  read: 'read EKS and IAM',
  change: 'change add-ons and associations, and pass roles',
  trust: 'change trust policies',
  'kubernetes-read': 'read pods and their controllers from API servers',
  'kubernetes-restart': 'restart workloads through API servers',
  'kubernetes-annotate': 'change annotations of service accounts through API servers',
};

/**
 * Returns the hub's outputs for the stack in other accounts. `roleOf` returns the ARN of a step's role, or undefined if
 * it is not deployed. Capabilities without roles are left out, as is the region if no events are forwarded.
 */
export const hubOutputs = (
  scope: Construct,
  { deploy: { denialRule } }: Pick<Config, 'deploy'>,
  roleOf: (step: SpokeStep) => string | undefined,
): CfnOutput[] => [
  new CfnOutput(scope, HUB_ACCOUNT, {
    value: Aws.ACCOUNT_ID,
    description:
      'Account of the service: a parameter of the stack PodIdentityMigratorSpoke, as are all outputs that begin with Hub (see docs/accounts.md).',
  }),
  ...(denialRule
    ? [
        new CfnOutput(scope, HUB_REGION, {
          value: Aws.REGION,
          description:
            'Parameter of the stack PodIdentityMigratorSpoke: region to which CloudTrail events are forwarded.',
        }),
      ]
    : []),
  ...CAPABILITIES.flatMap((capability) => {
    const arns = stepsWith(capability).flatMap((step) => roleOf(step) ?? []);
    return arns.length === 0
      ? []
      : [
          new CfnOutput(scope, hubRolesName(capability), {
            value: Fn.join(',', arns),
            description: `Parameter of the stack PodIdentityMigratorSpoke: roles that ${ROLES_OF[capability]} in other accounts.`,
          }),
        ];
  }),
];
