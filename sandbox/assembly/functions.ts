import { DNS_SUFFIXES } from '../../lambdas/domain/aws/partitions.ts';
import { AssemblyError, type Where } from './error.ts';
import { isObject } from '../json.ts';
import { type ResolvedResource, resourcesOfType } from './resources.ts';
import type { Stack } from './stacks.ts';

export interface AssemblyFunction {
  logicalId: string;
  name: string;
  /** Without a version. */
  arn: string;
  /** ARNs of the published qualifiers: version 1 and the aliases. */
  versionArns: string[];
  /** Module and export, such as `plan.handler`. */
  handler: string;
  timeoutSeconds: number;
  memoryMb: number;
  environment: Record<string, string>;
  roleArn: string;
  /** Absolute path of the asset. */
  codeDirectory: string;
  /** Absolute paths of its layers, which Lambda unpacks under `/opt` in this order; omitted if there are none. */
  layerDirectories?: string[];
  /** Which services may invoke it; omitted if there are none. */
  permissions?: AssemblyPermission[];
  /** How Lambda handles asynchronous events; omitted: Lambda's defaults. */
  asyncConfigs?: AssemblyAsyncConfig[];
  /** ARN of the dead-letter queue or topic for events that it could not process. */
  deadLetterArn?: string;
}

/** As `AWS::Lambda::EventInvokeConfig` sets it. */
export interface AssemblyAsyncConfig {
  /** With the version or alias that the configuration is for; without a qualifier, it applies to unqualified calls. */
  functionArn: string;
  maximumRetryAttempts?: number;
  maximumEventAgeSeconds?: number;
  /** The queue or topic that receives the record of an abandoned invocation. */
  onFailureArn?: string;
}

/** A statement of a function's own policy, as `AWS::Lambda::Permission` adds it. */
export interface AssemblyPermission {
  /** What the permission covers: with a version or alias, only that qualifier; without one, unqualified calls. */
  functionArn: string;
  /** Such as `lambda:InvokeFunction`. */
  action: string;
  /** Such as `events.amazonaws.com`. */
  service: string;
  /** The resource on whose behalf the service may call; may contain wildcards. */
  sourceArn?: string;
  sourceAccount?: string;
}

const numberOf = (value: unknown, fallback: number): number => (value === undefined ? fallback : Number(value));

/** Returns the absolute path of an asset that a property takes from S3: a function's code or a layer's content. */
const assetOf = ({ assets }: Stack, { properties, where }: ResolvedResource, property: 'Code' | 'Content'): string => {
  const at: Where = { ...where, path: `Properties.${property}` };
  const { [property]: source } = properties;
  const key = isObject(source) ? source['S3Key'] : undefined;
  if (typeof key !== 'string') throw new AssemblyError('code that is not an asset of the assembly', at);
  const directory = assets.get(key);
  if (directory === undefined) throw new AssemblyError(`code from ${key}, which no asset manifest lists`, at);
  return directory;
};

/**
 * Returns the directories of a function's layers. Throws AssemblyError for an external layer, whose content is unknown
 * here.
 */
const layersOf = (
  { properties, where }: ResolvedResource,
  layers: ReadonlyMap<string, string>,
): { layerDirectories?: string[] } => {
  const arns = Array.isArray(properties['Layers']) ? properties['Layers'] : [];
  if (arns.length === 0) return {};
  return {
    layerDirectories: arns.map((arn) => {
      const directory = layers.get(String(arn));
      if (directory === undefined)
        throw new AssemblyError(`a layer ${String(arn)} that is not in the same stack`, {
          ...where,
          path: 'Properties.Layers',
        });
      return directory;
    }),
  };
};

const environmentOf = (stack: Stack, { properties, where }: ResolvedResource): Record<string, string> => {
  const { Environment: environment } = properties;
  const variables = isObject(environment) && isObject(environment['Variables']) ? environment['Variables'] : {};
  const at = 'Properties.Environment.Variables';
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [
      name,
      stack.resolver.textOf(value, { ...where, path: `${at}.${name}` }),
    ]),
  );
};

/**
 * Returns the function's ARN. FunctionName may be a name, `NAME:QUALIFIER`, an ARN, or an ARN's part from the account
 * on (CloudFormation Template Reference, `AWS::Lambda::Permission`).
 */
const permittedArn = ({ resolver }: Stack, given: string): string => {
  const { partition, region, account } = resolver.environment;
  if (given.startsWith('arn:')) return given;
  const prefix = `arn:${partition}:lambda:${region}:`;
  return /^\d{12}:function:/.test(given) ? `${prefix}${given}` : `${prefix}${account}:function:${given}`;
};

const PERMISSION_FIELDS = new Set(['Action', 'FunctionName', 'Principal', 'SourceArn', 'SourceAccount']);

