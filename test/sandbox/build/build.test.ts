import { describe, expect, it } from 'vitest';
import type { BuildOptions } from '../../../sandbox/build/build.ts';
import { buildWorld, parseScenario, readScenario } from '../../../sandbox/build/load.ts';
import type { KubeObject } from '../../../sandbox/objects/objects.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import { matching } from '../../lambdas/matchers.ts';
import { ACCOUNT, REGION, ROLE, newWorld, scenarioFile } from '../support.ts';

const ebs = (): ReturnType<typeof readScenario> =>
  readScenario(new URL('../../../sandbox/scenarios/ebs-csi-irsa.json', import.meta.url).pathname);
const onlyCluster = (world: World): ClusterState => [...[...world.accounts.values()][0]!.clusters.values()][0]!;
const objectsOf = (cluster: ClusterState, kind: string): KubeObject[] => [
  ...(cluster.kube.objects.get(kind)?.values() ?? []),
];

/** Everything in a world that a caller could ever see, as text. */
const print = (world: World): string =>
  JSON.stringify(
    { accounts: world.accounts, keys: world.accessKeys, next: world.random.next() },
    (_key, value: unknown) => (value instanceof Map ? [...value] : value instanceof Set ? [...value] : value),
  );

describe('buildWorld', () => {
  it('creates clusters, add-ons, roles and keys', () => {
    const world = newWorld();
    const cluster = onlyCluster(world);
    expect(world.home).toEqual({ account: ACCOUNT, region: REGION });
    expect(cluster.arn).toBe(`arn:aws:eks:${REGION}:${ACCOUNT}:cluster/dev`);
    expect(cluster.endpoint).toMatch(/^https:\/\/[0-9A-F]{32}\.gr7\.eu-west-1\.eks\.amazonaws\.com$/);
    expect(cluster.oidcIssuer).toBeUndefined();
    expect(cluster.certificateAuthority).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    const plain = { status: 'ACTIVE', namespace: 'kube-system', issues: [], associationIds: [] };
    expect(cluster.addons.get('aws-ebs-csi-driver')).toMatchObject({ ...plain, serviceAccountRoleArn: ROLE });
    const role = { path: '/app/', roleId: matching(/^AROA/) };
    expect(world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')).toMatchObject(role);
  });

  it('builds the same world from the same seed, and another from another', async () => {
    const scenario = await ebs();
    expect(print(buildWorld(scenario))).toBe(print(buildWorld(scenario)));
    expect(print(buildWorld(scenario, { seed: 2 }))).not.toBe(print(buildWorld(scenario)));
  });

  it('sets the owner of associations, and the associations of the owner', () => {
    const file = scenarioFile();
    const ofAddon = { namespace: 'kube-system', serviceAccount: 'ebs-csi-controller-sa', owner: 'aws-ebs-csi-driver' };
    const id = 'a-12345678901234567';
    const ofApp = { id, namespace: 'default', serviceAccount: 'app' };
    file.accounts[0]!.clusters[0]!.associations.push(
      { ...ofAddon, roleArn: ROLE, createdAt: '2025-07-01T00:00:00.000Z' },
      { ...ofApp, roleArn: ROLE, createdAt: '2025-07-02T00:00:00.000Z' },
    );
    const cluster = onlyCluster(buildWorld(parseScenario(file, 'test')));
    const addon = cluster.addons.get('aws-ebs-csi-driver')!;
    const [owned, alone] = [...cluster.associations.values()];
    const made = { id: matching(/^a-[a-z0-9]{17}$/), createdAt: Date.parse('2025-07-01') };
    expect(owned).toMatchObject({ ...made, ownerArn: addon.arn });
    expect(addon.associationIds).toEqual([owned!.id]);
    expect(alone).toMatchObject({ id, arn: `arn:aws:eks:${REGION}:${ACCOUNT}:podidentityassociation/dev/${id}` });
    expect(alone!.ownerArn).toBeUndefined();
  });

  it('reports the issue of a degraded add-on, and creates no objects for a failed one', () => {
    const file = scenarioFile();
    Object.assign(file.accounts[0]!.clusters[0]!.addons[0]!, { status: 'DEGRADED' });
    expect(onlyCluster(buildWorld(parseScenario(file, 'test'))).addons.get('aws-ebs-csi-driver')!.issues).toEqual([
      expect.objectContaining({ code: 'InsufficientNumberOfReplicas' }),
    ]);
    Object.assign(file.accounts[0]!.clusters[0]!.addons[0]!, { status: 'CREATE_FAILED' });
    expect(objectsOf(onlyCluster(buildWorld(parseScenario(file, 'test'))), 'deployments.apps')).toEqual([]);
  });

  it('sets the permissions boundary of roles, including those of a template', () => {
    const arn = `arn:aws:iam::${ACCOUNT}:policy/bound`;
    const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
    const file = scenarioFile();
    Object.assign(file.accounts[0]!.roles[0]!, { permissionsBoundary: { arn, document } });
    const deployed = { arn: `arn:aws:iam::${ACCOUNT}:role/deployed`, policies: [], managedPolicyArns: [] };
    const rolesOf = (permissionsBoundary?: { arn: string; document?: unknown }) =>
      buildWorld(parseScenario(file, 'test'), {
        roles: [{ ...deployed, ...(permissionsBoundary ? { permissionsBoundary } : {}) }],
      }).accounts.get(ACCOUNT)!.roles;
    expect(rolesOf().get('ebs-csi')!.permissionsBoundary).toEqual({ arn, document: JSON.stringify(document) });
    expect(rolesOf().get('deployed')).not.toHaveProperty('permissionsBoundary');
    const bound = { arn, document: JSON.stringify(document) };
    expect(rolesOf({ arn, document }).get('deployed')!.permissionsBoundary).toEqual(bound);
    expect(rolesOf({ arn }).get('deployed')!.permissionsBoundary).toEqual({ arn });
  });

  it('removes withdrawn versions from what EKS offers', () => {
    const catalogue = [{ addon: 'aws-ebs-csi-driver', withdrawnVersions: ['v1.38.1-eksbuild.1'] }];
    const withdrawn = { ...scenarioFile(), catalogue };
    const offered = (world: World) => {
      const { versions } = world.catalogue.get('aws-ebs-csi-driver')!;
      return versions.filter((version) => version.offered).map((version) => version.version);
    };
    expect(offered(buildWorld(parseScenario(withdrawn, 'test')))).not.toContain('v1.38.1-eksbuild.1');
    expect(offered(newWorld())).toContain('v1.38.1-eksbuild.1');
  });
});

describe('a cluster has in addition to its add-ons', () => {
  const operator = `arn:aws:iam::${ACCOUNT}:role/operator`;
  const withCluster = (parts: object, options: BuildOptions = {}): ClusterState => {
    const file = scenarioFile();
    Object.assign(file.accounts[0]!.clusters[0]!, parts);
    return onlyCluster(buildWorld(parseScenario(file, 'test'), options));
  };
  const checkout = { namespace: 'shop', name: 'checkout', serviceAccount: 'checkout' };
  const workload = { kind: 'Deployment', ...checkout, createdAt: '2025-12-01T08:00:00.000Z' };
  const podsOf = (cluster: ClusterState, name: string): KubeObject[] =>
    objectsOf(cluster, 'pods.').filter((pod) => pod.metadata.name.startsWith(`${name}-`));

  it('workloads that no add-on owns, with ready pods', () => {
    const { createdAt } = workload;
    const daemon = { kind: 'DaemonSet', namespace: 'kube-system', name: 'agent', createdAt };
    const cluster = withCluster({
      nodes: 2,
      workloads: [
        { ...workload, replicas: 3, serviceAccountAnnotations: { 'eks.amazonaws.com/role-arn': ROLE } },
        { ...daemon, labels: { app: 'agent' }, containers: [{ name: 'main', image: 'example/agent:1' }] },
      ],
    });
    const pods = podsOf(cluster, 'checkout');
    expect(pods).toHaveLength(3);
    const labels = { 'app.kubernetes.io/name': 'checkout' };
    const named = { namespace: 'shop', creationTimestamp: '2025-12-01T08:00:00Z', labels };
    for (const pod of pods) {
      expect(pod).toMatchObject({ metadata: named, status: { phase: 'Running' } });
      expect(JSON.stringify(pod.spec)).toContain(`{"name":"AWS_ROLE_ARN","value":"${ROLE}"}`);
    }
    const agent = podsOf(cluster, 'agent');
    expect(agent).toHaveLength(2);
    expect(agent[0]).toMatchObject({
      metadata: { labels: { app: 'agent' } },
      spec: { serviceAccountName: 'default', containers: [{ name: 'main', image: 'example/agent:1' }] },
    });
    expect(objectsOf(cluster, 'namespaces.').map(({ metadata }) => metadata.name)).toContain('shop');
    expect([...cluster.addons.keys()]).toEqual(['aws-ebs-csi-driver']);
  });

  it('a StatefulSet, and settings that hold rollouts back', () => {
    const held = { ...workload, serviceAccountAnnotations: { 'eks.amazonaws.com/role-arn': ROLE } };
    const cluster = withCluster({
      nodes: 2,
      workloads: [
        { ...held, kind: 'StatefulSet', name: 'db', replicas: 3 },
        { ...held, kind: 'StatefulSet', name: 'queue', updateStrategy: 'OnDelete' },
        { ...held, kind: 'DaemonSet', name: 'logs', updateStrategy: 'OnDelete' },
        { ...held, name: 'web', paused: true },
      ],
    });
    expect(podsOf(cluster, 'db').map(({ metadata }) => metadata.name)).toEqual(['db-0', 'db-1', 'db-2']);
    for (const [name, pods] of Object.entries({ db: 3, queue: 1, logs: 2, web: 1 })) {
      expect(podsOf(cluster, name)).toHaveLength(pods);
      for (const { status, spec } of podsOf(cluster, name))
        expect([status?.['phase'], JSON.stringify(spec).includes('AWS_ROLE_ARN')]).toEqual(['Running', true]);
    }
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 0 } };
    const ofDatabase = { replicas: 3, serviceName: 'db', updateStrategy };
    expect(objectsOf(cluster, 'statefulsets.apps')).toMatchObject([
      { metadata: { name: 'db' }, spec: ofDatabase, status: { readyReplicas: 3 } },
      { metadata: { name: 'queue' }, spec: { updateStrategy: { type: 'OnDelete' } }, status: { readyReplicas: 1 } },
    ]);
    expect(objectsOf(cluster, 'deployments.apps').find(({ metadata }) => metadata.name === 'web')).toMatchObject({
      spec: { paused: true },
      status: { updatedReplicas: 1 },
    });
    const inShop = cluster.kube.readyHistory.filter(({ namespace }) => namespace === 'shop');
    expect(inShop.map(({ kind, workload: name, ready }) => `${kind} ${name} ${ready}`)).toEqual([
      'StatefulSet db 3',
      'StatefulSet queue 1',
      'DaemonSet logs 2',
      'Deployment web 1',
    ]);
  });

  it('a workload on Pod Identity, if the association is older than its pods', () => {
    const association = { namespace: 'shop', serviceAccount: 'checkout', roleArn: ROLE };
    const identities = (createdAt: string): boolean[] =>
      podsOf(withCluster({ associations: [{ ...association, createdAt }], workloads: [workload] }), 'checkout').map(
        (pod) => JSON.stringify(pod.spec).includes('AWS_CONTAINER_CREDENTIALS_FULL_URI'),
      );
    expect([identities('2025-11-01T00:00:00.000Z'), identities('2025-12-24T00:00:00.000Z')]).toEqual([[true], [false]]);
  });

  it('fields of other managers, by add-on', () => {
    const fields = [{ field: 'Deployment.apps ebs-csi-controller - .spec.replicas', manager: 'kubectl-edit' }];
    const addon = { ...scenarioFile().accounts[0]!.clusters[0]!.addons[0]!, modifiedFields: fields };
    expect([...withCluster({ addons: [addon] }).foreignFields]).toEqual([['aws-ebs-csi-driver', fields]]);
    expect(withCluster({}).foreignFields.size).toBe(0);
  });

  it('the value that another manager has given to a field, if the scenario has one', async () => {
    const changed = { field: 'Deployment.apps ebs-csi-controller - .spec.replicas', manager: 'kubectl-edit' };
    const modifiedFields = [{ ...changed, value: 3 }];
    const addon = { ...scenarioFile().accounts[0]!.clusters[0]!.addons[0]!, modifiedFields };
    const cluster = withCluster({ addons: [addon] });
    expect(podsOf(cluster, 'ebs-csi-controller')).toHaveLength(3);
    expect([...cluster.foreignFields]).toEqual([['aws-ebs-csi-driver', [changed]]]);
  });

  it('custom resources, of kinds that an add-on defines and of other kinds', () => {
    const java = { namespace: 'shop', name: 'java' };
    const kind = { apiVersion: 'opentelemetry.io/v1alpha1', kind: 'Instrumentation' };
    const spec = { sampler: { type: 'always_on' } };
    const cluster = withCluster({
      addons: [{ name: 'adot', version: 'v0.109.0-eksbuild.2', createdAt: '2025-06-01T00:00:00.000Z' }],
      customResources: [
        { ...kind, plural: 'instrumentations', ...java, spec, createdAt: '2025-12-01T08:00:00.000Z' },
        { apiVersion: 'example.com/v1', kind: 'Thing', plural: 'things', name: 'one' },
      ],
    });
    expect(objectsOf(cluster, 'instrumentations.opentelemetry.io')).toMatchObject([
      { ...kind, metadata: { ...java, creationTimestamp: '2025-12-01T08:00:00Z' }, spec },
    ]);
    expect(objectsOf(cluster, 'opentelemetrycollectors.opentelemetry.io')).toHaveLength(3);
    expect(objectsOf(cluster, 'things.example.com')).toMatchObject([
      { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'one' } },
    ]);
    expect(cluster.kube.customKinds.get('things.example.com')).toMatchObject({ versions: ['v1'], namespaced: false });
    expect(objectsOf(cluster, 'namespaces.').map(({ metadata }) => metadata.name)).toContain('shop');
  });

  it('the history of ready pods: the first count of each workload, with the time at which the sandbox opens', () => {
    const world = newWorld();
    const at = world.schedule.now();
    expect(onlyCluster(world).kube.readyHistory).toEqual([
      { at, namespace: 'kube-system', kind: 'Deployment', workload: 'ebs-csi-controller', ready: 2 },
      { at, namespace: 'kube-system', kind: 'DaemonSet', workload: 'ebs-csi-node', ready: 1 },
    ]);
    // Without nodes none is ready, which is recorded too.
    expect(withCluster({ nodes: 0 }).kube.readyHistory.map(({ workload: name, ready }) => [name, ready])).toEqual([
      ['ebs-csi-controller', 0],
      ['ebs-csi-node', 0],
    ]);
  });

  const roleArn = (name: string): string => `arn:aws:iam::${ACCOUNT}:role/${name}`;
  const [service, verifier, viewer] = [roleArn('plan-function'), roleArn('verify-function'), roleArn('viewer')];
  const [annotator, other] = [roleArn('annotate-function'), roleArn('begin-function')];
  const callers = {
    roles: [service, verifier, annotator, other],
    kubernetesRoles: [service, verifier, annotator],
    restartRoles: [verifier],
    annotateRoles: [annotator],
  };
  const policyArn = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy';

  it('default access entries: the operator is an administrator, and the service has the access that it needs', () => {
    const { accessEntries, createdAt } = withCluster({}, callers);
    const entry = { type: 'STANDARD', tags: {}, createdAt, kubernetesGroups: [], policies: [] };
    const scope = { type: 'cluster', namespaces: [] };
    const clusterAdmin = policyArn.replace('View', 'ClusterAdmin');
    expect([...accessEntries.values()]).toEqual([
      { ...entry, principalArn: operator, policies: [{ policyArn: clusterAdmin, scope, associatedAt: createdAt }] },
      { ...entry, principalArn: service, kubernetesGroups: ['sandbox:migrator:read'] },
      { ...entry, principalArn: verifier, kubernetesGroups: ['sandbox:migrator:read', 'sandbox:migrator:restart'] },
      { ...entry, principalArn: annotator, kubernetesGroups: ['sandbox:migrator:read', 'sandbox:migrator:annotate'] },
      { ...entry, principalArn: `arn:aws:iam::${ACCOUNT}:role/dev-nodes`, type: 'EC2_LINUX' },
    ]);
    expect(withCluster({ accessEntries: [] }, callers).accessEntries.size).toBe(0);
  });

  it("only the scenario's access entries, if it lists any", () => {
    const entries = [
      {
        principalArn: viewer,
        username: 'viewer',
        kubernetesGroups: ['readers'],
        createdAt: '2025-02-03T00:00:00.000Z',
        policies: [
          { policyArn, accessScope: { type: 'namespace', namespaces: ['kube-system'] } },
          { policyArn: policyArn.replace('View', 'Edit') },
        ],
      },
      { principalArn: service },
    ];
    const { accessEntries, createdAt } = withCluster({ accessEntries: entries }, callers);
    expect([...accessEntries.keys()]).toEqual([viewer, service]);
    expect(accessEntries.get(service)).toMatchObject({ createdAt, kubernetesGroups: [], policies: [] });
    const [since, whole] = [Date.parse('2025-02-03'), { type: 'cluster', namespaces: [] }];
    expect(accessEntries.get(viewer)).toMatchObject({
      username: 'viewer',
      kubernetesGroups: ['readers'],
      createdAt: since,
      policies: [
        { policyArn, scope: { type: 'namespace', namespaces: ['kube-system'] }, associatedAt: since },
        { policyArn: policyArn.replace('View', 'Edit'), scope: whole, associatedAt: since },
      ],
    });
  });

  it('RBAC objects, in the store of the API server', () => {
    const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }];
    const cluster = withCluster({
      rbac: [
        { kind: 'ClusterRole', metadata: { name: 'pod-reader' }, rules },
        {
          kind: 'RoleBinding',
          metadata: { name: 'readers', namespace: 'shop' },
          roleRef: { kind: 'ClusterRole', name: 'pod-reader' },
          subjects: [{ kind: 'Group', name: 'readers' }],
        },
      ],
    });
    const roles = objectsOf(cluster, 'clusterroles.rbac.authorization.k8s.io');
    const kind = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' };
    const role = { ...kind, metadata: { uid: expect.any(String) } };
    expect(roles.find(({ metadata }) => metadata.name === 'pod-reader')).toMatchObject({ ...role, rules });
    expect(objectsOf(cluster, 'rolebindings.rbac.authorization.k8s.io')).toEqual([
      expect.objectContaining({
        metadata: expect.objectContaining({ name: 'readers', namespace: 'shop' }),
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'pod-reader' },
      }),
    ]);
  });

  it('an external id on associations with a target role', () => {
    const target = 'arn:aws:iam::444455556666:role/target';
    const pods = { namespace: 'shop', serviceAccount: 'checkout' };
    const association = { ...pods, roleArn: ROLE, targetRoleArn: target, createdAt: '2025-11-01T00:00:00.000Z' };
    expect([...withCluster({ associations: [association] }).associations.values()]).toEqual([
      expect.objectContaining({ targetRoleArn: target, externalId: expect.stringMatching(/^[0-9a-f-]{36}$/) }),
    ]);
  });
});

