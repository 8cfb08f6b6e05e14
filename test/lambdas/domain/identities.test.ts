import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  rolesToRead,
  type AddonFact,
  type IdentityFacts,
  type RoleFact,
} from '../../../lambdas/domain/identities/facts.ts';
import { graphOf } from '../../../lambdas/domain/identities/graph.ts';
import { report as reportSchema, type WorkloadIdentity } from '../../../lambdas/domain/identities/model.ts';
import { identitiesReport } from '../../../lambdas/domain/identities/report.ts';
import { nodeKinds, sourceOf, Tally, type NodeKinds } from '../../../lambdas/domain/identities/tally.ts';
import type { Pod } from '../../../lambdas/domain/kubernetes/objects.ts';
import type { Association } from '../../../lambdas/domain/terms/observed.ts';
import { parsePolicy } from '../../../lambdas/domain/policy/index.ts';
import { OTHER_ROLE, ROLE, target } from '../example.ts';
import { at } from '../run-examples.ts';
import { bothWays, irsaStatement, podIdentityStatement, policyText } from '../trust-examples.ts';
import { aCluster, aContainer, anAssociation, aPod, envOf, TOKENS } from '../eks-fixtures.ts';
import { said, containing, matching } from '../matchers.ts';

const APP = {
  namespace: 'shop',
  serviceAccount: 'orders',
  owner: { kind: 'Deployment', name: 'orders' },
  labels: { 'app.kubernetes.io/name': 'orders' },
};
const KEYS = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
const proxy = aContainer({ name: 'proxy' });
const TRUSTED: RoleFact = { trust: parsePolicy(bothWays, 'trust') };
const DRIVER: AddonFact = {
  name: 'aws-ebs-csi-driver',
  version: 'v1.38.1-eksbuild.1',
  namespace: 'kube-system',
  needsIam: true,
  podIdentity: ['ebs-csi-controller-sa'],
};

const { owner: _owner, labels: _labels, ...ACCOUNT } = APP;
const ASSOCIATION = anAssociation({ ...ACCOUNT, createdAt: at(-7200) });

const tallied = (pods: Pod[], nodes: NodeKinds = new Map()): Tally => {
  const tally = new Tally(nodes);
  tally.add(pods);
  return tally;
};

const factsOf = (pods: Pod[], change: Partial<IdentityFacts> = {}, nodes?: NodeKinds): IdentityFacts => ({
  target,
  takenAt: at(0),
  cluster: aCluster(),
  workloads: tallied(pods, nodes).workloads(),
  serviceAccounts: [],
  associations: [],
  addons: [DRIVER],
  agent: { addonStatus: 'ACTIVE', workload: { desired: 2, ready: 2 } },
  roles: new Map([[ROLE, TRUSTED]]),
  unread: [],
  ...change,
});

const reportOf = (...given: Parameters<typeof factsOf>) => reportSchema.parse(identitiesReport(factsOf(...given)));

/** The only workload of a report. */
const only = (...given: Parameters<typeof factsOf>): WorkloadIdentity => {
  const { workloads } = reportOf(...given);
  expect(workloads).toHaveLength(1);
  return workloads[0]!;
};
/** Returns the roles, as `by role pods`. */
const rolesOf = ({ roles }: WorkloadIdentity): string[] =>
  roles.map(({ by, roleArn, pods }) => `${by} ${roleArn ?? 'unknown'} ${pods}`);
/** Returns the obstacles, as `id:status`. */
const obstacles = (...given: Parameters<typeof factsOf>): string[] =>
  only(...given).obstacles.map(({ id, status }) => `${id}:${status}`);

