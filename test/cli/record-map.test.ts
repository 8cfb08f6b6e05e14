/** The mapping from answers to a scenario: which add-on a workload belongs to, and what is expressed how. */
import { describe, expect, it } from 'vitest';
import { fitted } from '../../cli/record/fit.ts';
import { modifiedFields, ownersOf, recordedAddon } from '../../cli/record/map-addons.ts';
import { budgets, customResources, nodeGroups } from '../../cli/record/map-cluster.ts';
import { roleInput } from '../../cli/record/map-roles.ts';
import { identityOf, pastPods, podsByWorkload, workloadFields } from '../../cli/record/map-workloads.ts';
import type { RecordedWorkload } from '../../cli/record/read-kubernetes.ts';
import type { Unread } from '../../cli/record/reader.ts';
import type { AddonAnswers } from '../../cli/record/recording.ts';
import type { Container, Pod } from '../../lambdas/ports/index.ts';

const EKS = { manager: 'eks', fields: ['.spec.template.spec.containers'] };
const container = (name: string, env: Container['env'] = {}): Container => ({
  name,
  image: `registry.example.com/${name}`,
  init: false,
  env,
  mounts: [],
});
const workload = (name: string, more: Partial<RecordedWorkload> = {}): RecordedWorkload => ({
  kind: 'Deployment',
  namespace: 'acme',
  name,
  serviceAccount: name,
  desired: 2,
  ready: 2,
  settled: true,
  templateAnnotations: {},
  containers: [container(name)],
  labels: {},
  managedFields: [EKS],
  createdAt: '2026-01-01T00:00:00.000Z',
  annotations: {},
  selector: {},
  podLabels: {},
  nodeSelector: {},
  hostNetwork: false,
  mounted: [],
  ...more,
});
const pod = (name: string, more: Partial<Pod> = {}): Pod => ({
  namespace: 'acme',
  name,
  uid: name,
  createdAt: '2026-01-01T00:00:00.000Z',
  serviceAccount: 'agent',
  labels: {},
  annotations: {},
  phase: 'Running',
  ready: true,
  terminating: false,
  hostNetwork: false,
  owner: { kind: 'Deployment', name: 'agent' },
  containers: [container('agent')],
  tokens: [],
  ...more,
});
const addon = (name: string, namespace: string, supported: string[] = []): AddonAnswers => ({
  name,
  addon: { addonName: name, addonVersion: 'v1', namespaceConfig: { namespace } },
  configurations: new Map([
    ['v1', { podIdentityConfiguration: supported.map((serviceAccount) => ({ serviceAccount })) }],
  ]),
});

describe('the owner of a workload', () => {
  const kube = { namespace: 'kube-system' };
  const namesOf = (workloads: RecordedWorkload[], addons: AddonAnswers[]) =>
    Object.fromEntries([...ownersOf(workloads, addons)].map(([{ name }, owner]) => [name, owner]));

  it('is the add-on that supports its service account, has it in the catalogue, or its name as a label', () => {
    const addons = [
      addon('acme-agent', 'kube-system', ['acme-sa']),
      addon('vpc-cni', 'kube-system'),
      addon('other', 'kube-system'),
      addon('alone', 'acme'),
    ];
    expect(
      namesOf(
        [
          workload('agent', { ...kube, serviceAccount: 'acme-sa', labels: { 'app.kubernetes.io/name': 'acme' } }),
          workload('worker', { ...kube, labels: { 'app.kubernetes.io/name': 'acme' } }),
          workload('aws-node', { ...kube, kind: 'DaemonSet' }),
          workload('thing', { ...kube, labels: { 'app.kubernetes.io/name': 'other' } }),
          workload('anything'),
          workload('unknown', kube),
          workload('helm', { managedFields: [{ manager: 'helm', fields: ['.spec'] }] }),
        ],
        addons,
      ),
    ).toEqual({ agent: 'acme-agent', worker: 'acme-agent', 'aws-node': 'vpc-cni', thing: 'other', anything: 'alone' });
  });
});

