/** Nodes of a scenario, what runs on them, and user settings in the pods of an add-on. */
import { describe, expect, it } from 'vitest';
import type { EnvVar, KubeObject, Pod } from '../../../sandbox/objects/objects.ts';
import { buildWorld, parseScenario } from '../../../sandbox/build/load.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import { matching } from '../../lambdas/matchers.ts';
import { ACCOUNT, ROLE, scenarioFile } from '../support.ts';

const SINCE = '2025-12-01T08:00:00.000Z';
const AGENT = { name: 'eks-pod-identity-agent', version: 'v1.3.4-eksbuild.1', createdAt: SINCE };
const EBS = {
  name: 'aws-ebs-csi-driver',
  version: 'v1.38.1-eksbuild.1',
  createdAt: SINCE,
  serviceAccountRoleArn: ROLE,
};
const build = (parts: object, knobs: object = {}): { world: World; cluster: ClusterState } => {
  const file = scenarioFile();
  Object.assign(file.accounts[0]!.clusters[0]!, { addons: [AGENT, EBS], ...parts });
  const world = buildWorld(parseScenario({ ...file, knobs }, 'test'));
  return { world, cluster: [...world.accounts.get(ACCOUNT)!.clusters.values()][0]! };
};
const objectsOf = <T extends KubeObject = KubeObject>(cluster: ClusterState, kind: string): T[] =>
  [...cluster.kube.objects.get(kind)!.values()] as T[];
const podsOf = (cluster: ClusterState, name: string): Pod[] =>
  objectsOf<Pod>(cluster, 'pods.').filter(({ metadata }) => metadata.name.startsWith(`${name}-`));
const nodeNamesOf = (cluster: ClusterState, name: string): (string | undefined)[] =>
  podsOf(cluster, name).map(({ spec }) => spec.nodeName);
/** The nodes of these pods, in their order. */
const nodesOf = (cluster: ClusterState, name: string): KubeObject[] =>
  nodeNamesOf(cluster, name).map((of) => objectsOf(cluster, 'nodes.').find(({ metadata }) => metadata.name === of)!);
const osOf = ({ metadata }: KubeObject): string => metadata.labels!['kubernetes.io/os']!;
const web = (more: object) => ({ kind: 'Deployment', namespace: 'shop', name: 'web', createdAt: SINCE, ...more });
const computeOf = ({ metadata }: KubeObject): string | undefined => metadata.labels?.['eks.amazonaws.com/compute-type'];
const isReady = ({ status }: KubeObject): boolean =>
  (status!['conditions'] as { type: string; status: string }[]).some(
    ({ type, status: is }) => type === 'Ready' && is === 'True',
  );
const statusOf = (cluster: ClusterState, kind: string, name: string): Record<string, unknown> =>
  objectsOf(cluster, kind).find(({ metadata }) => metadata.name === name)!.status!;

describe('nodes', () => {
  it('can be a number: ready, Linux, on EC2', () => {
    const { cluster } = build({ nodes: 3 });
    const groups = build({ nodes: [{ count: 3 }] });
    expect(objectsOf(groups.cluster, 'nodes.')).toEqual(objectsOf(cluster, 'nodes.'));
    const seen = objectsOf(cluster, 'nodes.').map((each) => [computeOf(each), osOf(each), isReady(each)]);
    expect(seen).toEqual(Array.from({ length: 3 }, () => [undefined, 'linux', true]));
  });

  it.each([
    [{ compute: 'fargate' }, /^fargate-ip-10-0-/, { 'eks.amazonaws.com/compute-type': 'fargate' }],
    [{ compute: 'hybrid' }, /^mi-[0-9a-f]{17}$/, { 'eks.amazonaws.com/compute-type': 'hybrid' }],
    [{ os: 'windows' }, /^ip-10-0-/, { 'kubernetes.io/os': 'windows' }],
    [{}, /^ip-10-0-/, { 'kubernetes.io/os': 'linux', 'eks.amazonaws.com/nodegroup': 'default' }],
  ])('%j', (group, name, labels) => {
    const [only] = objectsOf(build({ nodes: [{ count: 1, ...group }], addons: [] }).cluster, 'nodes.');
    expect(only).toMatchObject({ metadata: { name: expect.stringMatching(name) as string, labels } });
  });

  it('belong to Auto Mode in a cluster with it, unless a group sets another type', () => {
    const { cluster } = build({ autoMode: true, addons: [], nodes: [{ count: 1 }, { count: 1, compute: 'ec2' }] });
    expect(objectsOf(cluster, 'nodes.').map(computeOf)).toEqual(['auto', undefined]);
  });

  it('that are not ready have no ready pods, and get none of a Deployment', () => {
    const { cluster } = build({ nodes: [{ count: 1 }, { count: 1, ready: false }] });
    const broken = objectsOf(cluster, 'nodes.').find((each) => !isReady(each))!.metadata.name;
    expect(nodeNamesOf(cluster, 'ebs-csi-controller')).not.toContain(broken);
    expect(podsOf(cluster, 'ebs-csi-node').map((pod) => [pod.spec.nodeName === broken, isReady(pod)])).toEqual([
      [false, true],
      [true, false],
    ]);
    const counts = { desiredNumberScheduled: 2, numberReady: 1 };
    expect(statusOf(cluster, 'daemonsets.apps', 'ebs-csi-node')).toMatchObject(counts);
  });
});