describe('how a pod gets its credentials', () => {
  it.each(['pod-identity', 'irsa', 'node-role', 'mixed'] as const)('%s', (identity) =>
    expect(sourceOf(aPod(identity), undefined).source).toBe(identity),
  );

  it('by static keys, which go before anything else, also where their values come from a Secret', () => {
    const pod = aPod('irsa', { containers: [aContainer({ name: 'app', env: { ...envOf.irsa, ...KEYS } })] });
    expect(sourceOf(pod, undefined)).toEqual({
      source: 'static-keys',
      evidence: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the env of app',
    });
  });

  it('by static keys, where the other containers have nothing', () => {
    const keyed = aContainer({ env: { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 's' } });
    expect(sourceOf(aPod('node-role', { containers: [keyed, proxy] }), undefined).source).toBe('static-keys');
  });

  it('in more than one way, where one container has static keys and another a role', () => {
    const containers = [aContainer({ name: 'app', env: KEYS }), ...aPod('pod-identity').containers];
    expect(sourceOf(aPod('pod-identity', { containers }), undefined)).toMatchObject({
      source: 'mixed',
      evidence: matching(/in the env of app; other containers: AWS_CONTAINER_CREDENTIALS_FULL_URI/),
    });
  });

  it('does not take keys for given that an optional Secret may not have, and never tells their values', () => {
    const optional = { env: { ...envOf.irsa, ...KEYS }, optionalEnv: Object.keys(KEYS) };
    const containers = aPod('irsa').containers.map((one) => ({ ...one, ...optional }));
    expect(sourceOf(aPod('irsa', { containers }), undefined).source).toBe('irsa');
    const keys = { AWS_ACCESS_KEY_ID: 'AKIASECRET', AWS_SECRET_ACCESS_KEY: 'verysecret' };
    const literal = aPod('node-role', { containers: [aContainer({ env: keys })] });
    expect(JSON.stringify(reportOf([literal]))).not.toMatch(/AKIASECRET|verysecret/);
  });

  it('not at all on Fargate, where there is no node role to fall back to', () => {
    const sources = (['node-role', 'irsa'] as const).map((identity) => sourceOf(aPod(identity), 'Fargate').source);
    const labels = { 'eks.amazonaws.com/fargate-profile': 'shop' };
    expect([...sources, only([aPod('node-role', { ...APP, labels })]).identity]).toEqual(['none', 'irsa', 'none']);
  });
});

describe('the tally', () => {
  it('makes one workload of the pods of a controller and a service account, in a fixed order', () => {
    const pods = [
      aPod('irsa', { ...APP, name: 'orders-b', createdAt: at(-10) }),
      aPod('irsa', { ...APP, name: 'orders-a', createdAt: at(-20), ready: false }),
      aPod('irsa', { ...APP, name: 'orders-c', serviceAccount: 'orders-next' }),
      aPod('node-role', { ...APP, name: 'by-hand', owner: undefined }),
      aPod('node-role', { ...APP, name: 'mirror', owner: { kind: 'Node', name: 'node-1' } }),
      aPod('irsa', { ...APP, name: 'leaving', terminating: true }),
      aPod('irsa', { ...APP, name: 'done', phase: 'Succeeded' }),
    ];
    const named = (tally: Tally): string[] =>
      tally
        .workloads()
        .map(({ kind, name, serviceAccount, total, ready }) => `${kind}/${name} ${serviceAccount} ${ready}/${total}`);
    const expected = [
      'Deployment/orders orders 1/2',
      'Deployment/orders orders-next 1/1',
      'Pod/by-hand orders 1/1',
      'Pod/mirror orders 1/1',
    ];
    expect([named(tallied(pods)), named(tallied(pods.toReversed()))]).toEqual([expected, expected]);
    const [orders] = tallied(pods.toReversed()).workloads();
    expect(orders).toMatchObject({ since: at(-20), youngest: at(-10), example: { pod: 'orders-a' } });
  });

  it('is mixed where its pods differ, and shows one of those that are not on Pod Identity', () => {
    const pods = (['pod-identity', 'irsa', 'pod-identity'] as const).map((one, n) =>
      aPod(one, { ...APP, name: `p-${n}` }),
    );
    const workload = only(pods, { associations: [ASSOCIATION] });
    expect(workload).toMatchObject({
      identity: 'mixed',
      pods: { total: 3, by: { 'pod-identity': 2, irsa: 1 } },
      example: { pod: 'p-1' },
    });
    expect(rolesOf(workload)).toEqual([`association ${ROLE} 2`, `irsa ${ROLE} 1`]);
  });

  it('keeps no pod of the pages that it has counted', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const tally = new Tally(new Map());
    const seen: WeakRef<Pod>[] = [];
    const visit = (page: number): void => {
      const pods = Array.from({ length: 500 }, (_, index) => aPod('irsa', { ...APP, name: `orders-${page}-${index}` }));
      seen.push(...pods.map((pod) => new WeakRef(pod)));
      tally.add(pods);
    };
    for (let page = 0; page < 8; page += 1) visit(page);
    // A WeakRef holds its target until the turn is over.
    await turn();
    collect();
    expect(seen.filter((pod) => pod.deref() !== undefined)).toEqual([]);
    expect(tally.workloads()).toMatchObject([{ total: 4000, irsaRoles: new Map([[ROLE, 4000]]) }]);
  });
});