describe('an add-on', () => {
  it('has the fields that others own, once, and without restarts and notes of controllers', () => {
    const fields = (manager: string, ...paths: string[]) => ({ manager, fields: paths });
    expect(
      modifiedFields([
        workload('agent', {
          desired: 5,
          managedFields: [
            fields('eks', '.spec.template.spec.x'),
            fields('kubectl-edit', '.spec.replicas', '.spec.template.spec.x', '.spec.paused'),
            { ...fields('kube-controller-manager', '.spec.replicas'), subresource: 'scale' },
            fields('kubectl-rollout', '.spec.template.metadata.annotations.kubectl.kubernetes.io/restartedAt'),
            fields('kube-controller-manager', '.metadata.annotations.deployment.kubernetes.io/revision'),
          ],
        }),
      ]),
    ).toEqual([
      { field: 'Deployment.apps agent - .spec.replicas', manager: 'kubectl-edit', value: 5 },
      { field: 'Deployment.apps agent - .spec.paused', manager: 'kubectl-edit' },
    ]);
  });

  it('keeps a version that is installed and no longer offered, and other versions have the default’s support', () => {
    const compatibilities = [{ clusterVersion: '1.36', defaultVersion: true }];
    const recorded = recordedAddon(
      {
        ...addon('acme-agent', 'acme'),
        offered: {
          defaultNamespace: 'acme',
          addonVersions: [
            { addonVersion: 'v3', compatibilities: [{ clusterVersion: '1.36' }] },
            { addonVersion: 'v2', compatibilities },
          ],
        },
        configurations: new Map([
          ['v1', { configurationSchema: '{}' }],
          ['v2', { podIdentityConfiguration: [{ serviceAccount: 'agent' }] }],
        ]),
      },
      '1.36',
      undefined,
    )?.recorded;
    expect(recorded?.versions).toMatchObject([
      { version: 'v3', podIdentity: [{ serviceAccount: 'agent' }] },
      { version: 'v2', defaultFor: ['1.36'], podIdentity: [{ serviceAccount: 'agent' }] },
      { version: 'v1', offered: false, configurationSchema: '{}' },
    ]);
    expect(recorded?.versions[2]).not.toHaveProperty('podIdentity');
    expect(recorded).not.toHaveProperty('workloads');
  });
});

const token = (audience: string) => ({ tokens: [{ volume: 'token', audience, path: 'token' }] });

describe('pods', () => {
  it('have the identity that the webhook injected', () => {
    const roleArn = 'arn:aws:iam::111122223333:role/agent';
    expect(identityOf(pod('a', token('pods.eks.amazonaws.com')))).toEqual({ identity: 'pod-identity' });
    const irsa = { ...token('sts.amazonaws.com'), containers: [container('agent', { AWS_ROLE_ARN: roleArn })] };
    expect(identityOf(pod('a', irsa))).toEqual({ identity: 'irsa', roleArn });
    expect(identityOf(pod('a', token('vault')))).toEqual({ identity: 'none' });
  });

  it('are grouped by age and identity, oldest first, without those that end', () => {
    const pods = [
      pod('new', { createdAt: '2026-02-01T00:00:00.000Z', ...token('pods.eks.amazonaws.com') }),
      pod('old-1', token('sts.amazonaws.com')),
      pod('old-2', token('sts.amazonaws.com')),
      pod('gone', { terminating: true }),
    ];
    expect(pastPods([workload('agent')], podsByWorkload(pods))).toEqual([
      {
        kind: 'Deployment',
        namespace: 'acme',
        workload: 'agent',
        createdAt: '2026-01-01T00:00:00.000Z',
        identity: 'irsa',
        count: 2,
      },
      {
        kind: 'Deployment',
        namespace: 'acme',
        workload: 'agent',
        createdAt: '2026-02-01T00:00:00.000Z',
        identity: 'pod-identity',
        count: 1,
      },
    ]);
  });

  it('give their workload the median time to readiness', () => {
    const ready = (name: string, seconds: number) =>
      pod(name, { readyAt: new Date(Date.parse('2026-01-01T00:00:00.000Z') + seconds * 1000).toISOString() });
    const pods = [ready('a', 7), ready('b', 9), ready('c', 86_400)];
    expect(workloadFields(workload('agent'), pods, new Set())).toMatchObject({ readySeconds: 9, replicas: 2 });
    expect(workloadFields(workload('agent'), [], new Set())).not.toHaveProperty('readySeconds');
  });
});

