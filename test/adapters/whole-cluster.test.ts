/** What the port reads of a whole cluster: pods page by page, service accounts, nodes and mutating webhooks. */
import { describe, expect, test } from 'vitest';
import { grantForms } from '../../lambdas/domain/access/command.ts';
import type { Kubernetes, Pod } from '../../lambdas/ports/kubernetes.ts';
import { ebsWith, newEbsLab, plainHttp, ROLE } from '../sandbox/kubernetes/support.ts';
import { answering, errorOf, kubernetesBy } from './kubernetes.ts';
import { anError } from '../lambdas/matchers.ts';

/** One page of a list as the API server answers it. */
const listed = (items: unknown[], next?: string) => {
  const metadata = next === undefined ? {} : { continue: next };
  return { status: 200, headers: {}, body: JSON.stringify({ metadata, items }) };
};

/** Answers those pages, one after the other; `paths`: what was asked. */
const paging = (pages: unknown[][]): { kubernetes: Kubernetes; paths: string[] } => {
  const paths: string[] = [];
  const kubernetes = kubernetesBy(async ({ url }) => {
    const at = paths.push(url.replace('https://abc.eks.amazonaws.com', '')) - 1;
    return listed(pages[at] ?? [], at + 1 < pages.length ? `page-${at + 1}` : undefined);
  });
  return { kubernetes, paths };
};

