import {
  Aws,
  BootstraplessSynthesizer,
  CfnCondition,
  CfnOutput,
  CfnParameter,
  Fn,
  Stack,
  type StackProps,
} from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import {
  type AwsCapability,
  CAPABILITIES,
  type Capability,
  externalIdOf,
  SPOKE_STEPS,
  spokeRoleName,
} from '../../lambdas/domain/aws/spokes.ts';
import { acknowledgeGrants } from '../acknowledge.ts';
import { type Config, isDeployed } from '../config.ts';
import { pascalCase } from '../names.ts';
import { applyPermissionsBoundary } from '../permissions-boundary.ts';
import { type Grant, statementOf } from '../permissions/grant.ts';
import { ManagedGrants } from '../permissions/managed.ts';
import { capabilityGrants, patternsThere } from '../permissions/spokes.ts';
import { Forward } from './forward.ts';
import { HUB_ACCOUNT, HUB_REGION, hubRolesName, ROLES_OF, ROLES_REGION } from './parameters.ts';

/** Session duration in seconds: IAM allows no shorter maximum, and role chaining allows no longer one. */
const LONGEST_SESSION = 3600;

const isOfAws = (capability: Capability): capability is AwsCapability => !capability.startsWith('kubernetes-');

export interface SpokeStackProps extends StackProps {
  config: Config;
}

interface RoleOptions {
  grants: Grant[];
  managed: ManagedGrants;
  /** Account of the service. */
  account: string;
  condition: CfnCondition;
}

/** Creates the role of a capability, which the service's roles named in the stack's parameter may assume. */
function createRole(scope: Construct, capability: Capability, options: RoleOptions): void {
  const { account, condition } = options;
  const { own: grants, managedPolicyArns } = options.managed.divide(options.grants);
  const trusted = new CfnParameter(scope, hubRolesName(capability), {
    type: 'CommaDelimitedList',
    description: `Roles of the service that ${ROLES_OF[capability]}.`,
  });
  const role = new iam.CfnRole(scope, `${pascalCase(capability)}Role`, {
    roleName: spokeRoleName(capability),
    description: `Allows the Pod Identity migrator to ${ROLES_OF[capability]}.`,
    maxSessionDuration: LONGEST_SESSION,
    assumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: trusted.valueAsList },
          Action: 'sts:AssumeRole',
          Condition: { StringEquals: { 'sts:ExternalId': externalIdOf(account) } },
        },
      ],
    },
    ...(managedPolicyArns.length === 0 ? {} : { managedPolicyArns }),
    ...(grants.length === 0
      ? {}
      : {
          policies: [
            {
              policyName: capability,
              policyDocument: new iam.PolicyDocument({ statements: grants.map(statementOf), minimize: true }),
            },
          ],
        }),
  });
  role.cfnOptions.condition = condition;
  acknowledgeGrants(role, grants);
}

/**
 * The stack that another account deploys so that the service can work on its clusters. It has a role for each
 * capability in a single region, because IAM is global, and in each region a rule that forwards CloudTrail's events
 * about denied updates. The template has no assets and needs no bootstrap, so that StackSets can deploy it unchanged to
 * every account and region.
 */
export class SpokeStack extends Stack {
  constructor(scope: Construct, id: string, { config, ...props }: SpokeStackProps) {
    super(scope, id, {
      ...props,
      suppressTemplateIndentation: true,
      synthesizer: new BootstraplessSynthesizer(),
      description: 'Allows the Pod Identity migrator in another account to work on the EKS clusters of this account.',
    });
    const { passableRoleArns, repairableRoleArns, accounts, permissionsBoundaryArn } = config;
    // A permissions boundary of another account cannot be used here.
    if (permissionsBoundaryArn !== undefined && patternsThere([permissionsBoundaryArn], []).length > 0)
      applyPermissionsBoundary(this, permissionsBoundaryArn);

    const account = new CfnParameter(this, HUB_ACCOUNT, {
      type: 'String',
      allowedPattern: '\\d{12}',
      description:
        "Account of the service. The value of each parameter that begins with Hub is the output of that name of the service's stack.",
    }).valueAsString;
    const rolesRegion = new CfnParameter(this, ROLES_REGION, {
      type: 'String',
      description:
        'Region in which the roles are created. It must be one of the regions to which this stack is deployed. IAM is global and the names of the roles are fixed, so they are created only once.',
    }).valueAsString;
    const rolesHere = new CfnCondition(this, 'RolesHere', { expression: Fn.conditionEquals(Aws.REGION, rolesRegion) });

    const steps = SPOKE_STEPS.filter((step) => isDeployed(step, config));
    const options = {
      passableRoleArns: patternsThere(passableRoleArns, accounts),
      repairableRoleArns: repairableRoleArns && patternsThere(repairableRoleArns, accounts),
      // Approvers are principals of the hub, or of accounts whose roles the service does not read.
      comparesApprovers: false,
    };
    const capabilities = CAPABILITIES.filter((one) => one !== 'trust' || repairableRoleArns !== undefined).map(
      (capability) => ({ capability, grants: isOfAws(capability) ? capabilityGrants(capability, steps, options) : [] }),
    );
    const managed = new ManagedGrants(
      this,
      'Rights',
      capabilities.flatMap(({ grants }) => grants),
      rolesHere,
    );
    for (const { capability, grants } of capabilities)
      createRole(this, capability, { grants, managed, account, condition: rolesHere });
    if (config.deploy.denialRule) {
      const region = new CfnParameter(this, HUB_REGION, { type: 'String', description: 'Region of the service.' })
        .valueAsString;
      // oxlint-disable-next-line eslint/no-new -- a construct adds itself to its scope.
      new Forward(this, 'Forward', { account, region });
    }
    // oxlint-disable-next-line eslint/no-new -- a construct adds itself to its scope.
    new CfnOutput(this, 'ExternalId', {
      value: externalIdOf(account),
      description: 'External id that the roles require from the principal that assumes them.',
    });
  }
}