describe('what the time for which pods are observed is computed from', () => {
  it('is in the scenario: minReadySeconds, liveness probes and restarts', () => {
    const liveness = { periodSeconds: 20, failureThreshold: 4 };
    const one = workload('agent', {
      rollout: { minReadySeconds: 45 },
      containers: [{ ...container('agent'), liveness }, container('proxy')],
    });
    expect(workloadFields(one, [], new Set())).toMatchObject({
      minReadySeconds: 45,
      containers: [{ name: 'agent', livenessProbe: liveness }, { name: 'proxy' }],
    });
    expect(workloadFields(workload('agent', { rollout: { minReadySeconds: 0 } }), [], new Set())).not.toHaveProperty(
      'minReadySeconds',
    );
    const restarted = pod('b', { restarts: 3, ...token('sts.amazonaws.com') });
    expect(pastPods([workload('agent')], podsByWorkload([pod('a', token('sts.amazonaws.com')), restarted]))).toEqual([
      expect.not.objectContaining({ restarts: 3 }),
      expect.objectContaining({ restarts: 3, count: 1 }),
    ]);
  });

  it('does not include the readiness of pods whose containers were restarted since', () => {
    const readyAt = '2026-01-01T00:20:00.000Z';
    expect(workloadFields(workload('agent'), [pod('a', { readyAt, restarts: 1 })], new Set())).not.toHaveProperty(
      'readySeconds',
    );
  });
});

describe('nodes, budgets and custom resources', () => {
  it('are grouped by what distinguishes them', () => {
    const node = (name: string, more = {}) => ({
      name,
      ready: true,
      os: 'linux' as const,
      compute: 'ec2' as const,
      labels: { pool: 'a', zone: 'b' },
      ...more,
    });
    const agent = { owner: { kind: 'DaemonSet', name: 'eks-pod-identity-agent' }, ready: false, node: 'n3' };
    expect(
      nodeGroups(
        {
          nodes: [node('n1', { nodeGroup: 'g' }), node('n2', { nodeGroup: 'h' }), node('n3')],
          pods: [pod('a', agent)],
        },
        new Set(['pool']),
      ),
    ).toEqual([
      { count: 1, os: 'linux', compute: 'ec2', ready: true, agentReady: false, labels: { pool: 'a' }, nodeGroup: null },
      { count: 2, os: 'linux', compute: 'ec2', ready: true, agentReady: true, labels: { pool: 'a' } },
    ]);
  });

  it('have the names of node groups and architectures only if a workload selects them', () => {
    const labels = {
      'kubernetes.io/arch': 'arm64',
      'kubernetes.io/hostname': 'n1',
      'eks.amazonaws.com/nodegroup': 'g',
    };
    const one = { name: 'n1', ready: true, os: 'linux' as const, compute: 'ec2' as const, nodeGroup: 'g', labels };
    const groups = (...keys: string[]) => nodeGroups({ nodes: [one], pods: [] }, new Set(keys))[0];
    expect(groups(...Object.keys(labels))).toMatchObject({ nodeGroup: 'g', labels: { 'kubernetes.io/arch': 'arm64' } });
    expect(groups()).not.toHaveProperty('nodeGroup');
    const selector = { 'kubernetes.io/hostname': 'n1', 'kubernetes.io/os': 'linux', pool: 'a' };
    expect(workloadFields(workload('agent', { nodeSelector: selector }), [], new Set()).nodeSelector).toEqual({
      pool: 'a',
    });
  });

  it('that a scenario cannot express are reported', () => {
    const unread: Unread[] = [];
    const metadata = { name: 'web', namespace: 'shop' };
    const selector = { matchLabels: { app: 'web' }, matchExpressions: [] };
    expect(
      budgets(
        [
          { metadata, spec: { minAvailable: 1, selector } },
          { metadata, spec: { maxUnavailable: '50%', selector } },
          { metadata, spec: { minAvailable: 1, selector: { matchLabels: {}, matchExpressions: [{}] } } },
        ],
        unread,
      ),
    ).toEqual([
      { ...metadata, labels: { app: 'web' }, minAvailable: 1 },
      { ...metadata, labels: { app: 'web' }, maxUnavailable: '50%' },
    ]);
    expect(unread).toMatchObject([{ what: 'PodDisruptionBudget shop/web' }]);
  });

  it('leave out the custom resources that an add-on creates', () => {
    const one = {
      group: 'opentelemetry.io',
      version: 'v1alpha1',
      plural: 'opentelemetrycollectors',
      kind: 'OpenTelemetryCollector',
      namespace: 'x',
    };
    const all = [
      { ...one, name: 'adot-col-otlp-ingest' },
      { ...one, name: 'mine' },
    ];
    expect(customResources({ customResources: all }, ['adot'])).toMatchObject([{ name: 'mine' }]);
  });
});

