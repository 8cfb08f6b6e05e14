/** Finds what in a stack exceeds AWS's limits, measured as AWS measures it, with AWS's own refusal. */
import {
  environmentBytes,
  type Excess,
  MOST_ENVIRONMENT_BYTES,
  MOST_INLINE_CHARACTERS,
  MOST_MANAGED_CHARACTERS,
  MOST_MANAGED_POLICIES,
  MOST_OUTPUTS,
  MOST_PARAMETER_BYTES,
  MOST_PARAMETERS,
  MOST_RESOURCES,
  MOST_TEMPLATE_BYTES,
  MOST_TRUST_CHARACTERS,
  policyCharacters,
} from '../../lambdas/domain/aws/limits.ts';
import { isObject } from '../json.ts';
import { AssemblyError } from './error.ts';
import { resourcesOfType } from './resources.ts';
import { attachedPoliciesOf, inlinePoliciesOf } from './roles.ts';
import type { Environment } from './environment.ts';
import { loadStacks, spokeStackOf, type Stack } from './stacks.ts';

/** Returns the measures that exceed their limit. */
const above = (excesses: Excess[]): Excess[] => excesses.filter(({ measured, most }) => measured > most);

/** Source of the refusal: github-aws-runners/terraform-aws-github-runner#3594. */
const environments = (stack: Stack): Excess[] =>
  resourcesOfType(stack, 'AWS::Lambda::Function').map(({ logicalId, properties: { Environment: environment } }) => {
    const variables = isObject(environment) && isObject(environment['Variables']) ? environment['Variables'] : {};
    const content = JSON.stringify(variables);
    return {
      subject: `the environment of the function ${logicalId}`,
      measured: environmentBytes(variables as Record<string, string>),
      most: MOST_ENVIRONMENT_BYTES,
      unit: 'bytes',
      service: 'Lambda',
      refusal: `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: ${content}`,
      content,
    };
  });

/**
 * Sources of the refusals: aws-amplify/amplify-cli#4369 (inline), aws-cloudformation/cfn-lint#3804 (managed),
 * kubeflow/dashboard#29 (trust), ministryofjustice/cloud-platform-environments#14118 (number).
 */
const policies = (stack: Stack): Excess[] => {
  const attached = attachedPoliciesOf(stack);
  const ofRoles = resourcesOfType(stack, 'AWS::IAM::Role').flatMap(({ logicalId, properties, where }): Excess[] => {
    const name = stack.resolver.reference(logicalId, where);
    const own = attached.filter(({ roleNames }) => roleNames.includes(name));
    const inline = [
      ...inlinePoliciesOf(properties['Policies'], where),
      ...own.filter(({ arn }) => arn === undefined),
    ].map(({ document }) => document);
    const arns = Array.isArray(properties['ManagedPolicyArns']) ? properties['ManagedPolicyArns'] : [];
    const managed = new Set([...arns.map(String), ...own.flatMap(({ arn }) => arn ?? [])]);
    const trust = properties['AssumeRolePolicyDocument'] ?? {};
    return [
      {
        subject: `the inline policies of the role ${logicalId}`,
        measured: inline.reduce((sum, document) => sum + policyCharacters(document), 0),
        most: MOST_INLINE_CHARACTERS,
        unit: 'characters',
        service: 'IAM',
        refusal: `Maximum policy size of ${MOST_INLINE_CHARACTERS} bytes exceeded for role ${name}`,
        content: JSON.stringify(inline),
      },
      {
        subject: `the managed policies of the role ${logicalId}`,
        measured: managed.size,
        most: MOST_MANAGED_POLICIES,
        unit: 'policies',
        service: 'IAM',
        refusal: `Cannot exceed quota for PoliciesPerRole: ${MOST_MANAGED_POLICIES}`,
        content: JSON.stringify(attached.filter(({ arn }) => arn !== undefined && managed.has(arn))),
      },
      {
        subject: `the trust policy of the role ${logicalId}`,
        measured: policyCharacters(trust),
        most: MOST_TRUST_CHARACTERS,
        unit: 'characters',
        service: 'IAM',
        refusal: `Cannot exceed quota for ACLSizePerRole: ${MOST_TRUST_CHARACTERS}`,
        content: JSON.stringify(trust),
      },
    ];
  });
  const ofManaged = attached
    .filter(({ arn }) => arn !== undefined)
    .map(({ name, document }): Excess => ({
      subject: `the managed policy ${name}`,
      measured: policyCharacters(document),
      most: MOST_MANAGED_CHARACTERS,
      unit: 'characters',
      service: 'IAM',
      refusal: `Cannot exceed quota for PolicySize: ${MOST_MANAGED_CHARACTERS}`,
      content: JSON.stringify(document),
    }));
  return [...ofRoles, ...ofManaged];
};

