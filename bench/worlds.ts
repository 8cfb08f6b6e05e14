/**
 * Measures worlds of many clusters: `node --expose-gc bench/worlds.ts [clusters ...]` (default 100 1000 2500), with
 * four add-ons each. Prints the CPU time to build a world, the memory that it keeps, and the time of a call each.
 */
import { DescribeAddonCommand } from '@aws-sdk/client-eks';
import { generateFleet } from '../cli/fleet/generate.ts';
import { ClientFactory } from '../lambdas/adapters/clients.ts';
import { createGateway } from '../sandbox/gateway/gateway.ts';
import { createEksService } from '../sandbox/eks/service.ts';
import { createKubernetesService } from '../sandbox/kubernetes/service.ts';
import { credentialsOf, operatorRoleArn } from '../sandbox/authorization/access-keys.ts';
import { inProcessTransport } from '../sandbox/transports/in-process.ts';
import { buildWorld, parseScenario } from '../sandbox/build/load.ts';

const CALLS = 300;
const REGION = 'eu-west-1';

const memory = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1e6;
};
/** Returns milliseconds of CPU time. */
const costOf = async <T>(run: () => T | Promise<T>): Promise<[cost: number, result: T]> => {
  const before = process.cpuUsage();
  const result = await run();
  const { user, system } = process.cpuUsage(before);
  return [(user + system) / 1000, result];
};

const sizes = process.argv.slice(2).map(Number);
for (const clusters of sizes.length > 0 ? sizes : [100, 1000, 2500]) {
  const fleet = generateFleet({ clusters, seed: 1, accounts: 1, regions: [REGION], addons: 4 });
  const scenario = parseScenario(fleet.scenario, 'fleet');
  const before = memory();
  const [built, world] = await costOf(() => buildWorld(scenario));
  const kept = memory() - before;
  const kubernetes = (cluster: Parameters<typeof createKubernetesService>[1]) =>
    createKubernetesService(world, cluster);
  const gateway = createGateway({
    world,
    clock: { now: () => world.schedule.now() },
    services: { eks: createEksService(world) },
    kubernetes,
  });
  const principalArn = operatorRoleArn(world);
  const eks = new ClientFactory({
    region: REGION,
    credentials: credentialsOf(world, principalArn),
    transport: inProcessTransport(gateway, world, { clients: 'direct' }),
  }).eks();
  const asked = Array.from(
    { length: CALLS },
    (_, index) => fleet.expected[Math.floor((index * fleet.expected.length) / CALLS)]!,
  );
  const describe = async (): Promise<void> => {
    for (const { cluster, addon } of asked)
      await eks.send(new DescribeAddonCommand({ clusterName: cluster, addonName: addon }));
  };
  const list = async (): Promise<void> => {
    for (const { account, cluster } of asked) {
      const server = kubernetes(world.accounts.get(account)!.clusters.get(`${REGION}/${cluster}`)!);
      const request = {
        method: 'GET',
        host: '',
        path: '/api/v1/namespaces/kube-system/pods',
        query: {},
        headers: {},
        body: new Uint8Array(),
      };
      await server(request, {
        caller: { accessKeyId: '', principalArn, account },
        region: REGION,
        describe: () => {},
        authorize: () => undefined,
      });
    }
  };
  await describe();
  const [described] = await costOf(describe);
  const [listed] = await costOf(list);
  const each = (cost: number): string => `${(cost / CALLS).toFixed(2)} ms`;
  console.log(
    `${clusters} clusters, ${fleet.expected.length} add-ons: built in ${built.toFixed(0)} ms, ${kept.toFixed(0)} MB kept; DescribeAddon ${each(described)}, list pods ${each(listed)}`,
  );
}