it('a role keeps documents, and allows nothing where one is missing', () => {
  const unread: Unread[] = [];
  const document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}';
  const arn = 'arn:aws:iam::111122223333:policy/own';
  const answers = {
    role: { Arn: 'arn:aws:iam::111122223333:role/r', Path: '/', RoleName: 'r', RoleId: 'A', CreateDate: new Date(0) },
    trustPolicy: 'not JSON',
    policies: [
      { name: 'inline', document },
      { name: 'own', arn },
      { name: 'broken', document: '{}' },
    ],
  };
  expect(roleInput(answers, unread)).toEqual({
    arn: 'arn:aws:iam::111122223333:role/r',
    trustPolicy: 'not-recorded',
    policies: [{ name: 'inline', document: JSON.parse(document) as unknown }],
    attachedPolicies: [
      {
        arn,
        document: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: 'sts:GetCallerIdentity', Resource: '*' }],
        },
      },
    ],
    createdAt: '1970-01-01T00:00:00.000Z',
  });
  expect(unread.map(({ what }) => what).sort()).toEqual(['policy broken', 'policy own']);
});

describe('what a scenario refuses', () => {
  const base = {
    accounts: [{ id: '111122223333', clusters: [{ name: 'dev', region: 'eu-west-1', version: '1.31' }] }],
  };

  it('is left out and reported: a field, or the item that cannot be without it', () => {
    const unread: Unread[] = [];
    const other = 'arn:aws:iam::444455556666:role/r';
    const [account] = base.accounts;
    const { scenario } = fitted(
      {
        accounts: [
          {
            ...account!,
            clusters: [
              {
                ...account!.clusters[0]!,
                addons: [
                  { name: 'coredns', version: 'v1.11.4-eksbuild.2', serviceAccountRoleArn: other },
                  { name: 'unknown', version: 'v1' },
                ],
                accessEntries: [{ principalArn: 'no ARN' }, { principalArn: 'arn:aws:iam::111122223333:role/admin' }],
              },
            ],
          },
        ],
      },
      unread,
    );
    const [cluster] = scenario.accounts[0]!.clusters;
    expect(cluster!.addons.map(({ name, serviceAccountRoleArn }) => [name, serviceAccountRoleArn])).toEqual([
      ['coredns', undefined],
    ]);
    expect(cluster!.accessEntries).toHaveLength(1);
    expect(unread.map(({ what }) => what)).toContain('accounts[0].clusters[0].addons[0].serviceAccountRoleArn');
  });

  it('is an error if it is the cluster itself', () =>
    expect(() => fitted({ accounts: [{ ...base.accounts[0]!, id: 'x' }] }, [])).toThrow('accounts[0].id'));
});