/** Sources of the refusals: aws-samples/aws-vpc-cidr-mgmt#10 (bytes), cfn-lint's rules E1010, E1011 and E1002 (numbers). */
const template = ({ resolver, templateText }: Stack): Excess[] => {
  const subject = `the template ${resolver.file}`;
  const numberOf = (unit: 'resources' | 'outputs' | 'parameters', measured: number, most: number): Excess => ({
    subject,
    measured,
    most,
    unit,
    service: 'CloudFormation',
    refusal: `Template format error: Number of ${unit}, ${measured}, is greater than maximum allowed, ${most}`,
    content: templateText,
  });
  return [
    {
      subject,
      measured: Buffer.byteLength(templateText),
      most: MOST_TEMPLATE_BYTES,
      unit: 'bytes',
      service: 'CloudFormation',
      refusal: `Template may not exceed ${MOST_TEMPLATE_BYTES} bytes in size.`,
      content: templateText,
    },
    numberOf('resources', Object.keys(resolver.resources).length, MOST_RESOURCES),
    numberOf('outputs', resolver.outputs().length, MOST_OUTPUTS),
    numberOf('parameters', Object.keys(resolver.parameterValues).length, MOST_PARAMETERS),
    ...Object.entries(resolver.parameterValues).map(([name, value]): Excess => ({
      subject: `the parameter ${name} of ${subject}`,
      measured: Buffer.byteLength(value),
      most: MOST_PARAMETER_BYTES,
      unit: 'bytes',
      service: 'CloudFormation',
      refusal: `1 validation error detected: Value at 'parameters' failed to satisfy constraint: Parameter ${name} must have length less than or equal to ${MOST_PARAMETER_BYTES}`,
      content: value,
    })),
  ];
};

/** Returns every measure of the stack that has a limit. */
const measuresOf = (stack: Stack): Excess[] => [...template(stack), ...environments(stack), ...policies(stack)];

/** Returns what AWS would refuse; empty for a stack that AWS would create. */
const excessesOf = (stack: Stack): Excess[] => above(measuresOf(stack));

/** Throws AssemblyError with AWS's message, as CloudFormation would fail to create the stack. */
export const refuseExcesses = (stack: Stack): void => {
  const [excess] = excessesOf(stack);
  if (!excess) return;
  const { subject, measured, most, unit, service, refusal } = excess;
  throw new AssemblyError(
    `${subject} with ${measured} ${unit}, but AWS allows ${most}; ${service} answers: ${refusal}`,
    { template: stack.resolver.file },
  );
};

/** `-` and the random part that CloudFormation appends to generated names. */
const RANDOM_PART = `-${'X'.repeat(13)}`;

/** Makes names as long as CloudFormation's: the sandbox's names have no random part. */
export const withAwsNames = (environment: Environment): Environment => ({
  ...environment,
  stackName: `${environment.stackName}${RANDOM_PART}`,
});

/** The longest names in AWS: GovCloud's partition, and a region of the partition aws-iso-f. */
const LONGEST = { partition: 'aws-us-gov', region: 'us-isof-south-1' };
const longest = (environment: Environment): Environment => ({ ...withAwsNames(environment), ...LONGEST });
const [HUB, OTHER_ACCOUNT] = ['111122223333', '444455556666'];

/** Returns every measure of an assembly that has a limit, for the partition and region with the longest names. */
export const measuresOfAssembly = (directory: string): Excess[] => {
  const { region } = LONGEST;
  const stacks = loadStacks(directory, { account: HUB, region }, longest);
  const outputs = Object.fromEntries(
    stacks.flatMap(({ resolver }) => resolver.outputs().map(({ key, value }): [string, string] => [key, value])),
  );
  // In the region where the roles are created, and in an account other than the service's: there the template has all
  // of its resources.
  const spoke = spokeStackOf(directory, longest)?.(
    { account: OTHER_ACCOUNT, region },
    { ...outputs, RolesRegion: region },
  );
  return [...stacks, ...(spoke ? [spoke] : [])].flatMap(measuresOf);
};

export const excessesOfAssembly = (directory: string): Excess[] => above(measuresOfAssembly(directory));
