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

/** Seconds: IAM has no shorter one, and whoever assumes a role from a role gets no longer one. */
const LONGEST_SESSION = 3600;

const isOfAws = (capability: Capability): capability is AwsCapability => !capability.startsWith('kubernetes-');

export interface SpokeStackProps extends StackProps {
  config: Config;
}

interface RoleOptions {
  grants: Grant[];
  managed: ManagedGrants;
  /** The account of the service. */
  account: string;
  condition: CfnCondition;
}

/** The role of a capability, which the roles of the service that are named to the stack may assume. */
function createRole(scope: Construct, capability: Capability, options: RoleOptions): void {
  const { account, condition } = options;
  const { own: grants, managedPolicyArns } = options.managed.divide(options.grants);
  const trusted = new CfnParameter(scope, hubRolesName(capability), {
    type: 'CommaDelimitedList',
    description: `Roles of the service that ${ROLES_OF[capability]}.`,
  });
  const role = new iam.CfnRole(scope, `${pascalCase(capability)}Role`, {
    roleName: spokeRoleName(capability),
    description: `Lets the Pod Identity migrator ${ROLES_OF[capability]}.`,
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
 * What another account has, so that the service works on its clusters: a role for each capability, in one region, since
 * IAM is global, and in each region a rule that forwards CloudTrail's events of denied updates. The template has no
 * assets and needs no bootstrap, so that StackSets can deploy it, the same in each account and region.
 */
export class SpokeStack extends Stack {
  constructor(scope: Construct, id: string, { config, ...props }: SpokeStackProps) {
    super(scope, id, {
      ...props,
      suppressTemplateIndentation: true,
      synthesizer: new BootstraplessSynthesizer(),
      description: 'Lets the Pod Identity migrator of another account work on the EKS clusters of this one.',
    });
    const { passableRoleArns, repairableRoleArns, accounts, permissionsBoundaryArn } = config;
    // One of another account's can't be used here.
    if (permissionsBoundaryArn !== undefined && patternsThere([permissionsBoundaryArn], []).length > 0)
      applyPermissionsBoundary(this, permissionsBoundaryArn);

    const account = new CfnParameter(this, HUB_ACCOUNT, {
      type: 'String',
      allowedPattern: '\\d{12}',
      description:
        "Account of the service: output HubAccountId of the service's stack, as are all others that begin with Hub.",
    }).valueAsString;
    const rolesRegion = new CfnParameter(this, ROLES_REGION, {
      type: 'String',
      description:
        'The one region, of those that this stack is deployed to, in which the roles are made: IAM is global, and their names are fixed.',
    }).valueAsString;
    const rolesHere = new CfnCondition(this, 'RolesHere', { expression: Fn.conditionEquals(Aws.REGION, rolesRegion) });

    const steps = SPOKE_STEPS.filter((step) => isDeployed(step, config));
    const options = {
      passableRoleArns: patternsThere(passableRoleArns, accounts),
      repairableRoleArns: repairableRoleArns && patternsThere(repairableRoleArns, accounts),
      // Approvers are of the hub, or of accounts whose roles the service does not read.
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
      description: 'What the roles want to be told by whoever assumes them.',
    });
  }
}