describe('DaemonSets', () => {
  it('run only on Linux nodes of EC2, and are complete there', () => {
    const others = [{ os: 'windows' }, { compute: 'fargate' }, { compute: 'hybrid' }];
    const { world, cluster } = build({ nodes: [{ count: 2 }, ...others.map((one) => ({ count: 1, ...one }))] });
    for (const name of ['ebs-csi-node', 'eks-pod-identity-agent']) {
      const seen = nodesOf(cluster, name).map((each) => [computeOf(each), osOf(each)]);
      expect(seen).toEqual(Array.from({ length: 2 }, () => [undefined, 'linux']));
      expect(statusOf(cluster, 'daemonsets.apps', name)).toMatchObject({ desiredNumberScheduled: 2, numberReady: 2 });
    }
    world.schedule.advanceTo(world.schedule.now() + 600_000);
    expect(podsOf(cluster, 'ebs-csi-node')).toHaveLength(2);
  });

  it("run on Auto Mode too, except for the agent's", () => {
    const { cluster } = build({ autoMode: true, nodes: [{ count: 2 }, { count: 1, compute: 'ec2' }] });
    expect(podsOf(cluster, 'ebs-csi-node')).toHaveLength(3);
    expect(nodesOf(cluster, 'eks-pod-identity-agent').map(computeOf)).toEqual([undefined]);
  });

  it('of the agent never become ready if the scenario defines it, while other pods do', () => {
    const { world, cluster } = build({ nodes: [{ count: 2 }, { count: 1, agentReady: false }] });
    world.schedule.advanceTo(world.schedule.now() + 600_000);
    const counts = { desiredNumberScheduled: 3, numberReady: 2, numberUnavailable: 1 };
    expect(statusOf(cluster, 'daemonsets.apps', 'eks-pod-identity-agent')).toMatchObject(counts);
    expect(statusOf(cluster, 'daemonsets.apps', 'ebs-csi-node')).toMatchObject({ numberReady: 3 });
  });
});

describe('Deployments', () => {
  const PROFILE = { name: 'controllers', namespace: 'kube-system', labels: { app: 'ebs-csi-controller' } };

  it('run on Fargate if a profile selects them, and no other pods do', () => {
    const { cluster } = build({
      nodes: [{ count: 2 }, { count: 2, compute: 'fargate' }],
      fargateProfiles: [{ ...PROFILE, name: 'other', namespace: 'shop' }, PROFILE],
      workloads: [web({ replicas: 4 })],
    });
    const pods = podsOf(cluster, 'ebs-csi-controller');
    const profiles = pods.map((pod) => [pod.metadata.labels!['eks.amazonaws.com/fargate-profile'], isReady(pod)]);
    expect(profiles).toEqual(Array.from({ length: 2 }, () => ['controllers', true]));
    expect(nodesOf(cluster, 'ebs-csi-controller').map(computeOf)).toEqual(['fargate', 'fargate']);
    expect(nodesOf(cluster, 'web').map(computeOf)).toEqual(Array(4).fill(undefined));
  });

  it('run on nodes that match their node selector; if none does, they stay pending', () => {
    const workloads = [web({ nodeSelector: { 'kubernetes.io/os': 'windows' }, hostNetwork: true })];
    const { cluster } = build({ nodes: [{ count: 2 }, { count: 1, os: 'windows' }], workloads });
    const [pod] = podsOf(cluster, 'web');
    expect([nodesOf(cluster, 'web').map(osOf), pod!.spec.hostNetwork]).toEqual([['windows'], true]);
    const without = build({ nodes: 2, workloads });
    expect(podsOf(without.cluster, 'web').map(({ spec, status }) => [spec.nodeName, status.phase])).toEqual([
      [undefined, 'Pending'],
    ]);
  });

  it('run on a hybrid node only if they select it', () => {
    const nodes = [{ count: 1 }, { count: 1, compute: 'hybrid' }];
    const [onEc2, hybrid] = [matching(/^ip-/), matching(/^mi-/)];
    expect(nodeNamesOf(build({ nodes }).cluster, 'ebs-csi-controller')).toEqual([onEc2, onEc2]);
    const nodeSelector = { 'eks.amazonaws.com/compute-type': 'hybrid' };
    const { cluster } = build({ nodes, addons: [{ ...EBS, nodeSelector }] });
    expect(nodeNamesOf(cluster, 'ebs-csi-controller')).toEqual([hybrid, hybrid]);
    expect(nodeNamesOf(cluster, 'ebs-csi-node')).toEqual([onEc2]);
  });
});

