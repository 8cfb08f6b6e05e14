/**
 * Reads API Gateway's REST APIs whose methods invoke functions (Lambda proxy integration). Source: CloudFormation
 * Template Reference, `AWS::ApiGateway::…`; API Gateway Developer Guide, "Lambda proxy integrations in API Gateway".
 */
import { hostOf } from '../../lambdas/domain/aws/partitions.ts';
import { allow, FIELDS, refuseUnknown } from './api-fields.ts';
import { AssemblyError, type Where } from './error.ts';
import { type AssemblyGatewayResponse, gatewayResponseOf, type ResponseType } from './gateway-responses.ts';
import { isObject } from '../json.ts';
import { isFunctionArn } from '../function-arn.ts';
import { type ResolvedResource, resourcesOfType } from './resources.ts';
import type { Stack } from './stacks.ts';

export interface AssemblyApi {
  logicalId: string;
  /** Such as `a1b2c3d4e5`. */
  id: string;
  partition: string;
  region: string;
  account: string;
  /** The API's host in AWS: `ID.execute-api.REGION.amazonaws.com`. */
  host: string;
  stages: AssemblyStage[];
  methods: AssemblyMethod[];
  /** Bodies of these types are bytes rather than text: `image/png`, `image/*`, or a star for each half. */
  binaryMediaTypes: string[];
  responses: Partial<Record<ResponseType, AssemblyGatewayResponse>>;
}

export interface AssemblyStage {
  name: string;
  deploymentId: string;
  variables: Record<string, string>;
  /** The throttle from the stage's settings, if any; applies to each method separately. */
  throttle?: Throttle;
}

/** Requests per second, and the burst. */
export interface Throttle {
  rate: number;
  burst: number;
}

export interface AssemblyMethod {
  /** The path of the method's resource: `/migrations/{id}`, `/files/{path+}`. */
  path: string;
  resourceId: string;
  /** `ANY` for all methods. */
  httpMethod: string;
  authorization: 'AWS_IAM' | 'NONE';
  /** With or without a version or alias. */
  functionArn: string;
  timeoutMilliseconds: number;
}

/**
 * The longest and default integration timeout: Developer Guide, "Amazon API Gateway quotas" (a longer timeout is
 * available only on request).
 */
const LONGEST_MILLISECONDS = 29_000;

const timeoutOf = (value: unknown, where: Where): number => {
  const milliseconds = value === undefined ? LONGEST_MILLISECONDS : Number(value);
  if (!(milliseconds >= 50 && milliseconds <= LONGEST_MILLISECONDS))
    throw new AssemblyError(
      `a timeout of ${String(value)} milliseconds; API Gateway allows 50 to ${LONGEST_MILLISECONDS}`,
      where,
    );
  return milliseconds;
};

/** `arn:PARTITION:apigateway:REGION:lambda:path/2015-03-31/functions/FUNCTION-ARN/invocations` */
const functionOf = (uri: unknown, where: Where): string => {
  const [, functionArn = ''] =
    /^arn:[\w-]+:apigateway:[\w-]+:lambda:path\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(String(uri)) ?? [];
  if (!isFunctionArn(functionArn))
    throw new AssemblyError(`the integration ${String(uri)}; the sandbox's API Gateway invokes only functions`, where);
  return functionArn;
};

/** Returns the values as strings, regardless of their type in the template. */
const textsOf = (value: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(isObject(value) ? value : {}).map(([name, each]) => [name, String(each)]));

interface Owned {
  stack: Stack;
  resource: ResolvedResource;
  text: (name: string) => string;
}

/** Returns the API's resources of a type, in any stack. */
const owned = (stacks: Stack[], type: string, apiId: string): Owned[] =>
  stacks
    .flatMap((stack) =>
      resourcesOfType(stack, `AWS::ApiGateway::${type}`).map((resource) => ({
        stack,
        resource,
        text: (name: string) =>
          stack.resolver.textOf(resource.properties[name], { ...resource.where, path: `Properties.${name}` }),
      })),
    )
    .filter(({ text }) => text('RestApiId') === apiId);

