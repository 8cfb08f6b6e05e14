import { DescribeClusterCommand, EKSClient, ListAddonsCommand, paginateListAddons } from '@aws-sdk/client-eks';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { aroundClient, aroundHttp } from '../../../lambdas/adapters/around.ts';
import { AwsEks } from '../../../lambdas/adapters/aws-eks.ts';
import type { PlainHttp } from '../../../lambdas/adapters/clients.ts';
import { createHttpKubernetes } from '../../../lambdas/adapters/http-kubernetes.ts';
import { MigrationError } from '../../../lambdas/domain/failures/errors.ts';
import type { AroundCalls } from '../../../lambdas/ports/index.ts';
import { CLUSTER } from '../fixtures.ts';
import { anError, textWith } from '../expectations.ts';

const mock = mockClient(EKSClient);
afterEach(() => {
  mock.reset();
});
afterAll(() => {
  mock.restore();
});

/** Notes each call, and makes it as often as it is refused for the moment, three times at most. */
const noting = (): { around: AroundCalls; seen: string[] } => {
  const seen: string[] = [];
  const around: AroundCalls = async (service, call, nameOf) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await call();
        seen.push(service);
        return answer;
      } catch (error) {
        seen.push(`${service} ${nameOf(error)}`);
        if (nameOf(error) !== 'Throttled' || attempt === 3) throw error;
      }
    }
  };
  return { around, seen };
};
const throttling = (): Error =>
  Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException', $metadata: { httpStatusCode: 429 } });

describe('around a client', () => {
  it('each page is a call of its own, and only the page that is refused is asked for again', async () => {
    mock.on(ListAddonsCommand, { clusterName: CLUSTER }).resolves({ addons: ['a'], nextToken: 'next' });
    mock
      .on(ListAddonsCommand, { clusterName: CLUSTER, nextToken: 'next' })
      .rejectsOnce(throttling())
      .resolves({ addons: ['b'] });
    const { around, seen } = noting();
    const client = aroundClient(new EKSClient({ region: 'eu-west-1' }), 'eks', around);
    expect(await new AwsEks(client, CLUSTER).listAddons()).toEqual(['a', 'b']);
    expect(seen).toEqual(['eks', 'eks Throttled', 'eks']);
    // The SDK's own pages want a client of its own.
    expect(client).toBeInstanceOf(EKSClient);
    expect(paginateListAddons({ client }, { clusterName: CLUSTER })).toBeDefined();
  });

  it("reports a lasting refusal as without a wrapper, with the call and AWS's own text", async () => {
    mock.on(DescribeClusterCommand).rejects(throttling());
    const { around, seen } = noting();
    const eks = new AwsEks(aroundClient(new EKSClient({ region: 'eu-west-1' }), 'eks', around), CLUSTER);
    await expect(eks.describeCluster()).rejects.toMatchObject(
      anError('Throttled', textWith('eks:DescribeCluster: ThrottlingException: Rate exceeded')),
    );
    expect(seen).toEqual(['eks Throttled', 'eks Throttled', 'eks Throttled']);
  });

  it('passes on unchanged what the wrapper throws', async () => {
    const around: AroundCalls = () => Promise.reject(new MigrationError('OutOfTime', 'too little time'));
    const eks = new AwsEks(aroundClient(new EKSClient({ region: 'eu-west-1' }), 'eks', around), CLUSTER);
    await expect(eks.describeCluster()).rejects.toMatchObject({ name: 'OutOfTime', message: 'too little time' });
    const kubernetes = createHttpKubernetes({
      http: aroundHttp(() => Promise.reject(new Error('never')), around),
      endpoint: async () => ({ url: 'https://x' }),
      token: async () => 'token',
    });
    await expect(kubernetes.listNodes()).rejects.toMatchObject({ name: 'OutOfTime', message: 'too little time' });
  });

  it('lets the wrapper fetch the signing credentials before the call, and fetches them once', async () => {
    mock.on(DescribeClusterCommand).resolves({});
    const order: string[] = [];
    const credentials = async () => {
      order.push('session');
      return { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', expiration: new Date(Date.now() + 3_600_000) };
    };
    const around: AroundCalls = async (service, call, _, prepare) => {
      await prepare?.();
      order.push(service);
      return call();
    };
    const eks = new AwsEks(aroundClient(new EKSClient({ region: 'eu-west-1', credentials }), 'eks', around), CLUSTER);
    for (let call = 0; call < 2; call += 1) await eks.describeCluster();
    expect(order).toEqual(['session', 'eks', 'eks']);
  });

  it('without a wrapper, returns the client itself', () => {
    const client = new EKSClient({ region: 'eu-west-1' });
    const http: PlainHttp = () => Promise.reject(new Error('never'));
    expect(aroundClient(client, 'eks', undefined)).toBe(client);
    expect(aroundHttp(http, undefined)).toBe(http);
    expect(aroundClient(client, 'eks', noting().around).config).toBe(client.config);
  });
});
