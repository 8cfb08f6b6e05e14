/** The API Gateway types and properties that the sandbox supports; it refuses all others. */
import type { Json } from '../json.ts';
import { AssemblyError, type Where } from './error.ts';
import type { Stack } from './stacks.ts';

/** The supported types, including those that do not affect what callers see. */
const SUPPORTED = [
  'RestApi',
  'Resource',
  'Method',
  'Deployment',
  'Stage',
  'GatewayResponse',
  'Account',
  'Model',
  'RequestValidator',
  'DocumentationPart',
  'DocumentationVersion',
];

/**
 * The properties of each type that the sandbox supports or that callers cannot observe. `RequestValidatorId` and models
 * are accepted but have no effect.
 */
export const FIELDS = {
  RestApi: [
    'Name',
    'Description',
    'EndpointConfiguration',
    'ApiKeySourceType',
    'BinaryMediaTypes',
    'DisableExecuteApiEndpoint',
    'EndpointAccessMode',
    'FailOnWarnings',
    'MinimumCompressionSize',
    'Mode',
    'Parameters',
    'SecurityPolicy',
    'Tags',
  ],
  Resource: ['RestApiId', 'ParentId', 'PathPart'],
  Method: [
    'RestApiId',
    'ResourceId',
    'HttpMethod',
    'AuthorizationType',
    'ApiKeyRequired',
    'Integration',
    'MethodResponses',
    'OperationName',
    'RequestModels',
    'RequestParameters',
    'RequestValidatorId',
  ],
  Integration: [
    'Type',
    'Uri',
    'IntegrationHttpMethod',
    'TimeoutInMillis',
    'PassthroughBehavior',
    'CacheKeyParameters',
    'CacheNamespace',
    'RequestParameters',
    'IntegrationResponses',
    'ResponseTransferMode',
  ],
  Stage: [
    'RestApiId',
    'DeploymentId',
    'StageName',
    'Variables',
    'Description',
    'AccessLogSetting',
    'MethodSettings',
    'TracingEnabled',
    'Tags',
    'DocumentationVersion',
    'CacheClusterEnabled',
  ],
};

export const allow = (fields: string[], given: Json, what: string, where: Where): void => {
  const unknown = Object.keys(given).find((name) => !fields.includes(name));
  if (unknown !== undefined)
    throw new AssemblyError(`${what} with ${unknown}, which the sandbox does not support`, where);
};

/** Throws AssemblyError for an API Gateway type that the sandbox does not support. */
export const refuseUnknown = ({ resolver }: Stack): void => {
  for (const [logicalId, { Type: type }] of Object.entries(resolver.resources)) {
    const [, name] = /^AWS::ApiGateway(?:V2)?::(.+)$/.exec(String(type)) ?? [];
    if (name !== undefined && !(String(type).startsWith('AWS::ApiGateway::') && SUPPORTED.includes(name))) {
      throw new AssemblyError(
        `the type ${String(type)}; of API Gateway the sandbox supports REST APIs with ${SUPPORTED.join(', ')}`,
        { template: resolver.file, logicalId },
      );
    }
  }
};