describe('obstacles', () => {
  const irsa = (change: Partial<Pod> = {}): Pod => aPod('irsa', { ...APP, ...change });
  const onNode = aPod('node-role', APP);
  const onPodIdentity = aPod('pod-identity', APP);
  const associated = { associations: [ASSOCIATION] };

  it('nothing, on Pod Identity', () => {
    const workload = only([onPodIdentity], { associations: [{ ...ASSOCIATION, targetRoleArn: OTHER_ROLE }] });
    const association = { id: ASSOCIATION.id, createdAt: at(-7200) };
    expect(workload).toMatchObject({ identity: 'pod-identity', obstacles: [], association });
    expect(rolesOf(workload)).toEqual([`association ${ROLE} 1`, `target ${OTHER_ROLE} 1`]);
  });

  it('no association: how to make one, and for an add-on its migration', () => {
    expect(only([irsa()]).obstacles).toMatchObject([
      {
        id: 'association',
        status: 'fail',
        remedy: `Create an association, then restart its pods: aws eks create-pod-identity-association --cluster-name dev --region eu-west-1 --namespace shop --service-account orders --role-arn ${ROLE}`,
      },
    ]);
    expect(only([aPod('irsa')])).toMatchObject({
      addon: { name: DRIVER.name, takesAssociation: true },
      obstacles: [{ id: 'association', remedy: containing('pod-identity migrate --cluster dev ') }],
    });
  });

  it('pods that are older than their association: a restart, by the command for their kind', () => {
    const younger = { associations: [anAssociation({ ...ASSOCIATION, createdAt: at(-60) })] };
    const restart = (pod: Pod) => only([pod], younger).obstacles[0];
    expect(restart(irsa())).toMatchObject({
      id: 'restart',
      status: 'fail',
      remedy: 'Restart the pods: kubectl rollout restart deployment/orders --namespace shop',
    });
    const ofJob = restart(irsa({ owner: { kind: 'Job', name: 'nightly' } }));
    expect(ofJob?.remedy).toBe('Make Job nightly recreate its pods: only new pods get it.');
    expect(restart(irsa({ owner: undefined }))?.remedy).toBe('Delete the pod and create it again.');
    expect(only([onNode], younger).obstacles).toMatchObject([{ id: 'restart' }]);
  });

  it('pods that are younger than their association: something else than their age', () => {
    expect(obstacles([irsa({ createdAt: at(-7150) })], associated)).toEqual(['restart:fail']);
    expect(obstacles([irsa({ createdAt: at(-7000) })], associated)).toEqual(['not-injected:fail']);
  });

  it('an association that is gone, for pods that have taken it', () => {
    expect(obstacles([onPodIdentity])).toEqual(['association:fail']);
    expect(only([onPodIdentity]).obstacles[0]?.message).toContain('EKS provides no credentials');
  });

  it('a trust policy that does not let EKS Pod Identity in, or may not', () => {
    const trust = (...statements: unknown[]) => ({
      roles: new Map<string, RoleFact>([[ROLE, { trust: parsePolicy(policyText(...statements), 'trust') }]]),
    });
    const [first] = only([irsa()], trust(irsaStatement)).obstacles.filter(({ id }) => id === 'trust');
    expect(first).toMatchObject(
      said('fail', 'does not allow EKS Pod Identity', `pod-identity trust repair --dry-run --role-arn ${ROLE}`),
    );
    const fromOffice = { ...podIdentityStatement, Condition: { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } } };
    expect(obstacles([irsa()], trust(fromOffice))).toContain('trust:unknown');
    const ofShop = { StringEquals: { 'aws:RequestTag/kubernetes-namespace': APP.namespace } };
    const byTags = { ...podIdentityStatement, Condition: ofShop };
    const byThem = (change: Partial<Association>) =>
      obstacles([onPodIdentity], { associations: [{ ...ASSOCIATION, ...change }], ...trust(byTags) });
    expect([byThem({}), byThem({ disableSessionTags: true })]).toEqual([[], ['trust:fail']]);
    expect(obstacles([onPodIdentity], { ...associated, ...trust(irsaStatement) })).toEqual(['trust:fail']);
  });

  it('a role that is not there, of another account, or may not be read', () => {
    const missing = { roles: new Map([[ROLE, 'missing' as const]]) };
    expect(obstacles([irsa()], missing)).toEqual(['association:fail', 'role-exists:fail']);
    expect(obstacles([irsa()], { roles: new Map([[ROLE, 'unread']]) })).toEqual(['association:fail', 'trust:unknown']);
    const elsewhere = 'arn:aws:iam::444455556666:role/orders';
    const found = obstacles([irsa({ containers: [aContainer({ env: { ...envOf.irsa, AWS_ROLE_ARN: elsewhere } })] })]);
    expect(found).toEqual(['association:fail', 'role-account:fail']);
  });

  it('nodes without Pod Identity', () => {
    const nodes = nodeKinds([
      { name: 'fargate-1', ready: true, os: 'linux', compute: 'fargate' },
      { name: 'windows-1', ready: true, os: 'windows', compute: 'ec2' },
      { name: 'hybrid-1', ready: true, os: 'linux', compute: 'hybrid' },
    ]);
    expect(only([irsa({ node: 'fargate-1' })], {}, nodes).obstacles[0]).toMatchObject({
      id: 'compute',
      status: 'fail',
      message: 'Its pod runs on Fargate, where EKS Pod Identity is not supported.',
    });
    expect(only([irsa({ node: 'windows-1' }), irsa({ node: 'node-1' })], {}, nodes).obstacles[0]?.message).toBe(
      '1 of its 2 pods run on Windows, where EKS Pod Identity is not supported.',
    );
    expect(obstacles([irsa({ node: 'hybrid-1' })], {}, nodes)).toEqual(['association:fail']);
  });

  it('static keys, whatever else the pods have, and a restart does not help then', () => {
    const keyed = irsa({ containers: [aContainer({ name: 'app', env: { ...envOf.irsa, ...KEYS } })] });
    expect(obstacles([keyed], associated)).toEqual(['static-keys:fail']);
  });

  it('an agent that is missing, not ready everywhere, or unknown: for those that need it', () => {
    const absent = { agent: {} };
    expect(obstacles([irsa()], absent)).toEqual(['agent:fail', 'association:fail']);
    expect(obstacles([onNode], absent)).toEqual(['own-role:warn']);
    const agent = (change: Partial<IdentityFacts>) => reportOf([irsa()], change).agent;
    expect(agent({ agent: { workload: { desired: 3, ready: 2 } } })).toMatchObject(said('fail', '2 of 3'));
    expect(agent({ agent: { addonStatus: 'DEGRADED' } }).status).toBe('fail');
    expect(agent({ agent: { error: 'no right' } }).status).toBe('unknown');
    expect(agent({ ...absent, cluster: aCluster({ autoMode: true }) }).status).toBe('pass');
  });

  it('an add-on whose version takes no associations; for a service account that it does not speak of, one of its own', () => {
    expect(obstacles([aPod('irsa')], { addons: [{ ...DRIVER, podIdentity: [] }] })).toEqual([
      'addon-support:fail',
      'association:fail',
    ]);
    const { podIdentity: _, ...unread } = DRIVER;
    expect(obstacles([aPod('irsa')], { addons: [unread] })).toEqual(['association:fail', 'addon-support:unknown']);
    expect(only([aPod('irsa', { serviceAccount: 'ebs-csi-node-sa' })])).toMatchObject({
      addon: { takesAssociation: false },
      obstacles: [{ id: 'association', message: containing('supports none for it') }],
    });
  });

  it('nothing, for an add-on that calls no AWS API', () => {
    const dns: AddonFact = { ...DRIVER, name: 'coredns', needsIam: false, podIdentity: [] };
    const owner = { kind: 'Deployment', name: 'coredns' };
    const pod = aPod('node-role', { owner, serviceAccount: 'coredns', labels: {} });
    expect(obstacles([pod], { addons: [dns] })).toEqual([]);
    // The service account that EKS names decides, before any label.
    const labelled = aPod('irsa', { labels: { 'app.kubernetes.io/name': 'coredns' } });
    expect(only([labelled], { addons: [dns, DRIVER] }).addon?.name).toBe(DRIVER.name);
    expect(obstacles([pod])).toEqual(['own-role:warn']);
  });

  it('an annotation that the pods do not follow', () => {
    const annotated = (roleArn: string) => ({
      serviceAccounts: [{ namespace: 'shop', name: 'orders', roleArn }],
      roles: new Map([ROLE, OTHER_ROLE].map((role) => [role, TRUSTED])),
    });
    expect(obstacles([irsa()], annotated(ROLE))).toEqual(['association:fail']);
    expect(only([irsa()], annotated(OTHER_ROLE))).toMatchObject({
      annotatedRole: OTHER_ROLE,
      roles: [{ by: 'irsa', roleArn: ROLE }],
    });
    expect(obstacles([irsa()], annotated(OTHER_ROLE))).toEqual(['association:fail', 'annotation:warn']);
    expect(obstacles([onNode], annotated(ROLE))).toEqual(['association:fail', 'annotation:warn']);
  });

  it('associations that may not be read: nobody knows', () => {
    const unread = [{ what: 'the associations', why: 'no right' }];
    expect(obstacles([irsa()], { associations: undefined, unread })).toEqual(['association:unknown']);
  });
});

