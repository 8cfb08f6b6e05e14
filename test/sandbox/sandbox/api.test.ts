/**
 * The application's API in a whole sandbox: an API is put before a function of the deployed application that was not
 * written for one.
 */
import { claimToken } from '../../../sandbox/claim.ts';
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createApiClient, networkHttp } from '../../../cli/api/http.ts';
import { ensureAssembly } from '../../../cli/assembly.ts';
import { synthesise } from '../../../scripts/synthesise.ts';
import type { PlainHttp } from '../../../lambdas/adapters/clients.ts';
import { openSandbox, type Sandbox, type SandboxOptions } from '../../../sandbox/sandbox.ts';
import { scratchDirectory } from '../../scratch.ts';
import { scenarioOf } from './fixture.ts';

const TEMPLATE = 'PodIdentityMigrator.template.json';
const scratch = scratchDirectory();
const newFolder = (): string => mkdtempSync(join(scratch, 'assembly-'));

/** The application without its own API. */
const withoutApi = async (): Promise<string> => {
  const folder = newFolder();
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ passableRoleArns: ['role/reliability-*'], deploy: { api: false } }));
  const assembly = join(folder, 'assembly');
  synthesise(assembly, { lambdaDirectory: (await ensureAssembly()).lambdaDirectory, context: { config } });
  return assembly;
};
const directory = await withoutApi();

interface Template {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
}

const api = (functionId: string, lets: boolean): Template['Resources'] => {
  const RestApiId = { Ref: 'Api' };
  const FunctionArn = { 'Fn::GetAtt': [functionId, 'Arn'] };
  const path = 'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/';
  const Uri = { 'Fn::Join': ['', [path, FunctionArn, '/invocations']] };
  const method = {
    RestApiId,
    ResourceId: { 'Fn::GetAtt': ['Api', 'RootResourceId'] },
    HttpMethod: 'GET',
    AuthorizationType: 'AWS_IAM',
    Integration: { Type: 'AWS_PROXY', IntegrationHttpMethod: 'POST', Uri },
  };
  const stage = { RestApiId, DeploymentId: { Ref: 'Deployment' }, StageName: 'v1' };
  const permission = {
    Action: 'lambda:InvokeFunction',
    FunctionName: FunctionArn,
    Principal: 'apigateway.amazonaws.com',
    SourceArn: { 'Fn::Sub': 'arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/v1/GET/' },
  };
  return {
    Api: { Type: 'AWS::ApiGateway::RestApi', Properties: { Name: 'api' } },
    Method: { Type: 'AWS::ApiGateway::Method', Properties: method },
    Deployment: { Type: 'AWS::ApiGateway::Deployment', Properties: { RestApiId } },
    Stage: { Type: 'AWS::ApiGateway::Stage', Properties: stage },
    ...(lets ? { Lets: { Type: 'AWS::Lambda::Permission', Properties: permission } } : {}),
  };
};

/** The deployed application with an additional API. Assets stay where they are. */
const withApi = (lets = true): string => {
  const folder = newFolder();
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.json')))
    cpSync(join(directory, file), join(folder, file));
  const template = JSON.parse(readFileSync(join(directory, TEMPLATE), 'utf8')) as Template;
  const [functionId] = Object.entries(template.Resources).find(
    ([, { Properties }]) => Properties?.['Handler'] === 'find-stranded.handler',
  )!;
  Object.assign(template.Resources, api(functionId, lets));
  writeFileSync(join(folder, TEMPLATE), JSON.stringify(template));
  return resolve(folder);
};

const opened: Sandbox[] = [];
afterEach(async () => {
  for (const sandbox of opened.splice(0)) await sandbox.close();
});
const open = async (options: Partial<SandboxOptions> & { assemblyDirectory: string }): Promise<Sandbox> => {
  const sandbox = await openSandbox({ scenario: await scenarioOf(), ...options });
  opened.push(sandbox);
  return sandbox;
};