/** Throws AssemblyError for a permission that the sandbox's Lambda would not evaluate correctly. */
const permissionsOf = (stack: Stack): AssemblyPermission[] =>
  resourcesOfType(stack, 'AWS::Lambda::Permission').map(({ properties, where }) => {
    const text = (name: string): string =>
      stack.resolver.textOf(properties[name], { ...where, path: `Properties.${name}` });
    const unknown = Object.keys(properties).find((name) => !PERMISSION_FIELDS.has(name));
    if (unknown !== undefined)
      throw new AssemblyError(`a permission with ${unknown}, which the sandbox does not support`, where);
    const service = text('Principal');
    if (!DNS_SUFFIXES.some((suffix) => service.endsWith(`.${suffix}`)))
      throw new AssemblyError(
        `a permission for ${service}; the sandbox supports only service principals. Allow the call in the role's own policy instead`,
        where,
      );
    return {
      functionArn: permittedArn(stack, text('FunctionName')),
      action: text('Action'),
      service,
      ...(properties['SourceArn'] === undefined ? {} : { sourceArn: text('SourceArn') }),
      ...(properties['SourceAccount'] === undefined ? {} : { sourceAccount: text('SourceAccount') }),
    };
  });

const ASYNC_FIELDS = new Set([
  'FunctionName',
  'Qualifier',
  'MaximumRetryAttempts',
  'MaximumEventAgeInSeconds',
  'DestinationConfig',
]);

/** Throws AssemblyError for a configuration of asynchronous invocations that the sandbox's Lambda does not support. */
const asyncConfigsOf = (stack: Stack): AssemblyAsyncConfig[] =>
  resourcesOfType(stack, 'AWS::Lambda::EventInvokeConfig').map(({ properties, where }) => {
    const text = (name: string): string =>
      stack.resolver.textOf(properties[name], { ...where, path: `Properties.${name}` });
    const unknown = Object.keys(properties).find((name) => !ASYNC_FIELDS.has(name));
    if (unknown !== undefined)
      throw new AssemblyError(`an EventInvokeConfig with ${unknown}, which the sandbox does not support`, where);
    const qualifier = text('Qualifier');
    const {
      MaximumRetryAttempts: attempts,
      MaximumEventAgeInSeconds: age,
      DestinationConfig: destinations,
    } = properties;
    const { OnFailure: onFailure, OnSuccess: onSuccess } = isObject(destinations) ? destinations : {};
    if (onSuccess !== undefined)
      throw new AssemblyError('an EventInvokeConfig with OnSuccess, which the sandbox does not support', where);
    const destination = isObject(onFailure)
      ? stack.resolver.textOf(onFailure['Destination'], {
          ...where,
          path: 'Properties.DestinationConfig.OnFailure.Destination',
        })
      : undefined;
    return {
      // A version or alias is part of the ARN; $LATEST means the unqualified function.
      functionArn: permittedArn(
        stack,
        qualifier === '$LATEST' ? text('FunctionName') : `${text('FunctionName')}:${qualifier}`,
      ),
      ...(attempts === undefined ? {} : { maximumRetryAttempts: Number(attempts) }),
      ...(age === undefined ? {} : { maximumEventAgeSeconds: Number(age) }),
      ...(destination === undefined ? {} : { onFailureArn: destination }),
    };
  });

/** Returns the functions of a stack with their published versions and aliases, and their permissions. */
export const functionsOf = (stack: Stack): AssemblyFunction[] => {
  const { resolver } = stack;
  const published = ['AWS::Lambda::Version', 'AWS::Lambda::Alias'].flatMap((type) =>
    resourcesOfType(stack, type).map(({ logicalId, where }) => resolver.reference(logicalId, where)),
  );
  const layers = new Map(
    resourcesOfType(stack, 'AWS::Lambda::LayerVersion').map((layer) => [
      resolver.reference(layer.logicalId, layer.where),
      assetOf(stack, layer, 'Content'),
    ]),
  );
  const allPermissions = permissionsOf(stack);
  const allAsyncConfigs = asyncConfigsOf(stack);
  return resourcesOfType(stack, 'AWS::Lambda::Function').map((resource) => {
    const { logicalId, properties, where } = resource;
    const arn = resolver.attribute(logicalId, 'Arn', where);
    const isOwn = ({ functionArn }: { functionArn: string }): boolean =>
      functionArn === arn || functionArn.startsWith(`${arn}:`);
    const permissions = allPermissions.filter(isOwn);
    const asyncConfigs = allAsyncConfigs.filter(isOwn);
    const deadLetters = properties['DeadLetterConfig'];
    return {
      logicalId,
      name: resolver.reference(logicalId, where),
      arn,
      versionArns: published.filter((each) => each.startsWith(`${arn}:`)),
      handler: resolver.textOf(properties['Handler'], { ...where, path: 'Properties.Handler' }),
      // Lambda's own defaults.
      timeoutSeconds: numberOf(properties['Timeout'], 3),
      memoryMb: numberOf(properties['MemorySize'], 128),
      environment: environmentOf(stack, resource),
      roleArn: resolver.textOf(properties['Role'], { ...where, path: 'Properties.Role' }),
      codeDirectory: assetOf(stack, resource, 'Code'),
      ...layersOf(resource, layers),
      ...(permissions.length === 0 ? {} : { permissions }),
      ...(asyncConfigs.length === 0 ? {} : { asyncConfigs }),
      ...(isObject(deadLetters)
        ? {
            deadLetterArn: resolver.textOf(deadLetters['TargetArn'], {
              ...where,
              path: 'Properties.DeadLetterConfig.TargetArn',
            }),
          }
        : {}),
    };
  });
};
