/** The synthesized application as plain data, which the sandbox deploys. */
import { resolve } from 'node:path';
import { resourcesOfType } from './resources.ts';
import { type AssemblyOptions, fingerprintOf, loadStacks, type Stack } from './stacks.ts';
import { type AssemblyApi, apisOf } from './apis.ts';
import { type AssemblyBucket, bucketsOf } from './buckets.ts';
import { AssemblyError, type Where } from './error.ts';
import { isObject, type Json } from '../json.ts';
import { type AssemblyFunction, functionsOf } from './functions.ts';
import { withAwsNames, refuseExcesses } from './limits.ts';
import { type AssemblyBusPolicy, busPoliciesOf } from './buses.ts';
import { type AssemblyQueue, type AssemblyTopic, queuesOf, topicsOf } from './messaging.ts';
import { type AssemblyRole, rolesOf } from './roles.ts';
import { type AssemblyRule, rulesOf } from './rules.ts';
import type { Resolver } from './resolver.ts';
import { type AssemblyStack, describeStack } from './stack-description.ts';
import { type AssemblySchedule, schedulesOf } from './schedules.ts';

export interface AssemblyStateMachine {
  logicalId: string;
  name: string;
  arn: string;
  /** Amazon States Language. */
  definition: object;
  roleArn: string;
}

export interface AssemblyTable {
  logicalId: string;
  name: string;
  arn: string;
  keySchema: { AttributeName: string; KeyType: string }[];
  attributeDefinitions: { AttributeName: string; AttributeType: string }[];
  globalSecondaryIndexes: unknown[];
  billingMode: string;
}

export interface Assembly {
  stateMachines: AssemblyStateMachine[];
  functions: AssemblyFunction[];
  tables: AssemblyTable[];
  roles: AssemblyRole[];
  /** EventBridge's enabled rules. */
  rules: AssemblyRule[];
  /** API Gateway's REST APIs; omitted if there are none. */
  apis?: AssemblyApi[];
  topics: AssemblyTopic[];
  queues: AssemblyQueue[];
  /** S3 buckets; omitted if there are none. */
  buckets?: AssemblyBucket[];
  /** EventBridge Scheduler's enabled schedules; omitted if there are none. */
  schedules?: AssemblySchedule[];
  /** The resource policies of the default buses; omitted: no other account may put events there. */
  busPolicies?: AssemblyBusPolicy[];
  /** The stacks as CloudFormation describes them; omitted: CloudFormation shows none. */
  stacks?: AssemblyStack[];
  /** By output key, and by export name if there is one. */
  outputs: Record<string, string>;
}

const parseDefinition = (resolver: Resolver, properties: Json, where: Where): object => {
  const { DefinitionString: text, Definition: object, DefinitionSubstitutions: substitutions } = properties;
  if (isObject(object)) return object;
  if (typeof text !== 'string')
    throw new AssemblyError('a state machine without DefinitionString or Definition', where);
  const values = isObject(substitutions) ? substitutions : {};
  const substituted = text.replace(/\$\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? resolver.textOf(values[name], where) : whole,
  );
  try {
    const parsed: unknown = JSON.parse(substituted);
    if (isObject(parsed)) return parsed;
  } catch {
    // Reported below.
  }
  throw new AssemblyError('a DefinitionString that is not JSON', where);
};

const stateMachinesOf = (stack: Stack): AssemblyStateMachine[] =>
  resourcesOfType(stack, 'AWS::StepFunctions::StateMachine').map(({ logicalId, properties, where }) => {
    const { resolver } = stack;
    return {
      logicalId,
      name: resolver.attribute(logicalId, 'Name', where),
      arn: resolver.reference(logicalId, where),
      definition: parseDefinition(resolver, properties, where),
      roleArn: resolver.textOf(properties['RoleArn'], { ...where, path: 'Properties.RoleArn' }),
    };
  });

const listOf = <T>(value: unknown, where: Where): T[] => {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new AssemblyError('a value that is not a list', where);
  return value as T[];
};

const tablesOf = (stack: Stack): AssemblyTable[] =>
  ['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'].flatMap((type) =>
    resourcesOfType(stack, type).map(({ logicalId, properties, where }) => ({
      logicalId,
      name: stack.resolver.reference(logicalId, where),
      arn: stack.resolver.attribute(logicalId, 'Arn', where),
      keySchema: listOf(properties['KeySchema'], { ...where, path: 'Properties.KeySchema' }),
      attributeDefinitions: listOf(properties['AttributeDefinitions'], {
        ...where,
        path: 'Properties.AttributeDefinitions',
      }),
      globalSecondaryIndexes: listOf(properties['GlobalSecondaryIndexes'], {
        ...where,
        path: 'Properties.GlobalSecondaryIndexes',
      }),
      // CloudFormation's default.
      billingMode: typeof properties['BillingMode'] === 'string' ? properties['BillingMode'] : 'PROVISIONED',
    })),
  );

const outputsOf = (stacks: Stack[]): Record<string, string> => {
  const outputs: Record<string, string> = {};
  const put = (name: string, value: string, where: Where): void => {
    if (Object.hasOwn(outputs, name) && outputs[name] !== value) {
      throw new AssemblyError(
        `an output named ${name}, which another stack has with a different value; rename one of them`,
        where,
      );
    }
    outputs[name] = value;
  };
  for (const { resolver } of stacks) {
    for (const { key, value, exportName, where } of resolver.outputs()) {
      put(key, value, where);
      if (exportName !== undefined) put(exportName, value, where);
    }
  }
  return outputs;
};

/** Assemblies already read, by directory and environment; shared by all sandboxes of this process. */
const cache = new Map<string, { fingerprint: string; assembly: Assembly }>();

/**
 * Reads a CDK cloud assembly (`cdk.out`) and resolves its templates deterministically. Throws AssemblyError for a
 * directory that is not an assembly, for a shape or intrinsic function that cannot be resolved (with its template,
 * logical id and path), and for what exceeds AWS's limits (with AWS's refusal). An unchanged assembly is not read
 * again; callers must not modify the result.
 */
export const loadAssembly = (directory: string, options: AssemblyOptions): Assembly => {
  const key = [resolve(directory), options.account, options.region].join('\n');
  const fingerprint = fingerprintOf(directory);
  const cached = cache.get(key);
  if (cached?.fingerprint === fingerprint) return cached.assembly;
  const assembly = readAssembly(directory, options);
  cache.set(key, { fingerprint, assembly });
  return assembly;
};

const readAssembly = (directory: string, options: AssemblyOptions): Assembly => {
  for (const stack of loadStacks(directory, options, withAwsNames)) refuseExcesses(stack);
  const stacks = loadStacks(directory, options);
  const [apis, buckets, schedules] = [apisOf(stacks), bucketsOf(stacks), stacks.flatMap(schedulesOf)];
  return {
    stateMachines: stacks.flatMap(stateMachinesOf),
    functions: stacks.flatMap(functionsOf),
    tables: stacks.flatMap(tablesOf),
    roles: rolesOf(stacks),
    rules: stacks.flatMap(rulesOf),
    ...(apis.length === 0 ? {} : { apis }),
    topics: topicsOf(stacks),
    queues: queuesOf(stacks),
    ...(buckets.length === 0 ? {} : { buckets }),
    ...(schedules.length === 0 ? {} : { schedules }),
    busPolicies: busPoliciesOf(stacks),
    stacks: stacks.map(describeStack),
    outputs: outputsOf(stacks),
  };
};
