/** Taints and tolerations of a scenario: where the pods of add-ons and workloads run, and who gets credentials there. */
import { describe, expect, it } from 'vitest';
import { credentialsOfPod } from '../../../sandbox/credentials/sessions.ts';
import { deletePod } from '../../../sandbox/kubernetes/controllers.ts';
import { addFargateProfile } from '../../../sandbox/kubernetes/lost-nodes.ts';
import { computeOf } from '../../../sandbox/world/nodes.ts';
import type { Pod } from '../../../sandbox/objects/objects.ts';
import { getObject, listObjects } from '../../../sandbox/objects/store.ts';
import { buildWorld, parseScenario } from '../../../sandbox/build/load.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import { ACCOUNT, ROLE, scenarioFile } from '../support.ts';

const SINCE = '2025-12-01T08:00:00.000Z';
const GPU = { key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' };
const TOLERATES = [{ key: 'nvidia.com/gpu', operator: 'Exists' }];
const addon = (name: string, version: string, more: object = {}): object => ({
  name,
  version,
  createdAt: SINCE,
  ...more,
});
const agent = (more: object = {}): object => addon('eks-pod-identity-agent', 'v1.3.4-eksbuild.1', more);
const NODES = [{ count: 2 }, { count: 1, labels: { pool: 'gpu' }, taints: [GPU] }];

const build = (parts: object): { world: World; cluster: ClusterState } => {
  const file = scenarioFile();
  const associations = [
    { namespace: 'ml', serviceAccount: 'train', roleArn: ROLE, createdAt: '2025-01-01T00:00:00.000Z' },
  ];
  Object.assign(file.accounts[0]!.clusters[0]!, { nodes: NODES, addons: [agent()], associations, ...parts });
  const world = buildWorld(parseScenario(file, 'test'));
  return { world, cluster: [...world.accounts.get(ACCOUNT)!.clusters.values()][0]! };
};
const train = (more: object = {}): object => ({
  kind: 'Deployment',
  namespace: 'ml',
  name: 'train',
  serviceAccount: 'train',
  replicas: 3,
  createdAt: SINCE,
  ...more,
});
const podsOf = ({ kube }: ClusterState, name: string): Pod[] =>
  listObjects(kube, 'Pod').filter(({ metadata }) => metadata.name.startsWith(`${name}-`));
const daemonSet = ({ kube }: ClusterState, name: string) => getObject(kube, 'DaemonSet', 'kube-system', name)!.status;
const taintedNode = ({ kube }: ClusterState): string =>
  listObjects(kube, 'Node').find(({ spec }) => spec?.['taints'] !== undefined)!.metadata.name;

describe('nodes with taints', () => {
  it('show them, and are for pods that tolerate them', () => {
    const { cluster } = build({ workloads: [train(), train({ name: 'gpu', tolerations: TOLERATES })] });
    const tainted = taintedNode(cluster);
    expect(getObject(cluster.kube, 'Node', undefined, tainted)!.spec).toMatchObject({ taints: [GPU] });
    expect(podsOf(cluster, 'train').map(({ spec }) => spec.nodeName)).not.toContain(tainted);
    expect(podsOf(cluster, 'gpu').map(({ spec }) => spec.nodeName)).toContain(tainted);
    expect(podsOf(cluster, 'gpu')[0]!.spec.tolerations).toEqual(TOLERATES);
    expect(podsOf(cluster, 'train')[0]!.spec.tolerations).toBeUndefined();
  });

  it('have the DaemonSets that run on every node, as their charts do', () => {
    const { cluster } = build({
      addons: [agent(), addon('vpc-cni', 'v1.19.2-eksbuild.1'), addon('kube-proxy', 'v1.31.7-eksbuild.7')],
    });
    for (const name of ['eks-pod-identity-agent', 'aws-node', 'kube-proxy'])
      expect([name, daemonSet(cluster, name)]).toMatchObject([name, { desiredNumberScheduled: 3, numberReady: 3 }]);
  });

  it('lack the agent if its configuration values set other tolerations: its pods get no credentials there', () => {
    const configurationValues = '{"tolerations":[{"key":"CriticalAddonsOnly","operator":"Exists"}]}';
    const workloads = [train({ tolerations: TOLERATES })];
    const { world, cluster } = build({ addons: [agent({ configurationValues })], workloads });
    const tainted = taintedNode(cluster);
    expect(daemonSet(cluster, 'eks-pod-identity-agent')).toMatchObject({ desiredNumberScheduled: 2, numberReady: 2 });
    for (const pod of podsOf(cluster, 'train')) {
      const [got] = credentialsOfPod(world, cluster, pod);
      expect(got?.refused?.code).toBe(pod.spec.nodeName === tainted ? 'AgentUnreachable' : undefined);
    }
    expect(podsOf(cluster, 'train').some(({ spec }) => spec.nodeName === tainted)).toBe(true);
  });

  it('can be those of Fargate, whose pods get the toleration of their profile', () => {
    const nodes = [{ count: 1 }, { count: 1, compute: 'fargate' }];
    const { cluster } = build({ nodes, fargateProfiles: [{ name: 'ml', namespace: 'ml' }], workloads: [train()] });
    const fargate = listObjects(cluster.kube, 'Node').find((node) => computeOf(node) === 'fargate')!.metadata.name;
    expect(new Set(podsOf(cluster, 'train').map(({ spec }) => spec.nodeName))).toEqual(new Set([fargate]));
  });

  it.each([
    ['m?', { 'ap*': 'tr*n' }, ['fargate']],
    ['m?', { app: 'tr?n' }, [undefined]],
    ['m?l', {}, [undefined]],
  ])('of Fargate get new pods in namespace %s with labels %j once a profile exists', (namespace, labels, expected) => {
    const { world, cluster } = build({ nodes: 1, workloads: [train()] });
    addFargateProfile({ world, cluster }, world.schedule.now(), { name: 'later', namespace, labels });
    for (const { metadata } of podsOf(cluster, 'train'))
      deletePod(world, cluster, { namespace: 'ml', name: metadata.name });
    world.schedule.advanceTo(world.schedule.now() + 600_000);
    const pods = podsOf(cluster, 'train');
    const nodes = pods.map(({ spec }) => getObject(cluster.kube, 'Node', undefined, spec.nodeName!)!);
    expect([...new Set(nodes.map(computeOf))]).toEqual(expected);
    expect(pods.map((pod) => credentialsOfPod(world, cluster, pod)[0]?.refused?.code)).toEqual(
      Array(3).fill(expected[0] && 'AgentUnreachable'),
    );
  });

  it('may join later, in place of a lost node', () => {
    const replacement = { labels: { pool: 'gpu' }, taints: [GPU] };
    const nodeLosses = [{ afterSeconds: 10, goneAfterSeconds: 20, replacedAfterSeconds: 30, replacement }];
    const configurationValues = '{"tolerations":[]}';
    const addons = [agent({ configurationValues })];
    const { world, cluster } = build({ nodes: 2, nodeLosses, addons, workloads: [train()] });
    world.schedule.advanceTo(world.schedule.now() + 600_000);
    expect(getObject(cluster.kube, 'Node', undefined, taintedNode(cluster))).toMatchObject({
      metadata: { labels: { pool: 'gpu' } },
      spec: { taints: [GPU] },
    });
    expect(daemonSet(cluster, 'eks-pod-identity-agent')).toMatchObject({ desiredNumberScheduled: 1 });
    expect(podsOf(cluster, 'train').map(({ spec }) => spec.nodeName)).not.toContain(taintedNode(cluster));
  });

  it('cannot be tolerated without a key, except all of them', () =>
    expect(() => build({ workloads: [train({ tolerations: [{ value: 'x' }] })] })).toThrow(
      'workloads[0].tolerations[0].operator: must be Exists if there is no key',
    ));
});
