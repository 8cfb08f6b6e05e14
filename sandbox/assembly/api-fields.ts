/** Which types of API Gateway, and which of their properties, the sandbox plays; all others are refused. */
import type { Json } from '../json.ts';
import { AssemblyError, type Where } from './error.ts';
import type { Stack } from './stacks.ts';

/** What the sandbox reads, and what changes nothing in what callers see. All other types of API Gateway are refused. */
const PLAYED = [
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
 * Of each type, the properties that the sandbox plays or that callers see nothing of; `RequestValidatorId` and models
 * are not played.
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
  if (unknown !== undefined) throw new AssemblyError(`${what} with ${unknown}, which the sandbox does not play`, where);
};

/** Throws AssemblyError for a type of API Gateway that is not played. */
export const refuseOthers = ({ resolver }: Stack): void => {
  for (const [logicalId, { Type: type }] of Object.entries(resolver.resources)) {
    const [, name] = /^AWS::ApiGateway(?:V2)?::(.+)$/.exec(String(type)) ?? [];
    if (name !== undefined && !(String(type).startsWith('AWS::ApiGateway::') && PLAYED.includes(name))) {
      throw new AssemblyError(
        `the type ${String(type)}; of API Gateway the sandbox has REST APIs with ${PLAYED.join(', ')}`,
        { template: resolver.file, logicalId },
      );
    }
  }
};