/** A caller over the network must not be a thread: the clock would wait for it, and it for the sandbox. */
const call = (sandbox: Sandbox, network?: PlainHttp) => {
  const { credentials, region, transport } = sandbox.clients().config;
  const http = network ?? transport.http;
  const send = () =>
    createApiClient({ url: sandbox.apiUrl!, region, credentials: credentials!, http }).request('GET', '/');
  return network ? send() : sandbox.clock.spawn(send);
};

describe("a sandbox's API", () => {
  it('is absent if the application has none', async () =>
    expect(await open({ assemblyDirectory: directory })).not.toHaveProperty('apiUrl'));

  it('has its own host in virtual time, and reaches its function', async () => {
    const sandbox = await open({ assemblyDirectory: withApi() });
    expect(sandbox.apiUrl).toMatch(/^https:\/\/[a-z0-9]{10}\.execute-api\.eu-west-1\.amazonaws\.com\/v1$/);
    // The function was not written for an API, so its result is not an HTTP response.
    expect(await call(sandbox)).toMatchObject({ status: 502, body: '{"message":"Internal server error"}' });
    const calls = sandbox.world.log.calls.filter(({ service }) => ['lambda', 'execute-api'].includes(service));
    expect(calls).toMatchObject([
      { service: 'lambda', operation: 'Invoke', caller: 'apigateway.amazonaws.com', status: 200 },
      { service: 'execute-api', operation: 'GET /', caller: 'arn:aws:iam::111122223333:role/operator', status: 502 },
    ]);
    expect(calls[0]).not.toHaveProperty('error');
    // It still had its usual effect.
    expect(sandbox.world.log.calls.map(({ service }) => service)).toContain('dynamodb');
    expect(sandbox.failures).toEqual([]);
  });

  it('is on this machine if the sandbox listens', async () => {
    const sandbox = await open({ assemblyDirectory: withApi(), listen: {} });
    expect(sandbox.apiUrl).toBe(`${sandbox.url}/v1`);
    const headers = { 'x-amzn-errortype': 'InternalServerErrorException' };
    expect(await call(sandbox, networkHttp)).toMatchObject({ status: 502, headers });
    expect(await call(sandbox)).toMatchObject({ status: 502 });
    const unsigned = await networkHttp({ method: 'GET', url: `${sandbox.apiUrl}/`, headers: {} });
    expect(unsigned).toMatchObject({ status: 403, body: '{"message":"Missing Authentication Token"}' });
  });

  it('does not reach a function that does not allow it', async () => {
    const sandbox = await open({ assemblyDirectory: withApi(false) });
    expect(await call(sandbox)).toMatchObject({ status: 500 });
    expect(sandbox.authorizer.denials).toMatchObject([
      { principalArn: 'apigateway.amazonaws.com', action: 'lambda:InvokeFunction' },
    ]);
  });

  it("verifies its callers, although the sandbox's own clients need not sign", async () => {
    const sandbox = await open({ assemblyDirectory: withApi() });
    expect(await call(sandbox)).toMatchObject({ status: 502 });
    const { accessKeyId, sessionToken } = [...sandbox.world.accessKeys.values()][0]!;
    const send = (authorization: string) =>
      sandbox.clock.spawn(() =>
        sandbox.clients().config.transport.http({
          method: 'GET',
          url: `${sandbox.apiUrl}/`,
          headers: { authorization, 'x-amz-security-token': sessionToken! },
        }),
      );
    const claim = claimToken({ accessKeyId, sessionToken: sessionToken!, cluster: 'reliability-dev' });
    expect([await send(`Bearer ${claim}`), await send(accessKeyId)]).toMatchObject([{ status: 403 }, { status: 403 }]);
  });

  it('does not change the results of a seed', async () => {
    const without = await open({ assemblyDirectory: directory });
    const having = await open({ assemblyDirectory: withApi() });
    expect([...having.world.accessKeys.keys()]).toEqual([...without.world.accessKeys.keys()]);
    await call(having);
    expect(having.world.random.next()).toBe(without.world.random.next());
  });
});
