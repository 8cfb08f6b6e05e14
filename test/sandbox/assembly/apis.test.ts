import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadAssembly } from '../../../sandbox/assembly/assembly.ts';
import { customApi, standard, standardApi } from '../apigateway/fixture.ts';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

type Resource = { Type: string; Properties: Record<string, unknown> };
const FUNCTION = 'arn:aws:lambda:eu-west-1:111122223333:function:handler';
const uri = (functionArn: string): string =>
  `arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/${functionArn}/invocations`;

/** An API with one method and the given differences. */
const load = (changes: Record<string, Record<string, unknown>>, more: Record<string, Resource> = {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'apis-'));
  folders.push(folder);
  const put = (file: string, content: unknown): void => writeFileSync(join(folder, file), JSON.stringify(content));
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
  put('manifest.json', {
    version: '1',
    artifacts: {
      App: {
        type: 'aws:cloudformation:stack',
        environment: 'aws://unknown-account/unknown-region',
        properties: { templateFile: 'App.template.json' },
      },
    },
  });
  put('App.template.json', { Resources: resources });
  return loadAssembly(folder, { account: '111122223333', region: 'eu-west-1' }).apis;
};

describe("CDK's RestApi", () => {
  test('is plain data', () => {
    const version = standard.functions[0]!.versionArns[0]!;
    expect(version).toMatch(/:function:App-Handler\w+:1$/);
    expect(standardApi).toMatchObject({
      partition: 'aws',
      region: 'eu-west-1',
      account: '111122223333',
      host: `${standardApi.id}.execute-api.eu-west-1.amazonaws.com`,
      responses: {},
    });
    expect(standardApi.id).toMatch(/^[a-z0-9]{10}$/);
    expect(standardApi.stages).toEqual([
      { name: 'v1', deploymentId: expect.stringMatching(/^[a-z0-9]{10}$/) as string, variables: { colour: 'blue' } },
    ]);
    expect(
      standardApi.methods
        .map(({ httpMethod, path, authorization }) => `${httpMethod} ${path} ${authorization}`)
        .toSorted(),
    ).toEqual([
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
  test('that is written by hand is supported', () => {
    expect(load({})).toMatchObject([
      {
        logicalId: 'Api',
        stages: [{ name: 'v1' }],
        methods: [{ path: '/things', httpMethod: 'GET', functionArn: FUNCTION }],
      },
    ]);
  });

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

  test('is absent in an application without one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'apis-'));
    folders.push(folder);
    writeFileSync(
      join(folder, 'manifest.json'),
      JSON.stringify({
        artifacts: { App: { type: 'aws:cloudformation:stack', properties: { templateFile: 'App.template.json' } } },
      }),
    );
    writeFileSync(join(folder, 'App.template.json'), '{"Resources":{}}');
    expect(loadAssembly(folder, { account: '111122223333', region: 'eu-west-1' })).not.toHaveProperty('apis');
  });

  test.each<[string, Record<string, Record<string, unknown>>, string, string]>([
    ['a resource policy', { Api: { Policy: {} } }, 'Api', 'an API with Policy, which the sandbox does not support'],
    ['an OpenAPI body', { Api: { Body: {} } }, 'Api', 'an API with Body'],
    ['an invalid media type', { Api: { BinaryMediaTypes: ['png'] } }, 'Api', 'the invalid media type png'],
    [
      'media types that are not a list',
      { Api: { BinaryMediaTypes: 'image/png' } },
      'Api',
      'media types that are not a list',
    ],
    ['VPC endpoints', { Api: { EndpointConfiguration: { Types: ['PRIVATE'] } } }, 'Api', 'a private API'],
    [
      'no endpoint of its own',
      { Api: { DisableExecuteApiEndpoint: 'true' } },
      'Api',
      'an API without its own endpoint',
    ],
    [
      'a resource without a path to the root',
      { Things: { ParentId: 'gone' } },
      'Things',
      'a resource that does not lead to the root of its API',
    ],
    [
      'a resource that is its own parent',
      { Things: { ParentId: { Ref: 'Things' } } },
      'Things',
      'a resource that does not lead to the root',
    ],
    ['a method of another resource', { Method: { ResourceId: 'gone' } }, 'Method', 'a method on the resource gone'],
    [
      'an authorizer',
      { Method: { AuthorizationType: 'CUSTOM' } },
      'Method',
      'the authorization CUSTOM; the sandbox supports AWS_IAM and NONE',
    ],
    ['an API key', { Method: { ApiKeyRequired: true } }, 'Method', 'a method that requires an API key'],
    ['a mock', { Integration: { Type: 'MOCK' } }, 'Method', 'an integration of type MOCK'],
    [
      'another HTTP method for Lambda',
      { Integration: { IntegrationHttpMethod: 'GET' } },
      'Method',
      'an integration that uses GET',
    ],
    ['a role for the call', { Integration: { Credentials: 'arn:role' } }, 'Method', 'an integration with Credentials'],
    [
      'a streamed response',
      { Integration: { ResponseTransferMode: 'STREAM' } },
      'Method',
      'an integration with the response transfer mode STREAM',
    ],
    [
      'another service behind it',
      { Integration: { Uri: 'arn:aws:apigateway:eu-west-1:sqs:path/queue' } },
      'Method',
      'the integration arn:aws:apigateway:eu-west-1:sqs:path/queue',
    ],
    [
      'a timeout that is too long',
      { Integration: { TimeoutInMillis: 30_000 } },
      'Method',
      'a timeout of 30000 milliseconds; API Gateway allows 50 to 29000',
    ],
    ['a cache', { Stage: { MethodSettings: [{ CachingEnabled: true }] } }, 'Stage', 'a stage with caching'],
    [
      'a throttle of one method',
      { Stage: { MethodSettings: [{ HttpMethod: 'GET', ResourcePath: '/~1', ThrottlingRateLimit: 1 }] } },
      'Stage',
      'a throttle for only some methods',
    ],
    [
      'a throttle that allows nothing',
      { Stage: { MethodSettings: [{ HttpMethod: '*', ResourcePath: '/*', ThrottlingRateLimit: 0 }] } },
      'Stage',
      'a throttle without a rate and a burst above 0',
    ],
    ['a canary', { Stage: { CanarySetting: {} } }, 'Stage', 'a stage with CanarySetting'],
    ['an unknown response type', { Response: { ResponseType: 'SAD' } }, 'Response', 'the response type SAD'],
    ['an invalid response status', { Response: { StatusCode: '99' } }, 'Response', 'the invalid status 99'],
    [
      'a parameter that is not a header',
      { Response: { ResponseParameters: { 'gatewayresponse.path.x': "'y'" } } },
      'Response',
      'the parameter gatewayresponse.path.x',
    ],
    [
      'a header that is neither text nor a variable',
      { Response: { ResponseParameters: { 'gatewayresponse.header.x': 'y' } } },
      'Response',
      'the value y, which is neither text in single quotes nor a variable',
    ],
    [
      'a header with an unknown variable',
      { Response: { ResponseParameters: { 'gatewayresponse.header.x': 'context.wafResponseCode' } } },
      'Response',
      'the variable context.wafResponseCode',
    ],
    [
      'a template with an unknown variable',
      { Response: { ResponseTemplates: { 'application/json': '{"v":"$context.authorizer.claims"}' } } },
      'Response',
      'the variable context.authorizer.claims',
    ],
  ])('with %s is refused, with its position', (_, changes, logicalId, message) => {
    expect(() => load(changes)).toThrow(message);
    expect(() => load(changes)).toThrow(`App.template.json, ${logicalId}`);
  });

  test.each([
    'AWS::ApiGateway::Authorizer',
    'AWS::ApiGateway::UsagePlan',
    'AWS::ApiGateway::DomainName',
    'AWS::ApiGatewayV2::Api',
  ])('of the type %s is refused', (type) => {
    expect(() => load({}, { Other: { Type: type, Properties: {} } })).toThrow(
      `App.template.json, Other has the type ${type}; of API Gateway the sandbox supports REST APIs`,
    );
  });
});
