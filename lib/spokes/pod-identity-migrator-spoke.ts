import { Aws, CfnCondition, CfnOutput, CfnParameter, Fn, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import {
  CAPABILITIES,
  type Capability,
  externalIdOf,
  SPOKE_STEPS,
  spokeRoleArn,
  spokeRoleName,
} from '../../lambdas/domain/access/spokes.ts';
import type { AwsCapability } from '../../lambdas/domain/steps/work.ts';
import { acknowledgeGrants } from '../acknowledge.ts';
import { type Config, isDeployed } from '../config.ts';
import { EVERY_ROLE } from '../every-role.ts';
import { setFeatureFlags } from '../feature-flags.ts';
import { pascalCase } from '../names.ts';
import { applyPermissionsBoundary } from '../permissions-boundary.ts';
import { type Grant, statementOf } from '../permissions/grant.ts';
import { ManagedGrants } from '../permissions/managed.ts';
import { capabilityGrants, patternsThere } from '../permissions/spokes.ts';
import { configOfProperties } from '../properties.ts';
import type { MigratorSettings } from '../settings-types.ts';
import { Forward } from './forward.ts';
import { HUB_ACCOUNT, HUB_REGION, hubRolesName, ROLES_OF, ROLES_REGION } from './parameters.ts';

/** Session duration in seconds: IAM allows no shorter maximum, and role chaining allows no longer one. */
const LONGEST_SESSION = 3600;

const isOfAws = (capability: Capability): capability is AwsCapability => !capability.startsWith('kubernetes-');

/** ARNs of roles by what they do in the spoke's account. */
export interface ByCapability<Value> {
  /** Reads EKS and IAM. */
  read?: Value;
  /** Changes add-ons and associations, and passes roles. */
  change?: Value;
  /** Changes trust policies. Only with `repairableRoleArns`. */
  trust?: Value;
  /** Reads pods and their controllers from API servers. */
  'kubernetes-read'?: Value;
  /** Restarts workloads through API servers. */
  'kubernetes-restart'?: Value;
  /** Changes annotations of service accounts through API servers. */
  'kubernetes-annotate'?: Value;
}

/** The service, by its outputs. */
export interface HubReference {
  /** Its account: output `HubAccountId`. */
  account: string;
  /** Its region: output `HubRegion`. Only needed with `deploy.denialRule`. */
  region?: string;
  /** Its roles by what they do here: outputs `HubReadRoleArns`, `HubChangeRoleArns` and so on. */
  roleArns: ByCapability<string[]>;
}

/** The properties of a spoke: the settings of its hub, and where that is. */
export interface PodIdentityMigratorSpokeProps extends MigratorSettings {
  /** The service. Default: parameters of the stack, so that one template serves every account. */
  hub?: HubReference;
  /**
   * Region in which the roles are created, which must be one of those with a spoke: IAM is global, so they are created
   * only once in an account. Default: a parameter of the stack.
   */
  rolesRegion?: string;
  /** @internal */
  [EVERY_ROLE]?: boolean;
}

/** Values of the service, which are parameters unless the properties have them. */
interface HubValues {
  account: string;
  rolesRegion: string;
  /** Returns the service's region. */
  region: () => string;
  /** Returns the service's roles with a capability. */
  rolesFor: (capability: Capability) => string[];
}

/** Reads a value of the hub's properties. Throws an `Error` if it is missing. */
function required<Of>(value: Of | undefined, name: string, scope: Construct): Of {
  if (value === undefined || (Array.isArray(value) && value.length === 0))
    throw new Error(
      `The construct ${scope.node.path} needs the property ${name}: the value is an output of the hub. Leave out hub to make parameters of all of them.`,
    );
  return value;
}

const hubValues = (
  scope: Construct,
  { hub, rolesRegion }: Pick<PodIdentityMigratorSpokeProps, 'hub' | 'rolesRegion'>,
): HubValues => ({
  account:
    hub?.account ??
    new CfnParameter(scope, HUB_ACCOUNT, {
      type: 'String',
      allowedPattern: '\\d{12}',
      description:
        "Account of the service. The value of each parameter that begins with Hub is the output of that name of the service's stack.",
    }).valueAsString,
  rolesRegion:
    rolesRegion ??
    new CfnParameter(scope, ROLES_REGION, {
      type: 'String',
      description:
        'Region in which the roles are created. It must be one of the regions to which this stack is deployed. IAM is global and the names of the roles are fixed, so they are created only once.',
    }).valueAsString,
  region: () =>
    hub
      ? required(hub.region, 'hub.region', scope)
      : new CfnParameter(scope, HUB_REGION, { type: 'String', description: 'Region of the service.' }).valueAsString,
  rolesFor: (capability) =>
    hub
      ? required(hub.roleArns[capability], `hub.roleArns['${capability}']`, scope)
      : new CfnParameter(scope, hubRolesName(capability), {
          type: 'CommaDelimitedList',
          description: `Roles of the service that ${ROLES_OF[capability]}.`,
        }).valueAsList,
});

interface RoleOptions {
  grants: Grant[];
  managed: ManagedGrants;
  hub: HubValues;
  condition: CfnCondition;
}

/** Creates the role of a capability, which the service's roles with that capability may assume. */
function createRole(scope: Construct, capability: Capability, { hub, condition, ...options }: RoleOptions): void {
  const { own: grants, managedPolicyArns } = options.managed.divide(options.grants);
  const trusted = hub.rolesFor(capability);
  const role = new iam.CfnRole(scope, `${pascalCase(capability)}Role`, {
    roleName: spokeRoleName(capability),
    description: `Allows the Pod Identity migrator to ${ROLES_OF[capability]}.`,
    maxSessionDuration: LONGEST_SESSION,
    assumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: trusted },
          Action: 'sts:AssumeRole',
          Condition: { StringEquals: { 'sts:ExternalId': externalIdOf(hub.account) } },
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

/** Returns the capabilities that the roles need, with their grants. */
function capabilitiesOf(config: Config): { capability: Capability; grants: Grant[] }[] {
  const { passableRoleArns, repairableRoleArns, accounts } = config;
  const steps = SPOKE_STEPS.filter((step) => isDeployed(step, config));
  const options = {
    passableRoleArns: patternsThere(passableRoleArns, accounts),
    repairableRoleArns: repairableRoleArns && patternsThere(repairableRoleArns, accounts),
    // Approvers are principals of the hub, or of accounts whose roles the service does not read.
    comparesApprovers: false,
  };
  return CAPABILITIES.filter((one) => one !== 'trust' || repairableRoleArns !== undefined).map((capability) => ({
    capability,
    grants: isOfAws(capability) ? capabilityGrants(capability, steps, options) : [],
  }));
}

/**
 * What another account needs so that the service can work on its clusters: a role for each capability in a single
 * region, because IAM is global, and in each region a rule that forwards CloudTrail's events about denied updates. The
 * names of the roles are fixed, so an account can have the spoke of only one hub. It has no assets.
 */
export class PodIdentityMigratorSpoke extends Construct {
  /** External id that the roles require from the principal that assumes them. */
  readonly externalId: string;
  /** The ARN of each role, by what the service does with it. */
  readonly roleArns: ByCapability<string>;

  /** Throws an error that names each invalid property. */
  constructor(scope: Construct, id: string, props: PodIdentityMigratorSpokeProps) {
    super(scope, id);
    const { hub: given, rolesRegion, [EVERY_ROLE]: forEveryRole = false, ...settings } = props;
    const config = configOfProperties(this.node.path, settings, forEveryRole);
    setFeatureFlags(this);
    const { permissionsBoundaryArn } = config;
    // A permissions boundary of another account cannot be used here.
    if (permissionsBoundaryArn !== undefined && patternsThere([permissionsBoundaryArn], []).length > 0)
      applyPermissionsBoundary(this, permissionsBoundaryArn);

    const hub = hubValues(this, { hub: given, rolesRegion });
    const rolesHere = new CfnCondition(this, 'RolesHere', {
      expression: Fn.conditionEquals(Aws.REGION, hub.rolesRegion),
    });
    const capabilities = capabilitiesOf(config);
    const managed = new ManagedGrants(
      this,
      'Rights',
      capabilities.flatMap(({ grants }) => grants),
      rolesHere,
    );
    for (const { capability, grants } of capabilities)
      createRole(this, capability, { grants, managed, hub, condition: rolesHere });
    if (config.deploy.denialRule)
      // oxlint-disable-next-line eslint/no-new -- a construct adds itself to its scope.
      new Forward(this, 'Forward', { account: hub.account, region: hub.region() });
    this.externalId = externalIdOf(hub.account);
    this.roleArns = Object.fromEntries(
      capabilities.map(({ capability }) => [capability, spokeRoleArn(Aws.ACCOUNT_ID, capability, Aws.PARTITION)]),
    );
  }

  /** Creates the output `ExternalId`, by default of the stack, and returns it. */
  createOutputs(scope?: Construct): CfnOutput[] {
    return [
      new CfnOutput(scope ?? Stack.of(this), 'ExternalId', {
        value: this.externalId,
        description: 'External id that the roles require from the principal that assumes them.',
      }),
    ];
  }
}