describe('the report', () => {
  it('names the role of the node where there is only one that it can be', () => {
    const node = 'arn:aws:iam::111122223333:role/nodes';
    const roles = (...nodeRoles: string[]) => only([aPod('node-role', APP)], { nodeRoles }).roles;
    expect(roles(node)).toEqual([{ by: 'node', roleArn: node, pods: 1 }]);
    expect(roles(node, OTHER_ROLE)).toEqual([{ by: 'node', pods: 1 }]);
  });

  it('asks for each role of the account once', () => {
    const containers = [aContainer({ env: { AWS_ROLE_ARN: 'arn:aws:iam::444455556666:role/far' } })];
    const far = aPod('irsa', { ...APP, name: 'x', serviceAccount: 'far', containers });
    expect(rolesToRead(factsOf([aPod('irsa', APP), aPod('irsa'), far]))).toEqual([ROLE]);
    const associations = [anAssociation({ ...ASSOCIATION, roleArn: OTHER_ROLE })];
    expect(rolesToRead(factsOf([aPod('irsa', APP)], { associations }))).toEqual([OTHER_ROLE]);
  });

  it('counts by workloads and by pods', () => {
    const agent = aPod('node-role', { ...APP, owner: { kind: 'DaemonSet', name: 'agent' } });
    const pods = [aPod('irsa', APP), aPod('pod-identity', { ...APP, name: 'b' }), agent];
    expect(reportOf(pods, { associations: [ASSOCIATION] }).totals).toEqual({
      workloads: 2,
      pods: 3,
      byWorkloads: { mixed: 1, 'node-role': 1 },
      byPods: { 'pod-identity': 1, irsa: 1, 'node-role': 1 },
    });
  });

  it('finds roles whose trust lets service accounts in that nothing gives them to', () => {
    const driver = { namespace: 'kube-system', name: 'ebs-csi-controller-sa', roleArn: OTHER_ROLE };
    const policy = parsePolicy(policyText(irsaStatement), 'trust');
    const trusting = new Map([ROLE, OTHER_ROLE].map((role) => [role, policy]));
    const facts = { serviceAccounts: [driver, { namespace: 'shop', name: 'orders' }], trusting };
    const allowed = [{ name: 'kube-system/ebs-csi-controller-sa', verdict: 'allowed' }];
    const found = reportOf([aPod('irsa', APP)], facts).trustedRoles;
    expect(found).toEqual([{ roleArn: ROLE, serviceAccounts: allowed }]);
    expect(reportOf([aPod('irsa', APP)], { ...facts, namespace: 'shop' }).trustedRoles).toEqual([]);
    expect(reportOf([aPod('irsa', APP)])).not.toHaveProperty('trustedRoles');
  });
});

