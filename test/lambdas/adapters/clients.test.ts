import { DescribeClusterCommand } from '@aws-sdk/client-eks';
import { HttpRequest } from '@smithy/core/protocols';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClientFactory, type ClientConfig } from '../../../lambdas/adapters/clients.ts';
import { containing } from '../matchers.ts';

const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' };
const http = (): Promise<never> => Promise.reject(new Error('no plain HTTP in this test'));
const factory = (change: Partial<ClientConfig> = {}): ClientFactory =>
  new ClientFactory({ region: 'eu-west-1', credentials, transport: { http }, ...change });

afterEach(() => void vi.unstubAllEnvs());

const SERVICES = ['eks', 'iam', 'dynamodb', 'stepFunctions', 'eventBridge'] as const;

describe('ClientFactory', () => {
  it.each(SERVICES)('makes %s with the region, the credentials and one attempt', async (which) => {
    const { config } = factory()[which]();
    expect([await config.region(), await config.maxAttempts()]).toEqual(['eu-west-1', 1]);
    expect(await config.credentials()).toMatchObject(credentials);
  });

  it.each(SERVICES)("bounds a call of %s, so that it can't outlive an invocation", async (which) => {
    const requestHandler = factory()[which]().config.requestHandler as unknown as {
      handle(request: HttpRequest, options: object): Promise<unknown>;
      httpHandlerConfigs(): object;
    };
    // The handler reads its settings at its first request; one that was given up before sends nothing.
    const abortSignal = AbortSignal.abort();
    await expect(
      requestHandler.handle(
        new HttpRequest({ protocol: 'https:', hostname: 'eks.eu-west-1.amazonaws.com', method: 'GET', path: '/' }),
        { abortSignal },
      ),
    ).rejects.toThrow('aborted');
    expect(requestHandler.httpHandlerConfigs()).toMatchObject({
      connectionTimeout: 3000,
      requestTimeout: 10_000,
      throwOnRequestTimeout: true,
      socketTimeout: 10_000,
    });
  });

  it('asks a provider of credentials each time they are needed', async () => {
    const { config } = factory({
      credentials: async () => ({ ...credentials, accessKeyId: 'AKIAFROMPROVIDER' }),
    }).eks();
    expect((await config.credentials()).accessKeyId).toBe('AKIAFROMPROVIDER');
  });

  it('sends through the transport, and does not try again what failed', async () => {
    const sent: unknown[] = [];
    const requestHandler = {
      handle: (request: never): Promise<never> => {
        sent.push(request);
        return Promise.reject(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
      },
    };
    const eks = factory({ transport: { http, requestHandler } }).eks();
    await expect(eks.send(new DescribeClusterCommand({ name: 'dev' }))).rejects.toThrow('socket hang up');
    expect(sent).toMatchObject([
      {
        hostname: 'eks.eu-west-1.amazonaws.com',
        path: '/clusters/dev',
        headers: { authorization: containing('AKIAEXAMPLE/') },
      },
    ]);
  });

  it("leaves the endpoint to the SDK's own variables", async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_EKS', 'http://127.0.0.1:4566');
    const hosts: unknown[] = [];
    const requestHandler = {
      handle: (request: { hostname: string; port?: number }): Promise<never> => {
        hosts.push(`${request.hostname}:${request.port}`);
        return Promise.reject(new Error('enough'));
      },
    };
    const eks = factory({ transport: { http, requestHandler } }).eks();
    await expect(eks.send(new DescribeClusterCommand({ name: 'dev' }))).rejects.toThrow('enough');
    expect(hosts).toEqual(['127.0.0.1:4566']);
  });

  it('makes one client for each service, which keeps its connections', () => {
    const clients = factory({});
    expect(clients.eks()).toBe(clients.eks());
    expect(clients.eks()).not.toBe(factory({}).eks());
  });
});