describe('each pod', () => {
  const POD = { name: 'p', namespace: 'n', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' };
  const HASH = { 'pod-template-hash': '5d8f' };

  test('is visited once, in pages of at most 500, without a call for its replica set', async () => {
    const lab = newEbsLab({ objects: ebsWith({ replicas: 1100 }) });
    const inner = plainHttp(lab);
    const paths: string[] = [];
    const visited: Pod[][] = [];
    await kubernetesBy((request) => {
      paths.push(new URL(request.url).pathname);
      return inner(request);
    }).eachPod((pods) => void visited.push(pods));
    expect(visited.map((pods) => pods.length)).toEqual([500, 500, 103]);
    expect(new Set(visited.flat().map(({ uid }) => uid)).size).toBe(1103);
    expect(paths).toEqual(['/api/v1/pods', '/api/v1/pods', '/api/v1/pods']);
    expect(new Set(visited.flat().map(({ owner }) => `${owner?.kind}/${owner?.name}`))).toEqual(
      new Set(['Deployment/ebs-csi-controller', 'DaemonSet/ebs-csi-node']),
    );
  });

  test('is handed on before the next page is asked for', async () => {
    let visited = 0;
    const seenAtCall: number[] = [];
    const kubernetes = kubernetesBy(async () => {
      const calls = seenAtCall.push(visited);
      const pod = { metadata: { ...POD, name: `p-${calls}`, uid: `u-${calls}` }, spec: {} };
      return listed([pod, pod], calls < 4 ? 'c' : undefined);
    });
    await kubernetes.eachPod((pods) => void (visited += pods.length));
    expect(seenAtCall).toEqual([0, 2, 4, 6]);
  });

  test.each<[string, Record<string, string>, string, string]>([
    ['of a Deployment', HASH, 'ReplicaSet/web-5d8f', 'Deployment/web'],
    ['of a ReplicaSet created by hand', {}, 'ReplicaSet/web-5d8f', 'ReplicaSet/web-5d8f'],
    ['of a ReplicaSet that is not named after the hash', HASH, 'ReplicaSet/web', 'ReplicaSet/web'],
    ['with an empty hash', { 'pod-template-hash': '' }, 'ReplicaSet/web-', 'ReplicaSet/web-'],
    ['of a DaemonSet with that label', HASH, 'DaemonSet/web-5d8f', 'DaemonSet/web-5d8f'],
  ])('%s: what owns it', async (_, labels, controller, owner) => {
    const [kind, name] = controller.split('/');
    const metadata = { ...POD, labels, ownerReferences: [{ kind, name, controller: true }] };
    const visited: Pod[] = [];
    const { kubernetes } = paging([[{ metadata, spec: { hostNetwork: true } }]]);
    await kubernetes.eachPod((pods) => void visited.push(...pods));
    const [ownerKind, ownerName] = owner.split('/');
    expect(visited).toMatchObject([{ owner: { kind: ownerKind, name: ownerName }, hostNetwork: true }]);
  });
});

test('service accounts of all namespaces, with the role that their annotation names', async () => {
  const named = (namespace: string, name: string, annotations: Record<string, string> | null) => ({
    metadata: { namespace, name, annotations },
  });
  const { kubernetes, paths } = paging([
    [named('a', 'plain', null), named('a', 'one', { 'eks.amazonaws.com/role-arn': ROLE })],
    [named('b', 'emptied', { 'eks.amazonaws.com/role-arn': '' })],
  ]);
  expect(await kubernetes.listServiceAccounts()).toEqual([
    { namespace: 'a', name: 'plain' },
    { namespace: 'a', name: 'one', roleArn: ROLE },
    { namespace: 'b', name: 'emptied' },
  ]);
  expect(paths).toEqual(['/api/v1/serviceaccounts?limit=500', '/api/v1/serviceaccounts?limit=500&continue=page-1']);
});

describe('nodes', () => {
  const pressure = { type: 'MemoryPressure', status: 'False' };
  const ready = (status: string) => ({ conditions: [pressure, { type: 'Ready', status }] });
  test('say by their labels what they run on', async () => {
    const node = (name: string, labels: Record<string, string> | null, status: unknown = ready('True')) => ({
      metadata: { name, labels },
      status,
    });
    const type = (compute: string) => ({ 'kubernetes.io/os': 'linux', 'eks.amazonaws.com/compute-type': compute });
    const { kubernetes, paths } = paging([
      [node('plain', { 'kubernetes.io/os': 'linux' }), node('fargate', type('fargate')), node('auto', type('auto'))],
      [node('hybrid', type('hybrid')), node('new', type('moon'))],
      [node('windows', { 'kubernetes.io/os': 'windows' }, ready('Unknown')), node('bare', null, null)],
    ]);
    expect(await kubernetes.listNodes()).toEqual([
      { name: 'plain', ready: true, os: 'linux', compute: 'ec2', labels: { 'kubernetes.io/os': 'linux' } },
      { name: 'fargate', ready: true, os: 'linux', compute: 'fargate', labels: type('fargate') },
      { name: 'auto', ready: true, os: 'linux', compute: 'auto', labels: type('auto') },
      { name: 'hybrid', ready: true, os: 'linux', compute: 'hybrid', labels: type('hybrid') },
      { name: 'new', ready: true, os: 'linux', compute: 'ec2', labels: type('moon') },
      { name: 'windows', ready: false, os: 'windows', compute: 'ec2', labels: { 'kubernetes.io/os': 'windows' } },
      { name: 'bare', ready: false, os: 'linux', compute: 'ec2', labels: {} },
    ]);
    expect(paths).toHaveLength(3);
  });
  test('of the sandbox', async () => {
    const nodes = await kubernetesBy(plainHttp(newEbsLab({ nodes: 3 }))).listNodes();
    expect(nodes).toHaveLength(3);
    expect(nodes[0]).toMatchObject({ ready: true, os: 'linux', compute: 'ec2' });
  });
});

test('mutating webhooks come one by one, with the configuration that they are of', async () => {
  const forPods = { name: 'iam-for-pods.amazonaws.com', failurePolicy: 'Ignore' };
  const ofMesh = [
    { name: 'a.mesh', admissionReviewVersions: ['v1', 'v1beta1'] },
    { name: 'b.mesh', failurePolicy: 'Fail' },
  ];
  const { kubernetes, paths } = paging([
    [
      {
        metadata: { name: 'pod-identity-webhook' },
        webhooks: [{ ...forPods, admissionReviewVersions: ['v1beta1'] }],
      },
      { metadata: { name: 'mesh' }, webhooks: ofMesh },
      { metadata: { name: 'empty' }, webhooks: null },
    ],
  ]);
  expect(await kubernetes.listMutatingWebhooks()).toEqual([
    { configuration: 'pod-identity-webhook', ...forPods, reviewVersions: ['v1beta1'] },
    { configuration: 'mesh', name: 'a.mesh', failurePolicy: 'Fail', reviewVersions: ['v1', 'v1beta1'] },
    { configuration: 'mesh', name: 'b.mesh', failurePolicy: 'Fail', reviewVersions: [] },
  ]);
  expect(paths).toEqual(['/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?limit=500']);
});

test('environment of a container tells which variables may be left out, and where others come from', async () => {
  const from = (kind: string, optional?: boolean) => ({
    [kind]: { name: 'aws-secret', key: 'k', ...(optional === undefined ? {} : { optional }) },
  });
  const env = [
    { name: 'AWS_ACCESS_KEY_ID', valueFrom: from('secretKeyRef', true) },
    { name: 'SETTING', valueFrom: from('configMapKeyRef', true) },
    { name: 'AWS_SECRET_ACCESS_KEY', valueFrom: from('secretKeyRef') },
    { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    { name: 'PLAIN', value: 'x' },
  ];
  const envFrom = [
    { secretRef: { name: 'aws' } },
    { prefix: 'AWS_', configMapRef: { name: 'settings' } },
    { prefix: 'X_', configMapRef: { name: 'others' } },
  ];
  const initContainers = [{ name: 'i', image: 'init' }];
  const template = { spec: { initContainers, containers: [{ name: 'c', image: 'app:1', env, envFrom }] } };
  const api = answering(200, { metadata: { name: 'd', namespace: 'n' }, spec: { template } });
  expect((await api.getWorkload({ kind: 'Deployment', namespace: 'n', name: 'd' }))?.containers).toEqual([
    { name: 'i', image: 'init', init: true, env: {}, mounts: [] },
    {
      name: 'c',
      image: 'app:1',
      init: false,
      env: { ...Object.fromEntries(env.map(({ name }) => [name, undefined])), PLAIN: 'x' },
      optionalEnv: ['AWS_ACCESS_KEY_ID', 'SETTING'],
      envFrom: ['Secret/aws', 'ConfigMap/settings'],
      mounts: [],
    },
  ]);
});

test.each<[string, string, (kubernetes: Kubernetes) => Promise<unknown>]>([
  ['list pods in all namespaces', 'AmazonEKSViewPolicy', (kubernetes) => kubernetes.eachPod(() => undefined)],
  ['list service accounts in all namespaces', 'AmazonEKSViewPolicy', (kubernetes) => kubernetes.listServiceAccounts()],
  ['list nodes', 'AmazonEKSAdminViewPolicy', (kubernetes) => kubernetes.listNodes()],
  ['list mutating webhook configurations', 'AmazonEKSAdminViewPolicy', (api) => api.listMutatingWebhooks()],
])('%s: a refusal names what to grant for the whole cluster', async (what, policy, list) => {
  const error = await errorOf(list(answering(403, { kind: 'Status', message: 'because', code: 403 })));
  expect(error).toMatchObject(
    anError(
      'AccessDenied',
      `403 to ${what} on cluster dev: because. Grant the calling role the missing permission; for another role than the service's, associate ${policy} for the whole cluster with its access entry (AssociateAccessPolicy), otherwise: ${grantForms('dev')}`,
    ),
  );
});
