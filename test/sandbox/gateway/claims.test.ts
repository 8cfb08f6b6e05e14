/** Callers in this process, which name their key instead of signing with it. */
import { ListClustersCommand } from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { ClientFactory } from '../../../lambdas/adapters/clients.ts';
import { claimToken } from '../../../sandbox/claim.ts';
import { createEksService } from '../../../sandbox/eks/service.ts';
import { issueAccessKey } from '../../../sandbox/authorization/access-keys.ts';
import { inProcessTransport } from '../../../sandbox/transports/in-process.ts';
import { ACCOUNT, newWorld, openGateway, operator, REGION } from '../support.ts';
import { containing, expectError } from '../../lambdas/matchers.ts';

const open = () => {
  const world = newWorld();
  const gateway = openGateway(world, { eks: createEksService(world) });
  const transport = inProcessTransport(gateway, world, { clients: 'direct' });
  const cluster = world.accounts.get(ACCOUNT)!.clusters.get(`${REGION}/dev`)!;
  const { accessKeyId, sessionToken } = operator(world);
  const key = { accessKeyId, ...(sessionToken === undefined ? {} : { sessionToken }) };
  const listPods = (token: string) =>
    transport.http({
      method: 'GET',
      url: `${cluster.endpoint}/api/v1/pods`,
      headers: { authorization: `Bearer ${token}` },
      certificateAuthority: cluster.certificateAuthority,
    });
  return { world, gateway, transport, cluster, key, listPods };
};

describe('a claim', () => {
  it('is accepted only by the cluster that it is for', async () => {
    const { world, listPods, key } = open();
    expect(await listPods(claimToken({ ...key, cluster: 'dev' }))).toMatchObject({ status: 200 });
    expect(await listPods(claimToken({ ...key, cluster: 'prod' }))).toMatchObject({ status: 401 });
    expect(world.log.calls.at(-1)).toMatchObject({
      status: 401,
      input: { refused: containing('The request signature we calculated does not match') },
    });
  });

  it('is refused for an unknown or expired key', async () => {
    const { world, transport, listPods } = open();
    expect(await listPods(claimToken({ accessKeyId: 'ASIANOBODY', cluster: 'dev' }))).toMatchObject({ status: 401 });
    const expired = issueAccessKey(world, 'arn:aws:iam::111122223333:role/operator', { expiresAt: Date.now() - 1 });
    const clients = new ClientFactory({ region: REGION, credentials: expired, transport });
    await expectError(clients.eks().send(new ListClustersCommand({})), 'ExpiredTokenException');
  });

  it('cannot be carried by a request itself', async () => {
    const { gateway, cluster, key } = open();
    const request = {
      method: 'GET',
      path: '/api/v1/pods',
      query: {},
      body: new Uint8Array(),
      host: new URL(cluster.endpoint).host,
      headers: { authorization: `Bearer ${claimToken({ ...key, cluster: 'dev' })}` },
    };
    expect(await gateway.handle(request)).toMatchObject({ status: 401 });
    expect(await gateway.handle({ ...request, host: `eks.${REGION}.amazonaws.com`, path: '/clusters' })).toMatchObject({
      status: 403,
    });
  });
});
