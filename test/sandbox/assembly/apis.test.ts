import { describe, expect, test } from 'vitest';
import { customApi, standard, standardApi } from '../apigateway/fixture.ts';
import { load as loadStacks } from './stacks.ts';
import { matching } from '../../lambdas/matchers.ts';
import { words } from '../../words.ts';

const WHERE = { account: '111122223333', region: 'eu-west-1' };

type Resource = { Type: string; Properties: Record<string, unknown> };
const FUNCTION = 'arn:aws:lambda:eu-west-1:111122223333:function:handler';
const uri = (functionArn: string): string =>
  `arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/${functionArn}/invocations`;

/** An API with one method and the given differences. */
const load = (changes: Record<string, Record<string, unknown>>, more: Record<string, Resource> = {}) => {
  const RestApiId = { Ref: 'Api' };
  const { Integration = {}, ...others } = changes;
  const resources: Record<string, Resource> = {
    Api: { Type: 'AWS::ApiGateway::RestApi', Properties: { Name: 'api' } },
    Things: {
      Type: 'AWS::ApiGateway::Resource',
      Properties: { RestApiId, ParentId: { 'Fn::GetAtt': ['Api', 'RootResourceId'] }, PathPart: 'things' },
    },
    Method: {
      Type: 'AWS::ApiGateway::Method',
      Properties: {
        RestApiId,
        ResourceId: { Ref: 'Things' },
        HttpMethod: 'GET',
        AuthorizationType: 'AWS_IAM',
        Integration: { Type: 'AWS_PROXY', IntegrationHttpMethod: 'POST', Uri: uri(FUNCTION), ...Integration },
      },
    },
    Deployment: { Type: 'AWS::ApiGateway::Deployment', Properties: { RestApiId } },
    Stage: {
      Type: 'AWS::ApiGateway::Stage',
      Properties: { RestApiId, DeploymentId: { Ref: 'Deployment' }, StageName: 'v1' },
    },
    Response: { Type: 'AWS::ApiGateway::GatewayResponse', Properties: { RestApiId, ResponseType: 'DEFAULT_4XX' } },
    ...more,
  };
  for (const [name, properties] of Object.entries(others)) Object.assign(resources[name]!.Properties, properties);
  return loadStacks({ App: { Resources: resources } }).apis;
};

describe("CDK's RestApi", () => {
  test('is plain data', () => {
    const version = standard.functions[0]!.versionArns[0]!;
    expect(version).toMatch(/:function:App-Handler\w+:1$/);
    const host = `${standardApi.id}.execute-api.eu-west-1.amazonaws.com`;
    expect(standardApi).toMatchObject({ partition: 'aws', ...WHERE, host, responses: {} });
    expect(standardApi.id).toMatch(/^[a-z0-9]{10}$/);
    expect(standardApi.stages).toEqual([
      { name: 'v1', deploymentId: matching(/^[a-z0-9]{10}$/), variables: { colour: 'blue' } },
    ]);
    expect(standardApi.methods.map((one) => `${one.httpMethod} ${one.path} ${one.authorization}`).toSorted()).toEqual([
      'ANY /files/{path+} AWS_IAM',
      'GET /health NONE',
      'GET /migrations AWS_IAM',
      'GET /migrations/latest AWS_IAM',
      'GET /migrations/{id} AWS_IAM',
      'POST /migrations AWS_IAM',
      'POST /migrations/{id}/cancel AWS_IAM',
    ]);
    for (const method of standardApi.methods)
      expect(method).toMatchObject({ functionArn: version, timeoutMilliseconds: 29_000 });
    expect(new Set(standardApi.methods.map(({ resourceId }) => resourceId)).size).toBe(6);
  });

  test('has a URL and permission to invoke its function', () => {
    expect(standard.outputs).toMatchObject({ Url: `https://${standardApi.host}/v1/` });
    expect(standard.outputs['Root']).toMatch(/^[a-z0-9]{10}$/);
    expect(standard.outputs['Root']).not.toBe(standardApi.id);
    const { permissions } = standard.functions[0]!;
    expect(permissions!.map(({ service, sourceArn }) => `${service} ${sourceArn}`)).toContain(
      `apigateway.amazonaws.com arn:aws:execute-api:eu-west-1:111122223333:${standardApi.id}/v1/GET/migrations/*`,
    );
  });

  test('has gateway responses', () => {
    expect(customApi.responses).toMatchObject({
      DEFAULT_4XX: { headers: { 'content-type': "'application/problem+json'", 'x-request': 'context.requestId' } },
      DEFAULT_5XX: { status: 503, headers: {} },
      MISSING_AUTHENTICATION_TOKEN: { status: 404, templates: { 'application/json': '{"error":"none"}' } },
    });
    expect(customApi.responses.DEFAULT_4XX).not.toHaveProperty('status');
  });
});