describe('environment', () => {
  const envOf = (pod: Pod, container: string): Record<string, EnvVar> =>
    Object.fromEntries(
      (pod.spec.containers.find(({ name }) => name === container)!.env ?? []).map((one) => [one.name, one]),
    );

  it('variables that were added to an add-on are in its template and pods, in the right containers', () => {
    const secret = { name: 'aws-secret', key: 'key_id', optional: true };
    const extraEnv = [
      { workload: 'ebs-csi-controller', container: 'ebs-plugin', name: 'AWS_ACCESS_KEY_ID', secret },
      { name: 'HTTP_PROXY', value: 'http://proxy:3128' },
    ];
    const { cluster } = build({ addons: [{ ...EBS, extraEnv }] });
    const [controller] = podsOf(cluster, 'ebs-csi-controller');
    expect(envOf(controller!, 'ebs-plugin')).toMatchObject({
      AWS_ACCESS_KEY_ID: { valueFrom: { secretKeyRef: secret } },
      HTTP_PROXY: { value: 'http://proxy:3128' },
      AWS_ROLE_ARN: { value: ROLE },
    });
    expect(Object.keys(envOf(controller!, 'csi-attacher'))).not.toContain('AWS_ACCESS_KEY_ID');
    expect(envOf(podsOf(cluster, 'ebs-csi-node')[0]!, 'ebs-plugin')).toEqual({
      HTTP_PROXY: { name: 'HTTP_PROXY', value: 'http://proxy:3128' },
    });
  });

  it('variables that a container already has keep the webhook from adding the same', () => {
    const annotated = web({
      serviceAccount: 'web',
      serviceAccountAnnotations: { 'eks.amazonaws.com/role-arn': ROLE },
      containers: [{ name: 'web', image: 'web', env: [{ name: 'AWS_ROLE_ARN', value: 'own' }] }],
    });
    const env = envOf(podsOf(build({ workloads: [annotated] }).cluster, 'web')[0]!, 'web');
    expect(env).toMatchObject({ AWS_ROLE_ARN: { value: 'own' } });
    expect(env).not.toHaveProperty('AWS_WEB_IDENTITY_TOKEN_FILE');
  });
});

describe("EKS's webhook", () => {
  const configurations = (cluster: ClusterState): KubeObject[] =>
    objectsOf(cluster, 'mutatingwebhookconfigurations.admissionregistration.k8s.io');

  it.each(['Ignore', 'Fail'])('exists with failure policy %s', (failurePolicy) => {
    const webhook = { name: 'iam-for-pods.amazonaws.com', failurePolicy, admissionReviewVersions: ['v1beta1'] };
    expect(configurations(build({ podIdentityWebhook: failurePolicy }).cluster)).toMatchObject([
      { metadata: { name: 'pod-identity-webhook' }, webhooks: [webhook] },
    ]);
  });
  it('does not change existing pods if it is deleted', () => {
    const { cluster } = build({ podIdentityWebhook: 'absent' });
    expect(configurations(cluster)).toEqual([]);
    expect(JSON.stringify(podsOf(cluster, 'ebs-csi-controller')[0]!.spec)).toContain('AWS_WEB_IDENTITY_TOKEN_FILE');
  });
});

describe("the nodes' role", () => {
  const roleOf = (world: World, name: string): string[] | undefined =>
    world.accounts
      .get(ACCOUNT)!
      .roles.get(name)
      ?.attachedPolicies.map(({ arn }) => arn.replace('arn:aws:iam::aws:policy/', ''));

  it("is created with AWS's recommended policies, and has an access entry", () => {
    const { world, cluster } = build({});
    expect(roleOf(world, 'dev-nodes')).toEqual([
      'AmazonEKSWorkerNodePolicy',
      'AmazonEC2ContainerRegistryPullOnly',
      'AmazonEKS_CNI_Policy',
    ]);
    const entry = { type: 'EC2_LINUX', kubernetesGroups: [], policies: [] };
    expect(cluster.accessEntries.get(`arn:aws:iam::${ACCOUNT}:role/dev-nodes`)).toMatchObject(entry);
    const auto = build({ autoMode: true });
    expect(roleOf(auto.world, 'dev-nodes')).toContain('AmazonEKSWorkerNodeMinimalPolicy');
    expect(auto.cluster.accessEntries.get(`arn:aws:iam::${ACCOUNT}:role/dev-nodes`)?.type).toBe('EC2');
  });
  it("is the scenario's if it names one, and is not created if the scenario lists access entries", () => {
    const named = build({ nodeRoleArn: ROLE });
    expect(roleOf(named.world, 'dev-nodes')).toBeUndefined();
    expect(named.cluster.accessEntries.get(ROLE)?.type).toBe('EC2_LINUX');
    const listed = build({ accessEntries: [] });
    expect([roleOf(listed.world, 'dev-nodes'), listed.cluster.accessEntries.size]).toEqual([undefined, 0]);
  });
});