/** Returns the paths of all resources by id, starting at the root. */
const pathsOf = (stacks: Stack[], apiId: string, rootId: string): Map<string, string> => {
  const parts = new Map(
    owned(stacks, 'Resource', apiId).map(({ stack, resource, text }) => {
      allow(FIELDS.Resource, resource.properties, 'a resource', resource.where);
      return [
        stack.resolver.reference(resource.logicalId, resource.where),
        { parent: text('ParentId'), part: text('PathPart'), where: resource.where },
      ];
    }),
  );
  const pathOf = (id: string, below: readonly string[], where: Where): string => {
    if (id === rootId) return `/${below.join('/')}`;
    const found = parts.get(id);
    if (!found || below.length > parts.size)
      throw new AssemblyError('a resource that does not lead to the root of its API', where);
    return pathOf(found.parent, [found.part, ...below], found.where);
  };
  return new Map([
    [rootId, '/'],
    ...[...parts].map(([id, { where }]): [string, string] => [id, pathOf(id, [], where)]),
  ]);
};

const methodOf = ({ resource: { properties, where }, text }: Owned, paths: Map<string, string>): AssemblyMethod => {
  allow(FIELDS.Method, properties, 'a method', where);
  const resourceId = text('ResourceId');
  const path = paths.get(resourceId);
  if (path === undefined)
    throw new AssemblyError(`a method on the resource ${resourceId}, which its API does not have`, where);
  const {
    AuthorizationType: authorization = 'NONE',
    ApiKeyRequired: key = false,
    Integration: integration,
  } = properties;
  if (authorization !== 'AWS_IAM' && authorization !== 'NONE')
    throw new AssemblyError(`the authorization ${String(authorization)}; the sandbox supports AWS_IAM and NONE`, {
      ...where,
      path: 'Properties.AuthorizationType',
    });
  if (String(key) === 'true')
    throw new AssemblyError('a method that requires an API key; the sandbox does not support API keys', {
      ...where,
      path: 'Properties.ApiKeyRequired',
    });
  const at: Where = { ...where, path: 'Properties.Integration' };
  if (!isObject(integration)) throw new AssemblyError('a method without an integration', at);
  const { Type: type, Uri: uri, IntegrationHttpMethod: by, ResponseTransferMode: transfer = 'BUFFERED' } = integration;
  if (type !== 'AWS_PROXY')
    throw new AssemblyError(`an integration of type ${String(type)}; the sandbox supports only AWS_PROXY`, at);
  allow(FIELDS.Integration, integration, 'an integration', at);
  if (transfer !== 'BUFFERED')
    throw new AssemblyError(
      `an integration with the response transfer mode ${String(transfer)}; the sandbox supports only BUFFERED`,
      at,
    );
  // Developer Guide, "Lambda proxy integrations": "you must use the HTTP method of POST for the integration request".
  if (by !== 'POST') throw new AssemblyError(`an integration that uses ${String(by)}; Lambda requires POST`, at);
  return {
    path,
    resourceId,
    httpMethod: text('HttpMethod'),
    authorization,
    functionArn: functionOf(uri, { ...at, path: 'Properties.Integration.Uri' }),
    timeoutMilliseconds: timeoutOf(integration['TimeoutInMillis'], {
      ...at,
      path: 'Properties.Integration.TimeoutInMillis',
    }),
  };
};

const isTrue = (value: unknown): boolean => String(value) === 'true';

/** Throws AssemblyError for a throttle that covers only some methods. */
const throttleOf = (settings: unknown, where: Where): Throttle | undefined => {
  const throttling = (Array.isArray(settings) ? settings : [])
    .filter(isObject)
    .filter((each) => each['ThrottlingRateLimit'] !== undefined || each['ThrottlingBurstLimit'] !== undefined);
  const [first, ...others] = throttling;
  if (!first) return undefined;
  if (others.length > 0 || first['HttpMethod'] !== '*' || first['ResourcePath'] !== '/*')
    throw new AssemblyError(
      'a throttle for only some methods; the sandbox supports one throttle for all methods of a stage',
      where,
    );
  const [rate, burst] = [Number(first['ThrottlingRateLimit']), Number(first['ThrottlingBurstLimit'])];
  if (!(rate > 0 && burst > 0)) throw new AssemblyError('a throttle without a rate and a burst above 0', where);
  return { rate, burst };
};