it('the graph has an edge for each way in which pods of a service account get a role', () => {
  const keyed = aPod('node-role', {
    ...APP,
    name: 'k',
    owner: { kind: 'Deployment', name: 'keyed' },
    containers: [aContainer({ env: KEYS })],
    tokens: [TOKENS.irsa],
  });
  const pods = [
    aPod('pod-identity', { ...APP, name: 'p' }),
    aPod('irsa', { ...APP, name: 'i' }),
    aPod('irsa', { ...APP, name: 'j', owner: { kind: 'DaemonSet', name: 'd' } }),
    keyed,
    aPod('node-role', { name: 'n' }),
  ];
  const associations = [anAssociation({ ...ASSOCIATION, targetRoleArn: OTHER_ROLE })];
  const graph = graphOf(reportOf(pods, { associations }));
  expect(graph.accounts).toEqual([
    { name: 'kube-system/ebs-csi-controller-sa', pods: 1, identity: 'node-role' },
    { name: 'shop/orders', pods: 4, identity: 'mixed' },
  ]);
  expect(graph.roles).toEqual([ROLE, OTHER_ROLE, 'node role', 'static keys'].sort());
  expect(graph.edges).toEqual(
    expect.arrayContaining([
      { from: 'shop/orders', to: ROLE, by: 'association', pods: 1 },
      { from: 'shop/orders', to: ROLE, by: 'irsa', pods: 2 },
      { from: 'shop/orders', to: 'static keys', by: 'static-keys', pods: 1 },
      { from: ROLE, to: OTHER_ROLE, by: 'target', pods: 1 },
      { from: 'kube-system/ebs-csi-controller-sa', to: 'node role', by: 'node', pods: 1 },
    ]),
  );
  expect(graph.edges).toHaveLength(5);
});
