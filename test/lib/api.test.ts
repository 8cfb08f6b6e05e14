/** The API as it is deployed: its methods, who may call them, what it logs, and what API Gateway says by itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { problem } from '../../lambdas/api/problems.ts';
import { GATEWAY_PROBLEMS } from '../../lib/api/gateway-responses.ts';
import { deployed, Deployment, resolve, resourcesOf, template } from './definition.ts';
import { synthesiseAgain, synthesiseWith } from './synthesised.ts';

interface ApiResource {
  ParentId: { 'Fn::GetAtt'?: [string, string]; Ref?: string };
  PathPart: string;
}
const parts = new Map(
  resourcesOf('AWS::ApiGateway::Resource').map(([id, { Properties }]) => [id, Properties as unknown as ApiResource]),
);
const pathOf = (id: string | undefined): string => {
  const part = parts.get(id ?? '');
  return part === undefined ? '' : `${pathOf(part.ParentId.Ref)}/${part.PathPart}`;
};
const methods = resourcesOf('AWS::ApiGateway::Method').map(
  ([, { Properties }]) =>
    Properties as {
      HttpMethod: string;
      ResourceId: { Ref?: string };
      AuthorizationType: string;
      ApiKeyRequired?: boolean;
      Integration: { Type: string; Uri: unknown; IntegrationHttpMethod: string };
    },
);
const stage = resourcesOf('AWS::ApiGateway::Stage')[0]![1];
const versionId = resourcesOf('AWS::Lambda::Version').find(([id]) => id.startsWith('StepsApi'))![0];

describe('the API', () => {
  it('has the methods of docs/openapi.json, and one for all other paths and methods', () => {
    const document = JSON.parse(readFileSync(join(import.meta.dirname, '../../docs/openapi.json'), 'utf8')) as {
      paths: Record<string, object>;
    };
    const documented = Object.entries(document.paths).flatMap(([path, of]) =>
      Object.keys(of).map((method) => `${method.toUpperCase()} ${path.slice('/v1'.length)}`),
    );
    expect(methods.map(({ HttpMethod, ResourceId }) => `${HttpMethod} ${pathOf(ResourceId.Ref)}`).sort()).toEqual(
      [...documented, 'ANY ', 'ANY /{proxy+}'].sort(),
    );
  });

  it('has every method authorised by IAM, and answered by the published version of one Lambda', () => {
    for (const { AuthorizationType, Integration } of methods) {
      expect(AuthorizationType).toBe('AWS_IAM');
      expect(Integration).toMatchObject({ Type: 'AWS_PROXY', IntegrationHttpMethod: 'POST' });
      expect(JSON.stringify(Integration.Uri)).toContain(`{"Ref":"${versionId}"}`);
    }
  });

  it('may call that version from its own methods alone', () => {
    const permissions = resourcesOf('AWS::Lambda::Permission')
      .map(([, { Properties }]) => Properties)
      .filter(({ Principal }) => Principal === 'apigateway.amazonaws.com');
    expect(permissions).toHaveLength(methods.length);
    for (const { FunctionName, SourceArn, Action } of permissions) {
      expect([FunctionName, Action]).toEqual([{ Ref: versionId }, 'lambda:InvokeFunction']);
      expect(String(resolve(SourceArn))).toMatch(
        /^arn:aws:execute-api:eu-west-1:111122223333:ApiRestApi\w+\/ApiRestApiDeploymentStagev1\w+\/((GET|POST)\/\w|\*\/)/,
      );
    }
  });

  it('is regional, without CORS, and its URL is an output', () => {
    const { Properties } = resourcesOf('AWS::ApiGateway::RestApi')[0]![1];
    expect(Properties).toMatchObject({
      EndpointConfiguration: { Types: ['REGIONAL'] },
      DisableExecuteApiEndpoint: false,
    });
    expect(Properties).not.toHaveProperty('Policy');
    expect(methods.filter(({ HttpMethod }) => HttpMethod === 'OPTIONS')).toEqual([]);
    expect(String(resolve(template.Outputs['ApiUrl']!.Value))).toMatch(
      /^https:\/\/ApiRestApi\w+\.execute-api\.eu-west-1\.amazonaws\.com\/\w+\/$/,
    );
  });

  it('leaves the account-wide role for logs alone', () => expect(resourcesOf('AWS::ApiGateway::Account')).toEqual([]));

  it('logs who asked for what, and no body; is traced, and throttled', () => {
    const { AccessLogSetting, MethodSettings, TracingEnabled, StageName } = stage.Properties as {
      AccessLogSetting: { Format: string };
      MethodSettings: object[];
      TracingEnabled: boolean;
      StageName: string;
    };
    const format = JSON.parse(AccessLogSetting.Format) as Record<string, string>;
    expect(format).toMatchObject({
      requestId: '$context.requestId',
      caller: '$context.identity.userArn',
      status: '$context.status',
    });
    expect(
      Object.values(format).filter(
        (one) =>
          !/^\$context\.(requestId|requestTime|identity\.(userArn|sourceIp)|httpMethod|path|status|error\.responseType|responseLatency)$/.test(
            one,
          ),
      ),
    ).toEqual([]);
    expect(MethodSettings).toEqual([
      expect.objectContaining({
        LoggingLevel: 'OFF',
        DataTraceEnabled: false,
        ThrottlingRateLimit: 20,
        ThrottlingBurstLimit: 40,
        HttpMethod: '*',
        ResourcePath: '/*',
      }),
    ]);
    expect([TracingEnabled, StageName]).toEqual([true, 'v1']);
  });

  it('is deployed again when the Lambda is published again: a deployment is a copy of its methods', () => {
    const deploymentOf = (one: typeof deployed): string =>
      one
        .resourcesOf('AWS::ApiGateway::Deployment')
        .map(([id]) => id)
        .join();
    const [quiet, loud] = [synthesiseWith({}), synthesiseWith({ logLevel: 'ERROR' })];
    expect(deploymentOf(quiet)).toBe(deploymentOf(new Deployment(synthesiseAgain({}).hub)));
    expect(deploymentOf(loud)).not.toBe(deploymentOf(quiet));
  });
});

describe('what API Gateway says by itself', () => {
  const responses = resourcesOf('AWS::ApiGateway::GatewayResponse').map(
    ([, { Properties }]) =>
      Properties as {
        ResponseType: string;
        StatusCode?: string;
        ResponseParameters: Record<string, string>;
        ResponseTemplates: Record<string, string>;
      },
  );

  it('is a problem too, of each kind', () => {
    expect(responses.map(({ ResponseType }) => ResponseType).sort()).toEqual(Object.keys(GATEWAY_PROBLEMS).sort());
    for (const { ResponseType, StatusCode, ResponseParameters, ResponseTemplates } of responses) {
      expect(ResponseParameters['gatewayresponse.header.Content-Type']).toBe("'application/problem+json'");
      expect(Object.keys(ResponseTemplates)).toEqual(['application/json']);
      // API Gateway puts a JSON string, with its quotes, in the place of the message.
      const body = ResponseTemplates['application/json']!.replace(
        '$context.error.messageString',
        '"Signature \\"x\\" expired"',
      ).replace('$context.requestId', '7a3c9f1e-5d2b-4c8a-9e6f-0b1d2c3e4f5a');
      const found = problem.parse(JSON.parse(body));
      expect(body).not.toContain('$context');
      expect(found.code).toBe(`gateway-${ResponseType.toLowerCase().replaceAll('_', '-')}`);
      expect(found.type).toBe(`urn:eks-pod-identity-migrator:problem:${found.code}`);
      expect(found.status).toBe(StatusCode === undefined ? undefined : Number(StatusCode));
    }
  });

  it('says how to sign a request that is not signed', () =>
    expect(
      responses.find(({ ResponseType }) => ResponseType === 'MISSING_AUTHENTICATION_TOKEN')?.ResponseTemplates[
        'application/json'
      ],
    ).toMatch(/Signature Version 4.*Sign it for the service execute-api/));
});

describe('without the API', () => {
  const without = synthesiseWith({}, { deploy: { api: false } });
  it('nothing of it is deployed: no gateway, no Lambda, no role', () => {
    expect(
      Object.values(without.template.Resources).filter(({ Type }) => Type.startsWith('AWS::ApiGateway::')),
    ).toEqual([]);
    expect(Object.keys(without.template.Resources).filter((id) => /Api/.test(id))).toEqual([]);
    expect(without.steps().filter((step) => step === 'api')).toEqual([]);
    expect(without.template.Outputs).not.toHaveProperty('ApiUrl');
    expect(synthesiseWith({}).template.Outputs).toHaveProperty('ApiUrl');
  });
});
