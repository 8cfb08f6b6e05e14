/**
 * What the stack in another account is told of the hub: each parameter is an output of the hub's stack under the same
 * name, so that its value can be pasted.
 */
import { Aws, CfnOutput, Fn } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { CAPABILITIES, type Capability, type SpokeStep, stepsWith } from '../../lambdas/domain/aws/spokes.ts';
import type { Config } from '../config.ts';
import { pascalCase } from '../names.ts';

export const HUB_ACCOUNT = 'HubAccountId';
export const HUB_REGION = 'HubRegion';
/** Not of the hub: where the roles are made. */
export const ROLES_REGION = 'RolesRegion';
/** Such as `HubReadRoleArns`. */
export const hubRolesName = (capability: Capability): string => `Hub${pascalCase(capability)}RoleArns`;

export const ROLES_OF: Record<Capability, string> = {
  read: 'look at EKS and IAM',
  change: 'change add-ons and associations, and pass roles',
  trust: 'change trust policies',
  'kubernetes-read': 'look at pods, and what makes them, on API servers',
  'kubernetes-restart': 'restart workloads there',
  'kubernetes-annotate': "change service accounts' annotations there",
};

/**
 * `roleOf`: ARN of a step's role; undefined where it is not deployed. A capability that nobody has is left out, and the
 * region where nothing is forwarded.
 */
export const hubOutputs = (
  scope: Construct,
  { deploy: { denialRule } }: Pick<Config, 'deploy'>,
  roleOf: (step: SpokeStep) => string | undefined,
): CfnOutput[] => [
  new CfnOutput(scope, HUB_ACCOUNT, {
    value: Aws.ACCOUNT_ID,
    description:
      'Parameter of the stack PodIdentityMigratorSpoke, as are the outputs that begin like this one (see docs/accounts.md).',
  }),
  ...(denialRule
    ? [
        new CfnOutput(scope, HUB_REGION, {
          value: Aws.REGION,
          description: 'Likewise: where CloudTrail events are forwarded to.',
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
            description: `Likewise: the roles that ${ROLES_OF[capability]} in other accounts.`,
          }),
        ];
  }),
];