describe('an API', () => {
  test('that is written by hand is supported', () =>
    expect(load({})).toMatchObject([
      {
        logicalId: 'Api',
        stages: [{ name: 'v1' }],
        methods: [{ path: '/things', httpMethod: 'GET', functionArn: FUNCTION }],
      },
    ]));

  test('may have properties without effect here, and a stage with its deployment', () => {
    const apis = load(
      {
        Api: { EndpointConfiguration: { Types: ['REGIONAL'] }, Tags: [] },
        Method: {
          RequestValidatorId: { Ref: 'Validator' },
          RequestModels: { 'application/json': { Ref: 'Model' } },
          RequestParameters: { 'method.request.querystring.q': true },
        },
        Deployment: { StageName: 'v2', StageDescription: { Variables: { n: 3 } } },
        Integration: { TimeoutInMillis: 5000 },
      },
      {
        Validator: { Type: 'AWS::ApiGateway::RequestValidator', Properties: { RestApiId: { Ref: 'Api' } } },
        Model: { Type: 'AWS::ApiGateway::Model', Properties: { RestApiId: { Ref: 'Api' }, Schema: {} } },
        Account: { Type: 'AWS::ApiGateway::Account', Properties: {} },
      },
    );
    expect(apis).toMatchObject([
      { stages: [{ name: 'v1' }, { name: 'v2', variables: { n: '3' } }], methods: [{ timeoutMilliseconds: 5000 }] },
    ]);
  });

  test('is absent in an application without one', () =>
    expect(loadStacks({ App: { Resources: {} } })).not.toHaveProperty('apis'));

  const refused: Record<string, Record<string, Record<string, unknown>>> = {
    'an API with Policy, which the sandbox does not support': { Api: { Policy: {} } },
    'an API with Body': { Api: { Body: {} } },
    'the invalid media type png': { Api: { BinaryMediaTypes: ['png'] } },
    'media types that are not a list': { Api: { BinaryMediaTypes: 'image/png' } },
    'a private API': { Api: { EndpointConfiguration: { Types: ['PRIVATE'] } } },
    'an API without its own endpoint': { Api: { DisableExecuteApiEndpoint: 'true' } },
    'a resource that does not lead to the root of its API': { Things: { ParentId: 'gone' } },
    'a resource that does not lead to the root': { Things: { ParentId: { Ref: 'Things' } } },
    'a method on the resource gone': { Method: { ResourceId: 'gone' } },
    'the authorization CUSTOM; the sandbox supports AWS_IAM and NONE': { Method: { AuthorizationType: 'CUSTOM' } },
    'a method that requires an API key': { Method: { ApiKeyRequired: true } },
    'an integration of type MOCK': { Integration: { Type: 'MOCK' } },
    'an integration that uses GET': { Integration: { IntegrationHttpMethod: 'GET' } },
    'an integration with Credentials': { Integration: { Credentials: 'arn:role' } },
    'an integration with the response transfer mode STREAM': { Integration: { ResponseTransferMode: 'STREAM' } },
    'the integration arn:aws:apigateway:eu-west-1:sqs:path/queue': {
      Integration: { Uri: 'arn:aws:apigateway:eu-west-1:sqs:path/queue' },
    },
    'a timeout of 30000 milliseconds; API Gateway allows 50 to 29000': { Integration: { TimeoutInMillis: 30_000 } },
    'a stage with caching': { Stage: { MethodSettings: [{ CachingEnabled: true }] } },
    'a throttle for only some methods': {
      Stage: { MethodSettings: [{ HttpMethod: 'GET', ResourcePath: '/~1', ThrottlingRateLimit: 1 }] },
    },
    'a throttle without a rate and a burst above 0': {
      Stage: { MethodSettings: [{ HttpMethod: '*', ResourcePath: '/*', ThrottlingRateLimit: 0 }] },
    },
    'a stage with CanarySetting': { Stage: { CanarySetting: {} } },
    'the response type SAD': { Response: { ResponseType: 'SAD' } },
    'the invalid status 99': { Response: { StatusCode: '99' } },
    'the parameter gatewayresponse.path.x': { Response: { ResponseParameters: { 'gatewayresponse.path.x': "'y'" } } },
    'the value y, which is neither text in single quotes nor a variable': {
      Response: { ResponseParameters: { 'gatewayresponse.header.x': 'y' } },
    },
    'the variable context.wafResponseCode': {
      Response: { ResponseParameters: { 'gatewayresponse.header.x': 'context.wafResponseCode' } },
    },
    'the variable context.authorizer.claims': {
      Response: { ResponseTemplates: { 'application/json': '{"v":"$context.authorizer.claims"}' } },
    },
  };
  test.each(Object.entries(refused))('is refused, with its position: %s', (message, changes) => {
    const [changed] = Object.keys(changes);
    const logicalId = changed === 'Integration' ? 'Method' : changed;
    expect(() => load(changes)).toThrow(message);
    expect(() => load(changes)).toThrow(`App.template.json, ${logicalId}`);
  });

  test.each(words`
    AWS::ApiGateway::Authorizer AWS::ApiGateway::UsagePlan AWS::ApiGateway::DomainName AWS::ApiGatewayV2::Api
  `)('of the type %s is refused', (type) =>
    expect(() => load({}, { Other: { Type: type, Properties: {} } })).toThrow(
      `App.template.json, Other has the type ${type}; of API Gateway the sandbox supports REST APIs`,
    ),
  );
});
