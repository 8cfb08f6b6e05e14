/** APIs as CDK generates them, in a sandbox of their own with the test's functions. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AwsCredentialIdentity } from '@smithy/types';
import { App, Stack } from 'aws-cdk-lib';
import { AuthorizationType, LambdaIntegration, ResponseType, RestApi } from 'aws-cdk-lib/aws-apigateway';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { createApiClient, type ApiClient, type ApiClientOptions } from '../../../cli/api/http.ts';
import { createApiGatewayService } from '../../../sandbox/apigateway/service.ts';
import type { AssemblyApi } from '../../../sandbox/assembly/apis.ts';
import { type Assembly, loadAssembly } from '../../../sandbox/assembly/assembly.ts';
import { Authorizer } from '../../../sandbox/authorization/authorizer.ts';
import { createGateway } from '../../../sandbox/gateway/gateway.ts';
import type { HttpRequest } from '../../../sandbox/http.ts';
import { createKubernetesService } from '../../../sandbox/kubernetes/service.ts';
import { SourceRuntime } from '../../../sandbox/lambda/source-runtime.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { createStsService } from '../../../sandbox/sts/service.ts';
import { inProcessTransport } from '../../../sandbox/transports/in-process.ts';
import { type SandboxClock, VirtualClock } from '../../../sandbox/clock/clock.ts';
import type { Call } from '../../../sandbox/calls/call-log.ts';
import { type Knobs, knobs as knobsSchema } from '../../../sandbox/scenario/scenario.ts';
import type { World } from '../../../sandbox/world/world.ts';
import { ACCOUNT, allow, FUNCTION_ROLE, newWorld, operator, REGION } from '../support.ts';

/** Synthesises one stack, `App`, and loads it. */
export const synthesise = (build: (stack: Stack, fn: LambdaFunction) => void): Assembly => {
  const folder = mkdtempSync(join(tmpdir(), 'apis-'));
  try {
    const code = join(folder, 'code');
    mkdirSync(code);
    writeFileSync(join(code, 'index.mjs'), '');
    const app = new App({
      outdir: join(folder, 'out'),
      analyticsReporting: false,
      builtinCloudFormationValidation: false,
    });
    const stack = new Stack(app, 'App');
    build(
      stack,
      new LambdaFunction(stack, 'Handler', {
        runtime: Runtime.NODEJS_22_X,
        handler: 'index.handler',
        code: Code.fromAsset(code),
      }),
    );
    return loadAssembly(app.synth().directory, { account: ACCOUNT, region: REGION });
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** Paths of several kinds, all to one version of a function. */
export const standard = synthesise((stack, fn) => {
  const api = new RestApi(stack, 'Api', {
    cloudWatchRole: true,
    deployOptions: { stageName: 'v1', variables: { colour: 'blue' } },
    defaultIntegration: new LambdaIntegration(fn.currentVersion),
    defaultMethodOptions: { authorizationType: AuthorizationType.IAM },
  });
  const migrations = api.root.addResource('migrations');
  migrations.addMethod('GET');
  migrations.addMethod('POST');
  const one = migrations.addResource('{id}');
  one.addMethod('GET');
  one.addResource('cancel').addMethod('POST');
  migrations.addResource('latest').addMethod('GET');
  api.root.addResource('files').addResource('{path+}').addMethod('ANY');
  api.root.addResource('health').addMethod('GET', undefined, { authorizationType: AuthorizationType.NONE });
  stack.exportValue(api.url, { name: 'Url' });
  stack.exportValue(api.root.resourceId, { name: 'Root' });
});
export const standardApi = standard.apis![0]!;

const problem =
  '{"title":$context.error.messageString,"type":"$context.error.responseType","raw":"$context.error.message","id":"$context.requestId","path":"$context.path","resource":"$context.resourcePath","colour":"$stageVariables.colour","who":"$context.identity.userArn"}';

/** The same API with its own gateway responses. */
export const customApi: AssemblyApi = {
  ...standardApi,
  responses: synthesise((stack, fn) => {
    const api = new RestApi(stack, 'Api', { cloudWatchRole: false, defaultIntegration: new LambdaIntegration(fn) });
    api.root.addMethod('GET');
    api.addGatewayResponse('4xx', {
      type: ResponseType.DEFAULT_4XX,
      templates: { 'application/json': problem },
      responseHeaders: { 'content-type': "'application/problem+json'", 'x-request': 'context.requestId' },
    });
    api.addGatewayResponse('5xx', {
      type: ResponseType.DEFAULT_5XX,
      statusCode: '503',
      templates: { 'application/problem+json': problem },
    });
    api.addGatewayResponse('Missing', {
      type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
      statusCode: '404',
      templates: { 'application/json': '{"error":"none"}', 'text/plain': 'There is no $context.path' },
    });
    api.addGatewayResponse('Denied', {
      type: ResponseType.ACCESS_DENIED,
      responseHeaders: {
        'x-id': 'method.request.path.id',
        'x-q': 'method.request.querystring.q',
        'x-host': 'method.request.header.Host',
        'x-colour': 'stageVariables.colour',
        'x-fixed': "'it''s'",
      },
    });
  }).apis![0]!.responses,
};

/** ARN of a method of the API, as in a caller's policy. */
export const methodArn = (path: string, api = standardApi): string =>
  `arn:aws:execute-api:${REGION}:${ACCOUNT}:${api.id}/${path}`;
export const mayAll = allow('execute-api:Invoke', methodArn('*'));

export interface SessionOptions {
  apis?: AssemblyApi[];
  functions?: Assembly['functions'];
  /** The function's handler; default: it returns its event. */
  handler?: (event: APIGatewayProxyEvent, clock: SandboxClock) => unknown;
  /** Permissions of the caller's role; default: call everything. */
  statements?: object[];
  knobs?: Partial<Knobs>;
  clock?: (world: World) => SandboxClock;
  signatureTime?: () => number;
}

export interface Session {
  world: World;
  clock: SandboxClock;
  sandboxGateway: ReturnType<typeof createGateway>;
  authorizer: Authorizer;
  events: APIGatewayProxyEvent[];
  caller: AwsCredentialIdentity;
  /** The API's own host. */
  url: string;
  client: (more?: Partial<ApiClientOptions>) => ApiClient;
  /** Sends a request on a thread of the clock, as the caller unless `client` is set. */
  call: (
    method: string,
    path: string,
    options?: Parameters<ApiClient['request']>[2],
    client?: ApiClient,
  ) => ReturnType<ApiClient['request']>;
  /** Sends an unsigned request directly to the gateway. */
  plain: (request: Partial<HttpRequest>) => Promise<{ status: number; headers: Record<string, string>; body: string }>;
  /** The API's calls in the call log. */
  calls: () => Call[];
}

export const echoed = (event: APIGatewayProxyEvent): unknown => ({ statusCode: 200, body: JSON.stringify(event) });

export const openSession = ({
  apis = [standardApi],
  functions = standard.functions,
  handler = echoed,
  statements = [mayAll],
  knobs = {},
  signatureTime,
  ...more
}: SessionOptions = {}): Session => {
  const world = newWorld(...statements);
  world.knobs = knobsSchema.parse(knobs);
  const clock = more.clock?.(world) ?? new VirtualClock(world.schedule.now());
  const authorizer = new Authorizer(world);
  const events: APIGatewayProxyEvent[] = [];
  const createInvoker = () => async (payload: unknown) => {
    events.push(payload as APIGatewayProxyEvent);
    return handler(payload as APIGatewayProxyEvent, clock);
  };
  const lambda = new SourceRuntime({ world, clock, authorizer, functions, steps: { index: {} }, createInvoker });
  const gateway = createApiGatewayService({ world, clock, apis, invoke: (...given) => lambda.invoke(...given) });
  const sandboxGateway = createGateway({
    world,
    clock,
    authorizer,
    services: { sts: createStsService(world) },
    kubernetes: (cluster) => createKubernetesService(world, cluster),
    apis: gateway,
    ...(signatureTime ? { signatureTime } : {}),
  });
  const { http } = inProcessTransport(sandboxGateway, world);
  const caller = credentialsOf(world, FUNCTION_ROLE);
  const url = `https://${apis[0]!.host}/v1`;
  const client: Session['client'] = (given) =>
    createApiClient({ url, region: REGION, credentials: caller, http, ...given });
  return {
    world,
    clock,
    sandboxGateway,
    authorizer,
    events,
    caller,
    url,
    client,
    call: (method, path, options, by = client()) => clock.spawn(() => by.request(method, path, options)),
    plain: async (request) => {
      const { status, headers, body } = await clock.spawn(() =>
        sandboxGateway.handle({
          method: 'GET',
          host: apis[0]!.host,
          path: '/v1/migrations',
          query: {},
          headers: {},
          body: new Uint8Array(),
          ...request,
        }),
      );
      return { status, headers, body: String(body) };
    },
    calls: () => world.log.calls.filter(({ service }) => service === 'execute-api'),
  };
};

export { ACCOUNT, FUNCTION_ROLE, operator, REGION };