const stageOf = ({ resource: { properties, where }, text }: Owned): AssemblyStage => {
  allow(FIELDS.Stage, properties, 'a stage', where);
  const { MethodSettings: settings, CacheClusterEnabled: cluster } = properties;
  const caches =
    isTrue(cluster) ||
    (Array.isArray(settings) && settings.some((each) => isObject(each) && isTrue(each['CachingEnabled'])));
  if (caches) throw new AssemblyError('a stage with caching, which the sandbox does not support', where);
  const throttle = throttleOf(settings, where);
  return {
    name: text('StageName'),
    deploymentId: text('DeploymentId'),
    variables: textsOf(properties['Variables']),
    ...(throttle ? { throttle } : {}),
  };
};

/** A deployment may define a stage of its own. */
const stagesOf = (stacks: Stack[], apiId: string): AssemblyStage[] => [
  ...owned(stacks, 'Stage', apiId).map(stageOf),
  ...owned(stacks, 'Deployment', apiId).flatMap(({ stack, resource: { logicalId, properties, where }, text }) => {
    if (properties['StageName'] === undefined) return [];
    const described = isObject(properties['StageDescription']) ? properties['StageDescription'] : {};
    return [
      {
        name: text('StageName'),
        deploymentId: stack.resolver.reference(logicalId, where),
        variables: textsOf(described['Variables']),
      },
    ];
  }),
];

/** CloudFormation also accepts `~1` for a slash. */
const mediaTypesOf = (given: unknown, where: Where): string[] => {
  if (!Array.isArray(given)) throw new AssemblyError('media types that are not a list', where);
  const types = given.map((each) => String(each).replaceAll('~1', '/').toLowerCase());
  const wrong = types.find((each) => !/^[\w*.+-]+\/[\w*.+-]+$/.test(each));
  if (wrong !== undefined) throw new AssemblyError(`the invalid media type ${wrong}`, where);
  return types;
};

const apiOf = (
  stacks: Stack[],
  { resolver }: Stack,
  { logicalId, properties, where }: ResolvedResource,
): AssemblyApi => {
  allow(FIELDS.RestApi, properties, 'an API', where);
  const {
    EndpointConfiguration: endpoint,
    BinaryMediaTypes: binary = [],
    DisableExecuteApiEndpoint: disabled,
  } = properties;
  if (isObject(endpoint) && JSON.stringify(endpoint['Types'])?.includes('PRIVATE'))
    throw new AssemblyError('a private API; the sandbox does not support VPC endpoints', {
      ...where,
      path: 'Properties.EndpointConfiguration',
    });
  const binaryMediaTypes = mediaTypesOf(binary, { ...where, path: 'Properties.BinaryMediaTypes' });
  if (isTrue(disabled))
    throw new AssemblyError('an API without its own endpoint; the sandbox does not support custom domain names', {
      ...where,
      path: 'Properties.DisableExecuteApiEndpoint',
    });
  const { partition, region, account } = resolver.environment;
  const id = resolver.reference(logicalId, where);
  const paths = pathsOf(stacks, id, resolver.attribute(logicalId, 'RootResourceId', where));
  const responses = owned(stacks, 'GatewayResponse', id).map(({ stack, resource }) =>
    gatewayResponseOf(stack, resource),
  );
  return {
    logicalId,
    id,
    partition,
    region,
    account,
    host: `${id}.${hostOf('execute-api', region)}`,
    stages: stagesOf(stacks, id),
    methods: owned(stacks, 'Method', id).map((each) => methodOf(each, paths)),
    binaryMediaTypes,
    responses: Object.fromEntries(responses),
  };
};

/**
 * Returns all REST APIs. Throws AssemblyError for what the sandbox's API Gateway does not support: other kinds of API,
 * authorizers, keys, resource policies, OpenAPI bodies, caches, other integrations. A template does not record which
 * state of an API a deployment captured, so the sandbox serves the API as the template has it.
 */
export const apisOf = (stacks: Stack[]): AssemblyApi[] => {
  for (const stack of stacks) refuseUnknown(stack);
  return stacks.flatMap((stack) =>
    resourcesOfType(stack, 'AWS::ApiGateway::RestApi').map((resource) => apiOf(stacks, stack, resource)),
  );
};