describe('the scenario ebs-csi-irsa', () => {
  const ebsPods = (cluster: ClusterState): KubeObject[] =>
    objectsOf(cluster, 'pods.').filter((pod) => pod.spec?.['serviceAccountName'] === 'ebs-csi-controller-sa');

  it('has pods on IRSA, older than the left-over association', async () => {
    const cluster = onlyCluster(buildWorld(await ebs()));
    const pods = ebsPods(cluster);
    const [association] = [...cluster.associations.values()];
    expect(association).toMatchObject({ serviceAccount: 'ebs-csi-controller-sa', namespace: 'kube-system' });
    expect(association!.ownerArn).toBeUndefined();
    expect(pods.length).toBeGreaterThan(0);
    for (const pod of pods) {
      expect(Date.parse(pod.metadata.creationTimestamp)).toBeLessThan(association!.createdAt);
      const spec = JSON.stringify(pod.spec);
      expect(spec).toContain('AWS_WEB_IDENTITY_TOKEN_FILE');
      expect(spec).not.toContain('AWS_CONTAINER_CREDENTIALS_FULL_URI');
    }
  });

  it('uses versions that EKS offers, with settings that the schema allows', async () => {
    const world = buildWorld(await ebs());
    const cluster = onlyCluster(world);
    for (const addon of cluster.addons.values()) {
      const version = world.catalogue.get(addon.name)!.versions.find((one) => one.version === addon.version);
      expect(version).toMatchObject({ offered: true, kubernetesVersions: expect.arrayContaining(['1.31']) });
    }
    const ebsAddon = world.catalogue.get('aws-ebs-csi-driver')!;
    const { version } = cluster.addons.get('aws-ebs-csi-driver')!;
    expect(ebsAddon.versions.find((one) => one.version === version)!.podIdentity).toBeDefined();
    const { properties } = JSON.parse(ebsAddon.configurationSchema) as {
      properties: { controller: { properties: object } };
    };
    expect(properties.controller.properties).toHaveProperty('extraVolumeTags');
  });
});
