import { describe, expect, test } from 'vitest';
import type { PlainHttp, PlainHttpRequest } from '../../lambdas/adapters/clients.ts';
import { grantForms } from '../../lambdas/domain/access/command.ts';
import { MigrationError, type ErrorName } from '../../lambdas/domain/failures/errors.ts';
import type { Kubernetes } from '../../lambdas/ports/kubernetes.ts';
import { ebsWith, type Lab, newEbsLab, plainHttp, ROLE } from '../sandbox/kubernetes/support.ts';
import { answering, errorOf, kubernetesBy, kubernetesOf } from './kubernetes.ts';
import { anError, containing, expectError, matching } from '../lambdas/matchers.ts';

const CONTROLLER = { kind: 'Deployment', namespace: 'kube-system', name: 'ebs-csi-controller' } as const;

/** The API server of a lab, and the URLs that are asked of it. */
const recording = (lab: Lab) => {
  const urls: string[] = [];
  const http = plainHttp(lab);
  const kubernetes = kubernetesBy((request) => (urls.push(request.url), http(request)));
  return { kubernetes, urls };
};
/** An API server that answers with these pages, and what is asked of it, without the endpoint. */
const paged = (...pages: object[]) => {
  const urls: string[] = [];
  const kubernetes = kubernetesBy(async ({ url }) => {
    const body = JSON.stringify(pages[urls.push(url.replace('https://abc.eks.amazonaws.com', '')) - 1]);
    return { status: 200, headers: {}, body };
  });
  return { kubernetes, urls };
};
const because = (code: number) => answering(code, { kind: 'Status', message: 'because', code });
const ROLLOUT = { kind: 'Rollout', name: 'web' };
const AT = '2026-01-15T10:00:00.000Z';
const POD = { name: 'p', namespace: 'shop', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' };

describe('pods', () => {
  test('come with their workload, environment and tokens', async () => {
    const lab = newEbsLab();
    const pods = await kubernetesOf(lab).listPods('kube-system');
    expect(pods).toHaveLength(5);
    expect(pods.find(({ serviceAccount }) => serviceAccount === 'ebs-csi-controller-sa')).toMatchObject({
      namespace: 'kube-system',
      createdAt: '2026-01-14T09:00:00.000Z',
      node: matching(/^ip-10-0-/),
      phase: 'Running',
      ready: true,
      terminating: false,
      owner: { kind: 'Deployment', name: 'ebs-csi-controller' },
      containers: [
        {
          name: 'ebs-plugin',
          init: false,
          env: { AWS_ROLE_ARN: ROLE },
          mounts: [
            { volume: containing('kube-api-access') },
            { volume: 'aws-iam-token', path: '/var/run/secrets/eks.amazonaws.com/serviceaccount' },
          ],
        },
        { name: 'csi-attacher' },
      ],
      tokens: [{ volume: 'aws-iam-token', audience: 'sts.amazonaws.com', path: 'token' }],
    });
    const ofNodes = pods.filter(({ owner }) => owner?.kind === 'DaemonSet');
    expect(ofNodes).toHaveLength(3);
    for (const { owner, tokens } of ofNodes) expect([owner?.name, tokens]).toEqual(['ebs-csi-node', []]);
  });

  test('init containers come first and are marked', async () => {
    const lab = newEbsLab({ objects: ebsWith({ initContainers: [{ name: 'init', image: 'init' }] }) });
    const [pod] = await kubernetesOf(lab).listPods('kube-system');
    expect(pod?.containers.map(({ name, init }) => [name, init])).toEqual([
      ['init', true],
      ['ebs-plugin', false],
      ['csi-attacher', false],
    ]);
  });

  test('are read page by page, ReplicaSets once', async () => {
    const { kubernetes, urls } = recording(newEbsLab({ objects: ebsWith({ replicas: 1100 }) }));
    const pods = await kubernetes.listPods('kube-system');
    expect(new Set(pods.map(({ uid }) => uid)).size).toBe(1103);
    expect(urls.map((url) => new URL(url).pathname.split('/').at(-1))).toEqual(['pods', 'pods', 'pods', 'replicasets']);
    expect(urls.every((url) => new URL(url).searchParams.get('limit') === '500')).toBe(true);
  });

  test('of what the API leaves out or writes as null', async () => {
    const metadata = {
      name: 'bare',
      namespace: 'default',
      uid: 'u',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: null,
    };
    const variable = { name: 'SECRET', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } };
    const items = [
      {
        metadata,
        spec: { containers: [{ name: 'c', env: [variable], volumeMounts: null }], volumes: null },
        status: {},
      },
    ];
    expect(await answering(200, { metadata: {}, items }).listPods('default')).toEqual([
      {
        namespace: 'default',
        name: 'bare',
        uid: 'u',
        createdAt: '2026-01-01T00:00:00.000Z',
        serviceAccount: 'default',
        labels: {},
        annotations: {},
        phase: 'Unknown',
        ready: false,
        terminating: false,
        hostNetwork: false,
        containers: [{ name: 'c', image: '', init: false, env: { SECRET: undefined }, mounts: [] }],
        tokens: [],
      },
    ]);
    expect(await answering(200, { metadata: {}, items: null }).listPods('default')).toEqual([]);
  });

  test('show what their containers wait for, init containers too, and how often they were started again', async () => {
    const waits = (reason: string, restartCount: number) => ({ restartCount, state: { waiting: { reason } } });
    const podWith = async (status: object) => {
      const items = [{ metadata: POD, spec: { containers: [] }, status }];
      return (await answering(200, { metadata: {}, items }).listPods('shop'))[0];
    };
    expect(
      await podWith({
        initContainerStatuses: [waits('CrashLoopBackOff', 2)],
        containerStatuses: [
          waits('PodInitializing', 0),
          { restartCount: 1, state: { running: {} } },
          waits('PodInitializing', 0),
        ],
      }),
    ).toMatchObject({ restarts: 3, waiting: ['CrashLoopBackOff', 'PodInitializing'] });
    expect(await podWith({ containerStatuses: [{ state: {} }] })).toMatchObject({ restarts: 0 });
    const unknown = await podWith({ phase: 'Pending' });
    expect([unknown?.restarts, unknown?.waiting]).toEqual([undefined, undefined]);
    const readySince = (status: string) => ({ conditions: [{ type: 'Ready', status, lastTransitionTime: AT }] });
    const timesOf = async (status: string) => {
      const pod = await podWith(readySince(status));
      return [pod?.readyAt, pod?.unreadySince];
    };
    expect(await timesOf('True')).toEqual([AT, undefined]);
    for (const status of ['False', 'Unknown']) expect(await timesOf(status)).toEqual([undefined, AT]);
    const exit = (finishedAt?: string) => ({ lastState: { terminated: { finishedAt } } });
    const lastExitOf = async (...containerStatuses: object[]) => (await podWith({ containerStatuses }))?.lastExitAt;
    expect(await lastExitOf(exit(AT), exit('2026-01-01T00:00:00Z'), exit(), {})).toBe(AT);
    expect(await lastExitOf(exit(), {})).toBeUndefined();
    const ended = (reason: string) => ({ restartCount: 1, lastState: { terminated: { reason } } });
    const isOutOfMemory = async (...containerStatuses: object[]) => (await podWith({ containerStatuses }))?.outOfMemory;
    expect(await isOutOfMemory(ended('OOMKilled'), { restartCount: 0, lastState: {} })).toBe(true);
    expect(await isOutOfMemory(ended('OOMKilled'), ended('Error'))).toBeUndefined();
    expect(await isOutOfMemory({ restartCount: 1, lastState: {} })).toBeUndefined();
  });

  test.each([
    ['that something else than a Deployment controls', ROLLOUT, ROLLOUT],
    ['that nothing controls', undefined, { kind: 'ReplicaSet', name: 'web-5d' }],
  ])('of a ReplicaSet %s are not of a Deployment', async (_, controller, owner) => {
    const items = {
      pods: [
        {
          metadata: {
            ...POD,
            labels: { 'pod-template-hash': '5d' },
            ownerReferences: [{ kind: 'ReplicaSet', name: 'web-5d', controller: true }],
          },
          spec: { containers: [] },
        },
      ],
      replicasets: [
        { metadata: { name: 'web-5d', ownerReferences: controller ? [{ ...controller, controller: true }] : [] } },
      ],
    };
    const http: PlainHttp = async ({ url }) => ({
      status: 200,
      headers: {},
      body: JSON.stringify({ metadata: {}, items: url.includes('replicasets') ? items.replicasets : items.pods }),
    });
    expect((await kubernetesBy(http).listPods('shop'))[0]?.owner).toEqual(owner);
  });

  test('a ReplicaSet that is gone meanwhile is the owner itself', async () => {
    const ownerReferences = [{ kind: 'ReplicaSet', name: 'gone', controller: true }];
    const metadata = { ...POD, namespace: 'default', ownerReferences };
    const http: PlainHttp = async ({ url }) => ({
      status: 200,
      headers: {},
      body: JSON.stringify({ metadata: {}, items: url.includes('/pods?') ? [{ metadata, spec: {} }] : [] }),
    });
    expect((await kubernetesBy(http).listPods('default'))[0]?.owner).toEqual({ kind: 'ReplicaSet', name: 'gone' });
  });
});

describe('custom resources', () => {
  const KIND = { group: 'cert-manager.io', version: 'v1', plural: 'certificates' };

  test('are named with their namespace, where they have one, over all pages', async () => {
    const first = [{ metadata: { name: 'web', namespace: 'shop' } }, { metadata: { name: 'everywhere' } }];
    const { kubernetes, urls } = paged(
      { metadata: { continue: 'more' }, items: first },
      { metadata: {}, items: [{ metadata: { name: 'api', namespace: 'shop' } }] },
    );
    expect(await kubernetes.listCustomResources(KIND)).toEqual(['shop/web', 'everywhere', 'shop/api']);
    expect(urls).toEqual([
      '/apis/cert-manager.io/v1/certificates?limit=500',
      '/apis/cert-manager.io/v1/certificates?limit=500&continue=more',
    ]);
  });
  test.each([
    '404 page not found\n',
    { kind: 'Status', message: 'the server could not find the requested resource', code: 404 },
  ])('are none where the cluster has no such definition: %j', async (body) =>
    expect(await answering(404, body).listCustomResources(KIND)).toEqual([]),
  );
  test('are not none where they may not be read', async () => {
    const error = await errorOf(because(403).listCustomResources(KIND));
    expect(error).toMatchObject(
      anError(
        'AccessDenied',
        "403 to list certificates.cert-manager.io on cluster dev: because. Grant the calling role the missing permission; for another role than the service's, associate AmazonEKSAdminViewPolicy for the whole cluster with its access entry (AssociateAccessPolicy), otherwise: pod-identity grant-access --cluster dev --deployed (for a service account",
      ),
    );
  });
});

describe('objects of any resource', () => {
  test('are listed in one namespace, or in all of them, without the managers of their fields', async () => {
    const items = [{ metadata: { namespace: 'shop', name: 'deny', managedFields: [{}] }, spec: { podSelector: {} } }];
    const { kubernetes, urls } = paged({ metadata: {}, items }, { metadata: {}, items });
    const policies = { group: 'networking.k8s.io', version: 'v1', plural: 'networkpolicies' };
    expect(await kubernetes.listObjects({ ...policies, namespace: 'shop' })).toEqual([
      { metadata: { namespace: 'shop', name: 'deny' }, spec: { podSelector: {} } },
    ]);
    await kubernetes.listObjects(policies);
    expect(urls).toEqual([
      '/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies?limit=500',
      '/apis/networking.k8s.io/v1/networkpolicies?limit=500',
    ]);
  });
  test('are only the fields that are asked for, of whatever shape they are', async () => {
    const whole = {
      kind: 'SecretStore',
      metadata: { namespace: 'shop', name: 'aws', labels: { a: 'b' }, annotations: { long: 'text' } },
      spec: { provider: { aws: {} }, retrySettings: {} },
      status: { conditions: [] },
    };
    const items = [whole, { metadata: 7, spec: [] }, { kind: null }];
    const fields = ['provider', 'auth'];
    const stores = { group: 'external-secrets.io', version: 'v1', plural: 'secretstores', fields };
    const { kind, metadata } = whole;
    expect(await answering(200, { metadata: {}, items }).listObjects(stores)).toEqual([
      { kind, metadata: { ...metadata, annotations: undefined }, spec: { provider: { aws: {} } } },
      { kind: undefined, metadata: 7, spec: [] },
      { kind: null, metadata: undefined, spec: undefined },
    ]);
  });
  test.each([
    ['InvalidRequest', 'conversion webhook for external-secrets.io/v1beta1, Kind=SecretStore failed: Post: no service'],
    ['InvalidRequest', 'request to convert CR from an invalid group/version: external-secrets.io/v1alpha1'],
    ['InvalidRequest', 'failed to read one or more secretstores.external-secrets.io from the storage: not decodable'],
    ['ServiceUnavailable', 'etcdserver: leader changed'],
  ])('are %s, for a retry or for none: %s', async (name, message) => {
    const kind = { group: 'external-secrets.io', version: 'v1', plural: 'secretstores' };
    const failing = answering(500, { kind: 'Status', message, code: 500 });
    const error = await errorOf(failing.listObjects(kind));
    expect(error.name).toBe(name);
    expect(error.message).toContain(message);
  });
  test('are undefined where the resource is not served, and refused by name and namespace', async () => {
    const kind = { group: 'cilium.io', version: 'v2', plural: 'ciliumnetworkpolicies', namespace: 'shop' };
    expect(await answering(404, '404 page not found\n').listObjects(kind)).toBeUndefined();
    const error = await errorOf(because(403).listObjects(kind));
    expect(error.name).toBe('AccessDenied');
    expect(error.message).toContain('403 to list ciliumnetworkpolicies.cilium.io in shop on cluster dev');
  });
});

describe('all namespaces', () => {
  const annotated = (namespace: string, name: string, annotations: Record<string, string> | null) => ({
    metadata: { namespace, name, annotations },
  });

  test('are asked for pods at once, page by page, and not for what owns them', async () => {
    const { kubernetes, urls } = recording(newEbsLab({ objects: ebsWith({ replicas: 600 }) }));
    const pods = await kubernetes.listAllPods();
    expect(new Set(pods.map(({ uid }) => uid)).size).toBe(603);
    expect(urls.map((url) => new URL(url).pathname)).toEqual(['/api/v1/pods', '/api/v1/pods']);
    expect(pods.find(({ serviceAccount }) => serviceAccount === 'ebs-csi-controller-sa')).toMatchObject({
      tokens: [{ audience: 'sts.amazonaws.com' }],
      owner: { kind: 'Deployment', name: 'ebs-csi-controller' },
    });
  });

  test('are asked for service accounts: those with the annotation of IRSA are answered', async () =>
    expect(await kubernetesOf(newEbsLab()).listAnnotatedServiceAccounts()).toEqual([
      { namespace: 'kube-system', name: 'ebs-csi-controller-sa', roleArn: ROLE },
    ]));

  test('and on every page', async () => {
    const role = (roleArn: string) => ({ 'eks.amazonaws.com/role-arn': roleArn });
    const first = [annotated('a', 'plain', null), annotated('a', 'one', { ...role(ROLE), other: 'x' })];
    const second = [annotated('b', 'emptied', role('')), annotated('b', 'two', role(ROLE))];
    const { kubernetes, urls } = paged(
      { metadata: { continue: 'more' }, items: first },
      { metadata: {}, items: second },
    );
    expect(await kubernetes.listAnnotatedServiceAccounts()).toEqual([
      { namespace: 'a', name: 'one', roleArn: ROLE },
      { namespace: 'b', name: 'two', roleArn: ROLE },
    ]);
    expect(urls).toEqual(['/api/v1/serviceaccounts?limit=500', '/api/v1/serviceaccounts?limit=500&continue=more']);
  });

  test.each<[string, (kubernetes: Kubernetes) => Promise<unknown>]>([
    ['list pods', (kubernetes) => kubernetes.listAllPods()],
    ['list service accounts', (kubernetes) => kubernetes.listAnnotatedServiceAccounts()],
  ])('%s: a refusal says that the right must hold for the whole cluster', async (what, list) => {
    const error = await errorOf(list(because(403)));
    expect(error).toMatchObject(
      anError(
        'AccessDenied',
        `403 to ${what} in all namespaces on cluster dev: because. Grant the calling role the missing permission; for another role than the service's, associate AmazonEKSViewPolicy for the whole cluster with its access entry (AssociateAccessPolicy), otherwise: ${grantForms('dev')}`,
      ),
    );
  });
});

describe('the calls', () => {
  test('carry the token, the authority as PEM, and escape names; the endpoint is asked for once', async () => {
    const seen: PlainHttpRequest[] = [];
    let asked = 0;
    const kubernetes = kubernetesBy(
      async (request) => {
        seen.push(request);
        return { status: 200, headers: {}, body: JSON.stringify({ metadata: {}, items: [] }) };
      },
      async () => {
        asked += 1;
        return { url: 'https://abc/', certificateAuthority: Buffer.from('PEM').toString('base64') };
      },
    );
    await kubernetes.listPods('a/b');
    await kubernetes.restartWorkload(CONTROLLER, 'm');
    expect(asked).toBe(1);
    expect(seen[0]).toEqual({
      method: 'GET',
      url: 'https://abc/api/v1/namespaces/a%2Fb/pods?limit=500',
      headers: { accept: 'application/json', authorization: 'Bearer k8s-aws-v1.x' },
      certificateAuthority: 'PEM',
    });
    expect(seen[1]).toMatchObject({
      method: 'PATCH',
      url: 'https://abc/apis/apps/v1/namespaces/kube-system/deployments/ebs-csi-controller?fieldManager=eks-pod-identity-migrator',
      headers: { 'content-type': 'application/strategic-merge-patch+json' },
    });
  });

  test('an endpoint that could not be found is asked for again', async () => {
    let asked = 0;
    const kubernetes = kubernetesBy(plainHttp(newEbsLab()), async () => {
      asked += 1;
      if (asked === 1) throw new MigrationError('Throttled', 'later');
      return { url: 'https://abc', certificateAuthority: '' };
    });
    expect((await errorOf(kubernetes.listPods('kube-system'))).name).toBe('Throttled');
    expect(await kubernetes.listPods('kube-system')).toHaveLength(5);
  });

  test.each<[number, ErrorName]>([
    [301, 'InvalidRequest'],
    [307, 'InvalidRequest'],
    [400, 'InvalidRequest'],
    [401, 'Unauthorised'],
    [403, 'AccessDenied'],
    [404, 'NotFound'],
    [409, 'Busy'],
    [410, 'Busy'],
    [422, 'InvalidRequest'],
    [429, 'Throttled'],
    [500, 'ServiceUnavailable'],
    [503, 'ServiceUnavailable'],
  ])('a %i is %s, and says what, where, why and what to do', async (status, name) => {
    const error = await errorOf(because(status).restartWorkload(CONTROLLER, 'm'));
    expect(error.name).toBe(name);
    expect(error.message).toContain(
      `${status} to restart Deployment kube-system/ebs-csi-controller on cluster dev: because. `,
    );
    expect(error.message.split('because. ')[1]).toMatch(/\w{4,}/);
  });

  test.each([{ kind: 'Status', message: 'no such user k8s-aws-v1.x here' }, 'Bearer k8s-aws-v1.x? no'])(
    'a refusal that repeats the token is told without it: %j',
    async (body) => {
      const { message } = await errorOf(answering(401, body).listPods('x'));
      expect(message).toContain('[token]');
      expect(message).not.toContain('k8s-aws-v1.x');
    },
  );

  test('a list without an end is given up', async () => {
    let pages = 0;
    const kubernetes = kubernetesBy(async () => {
      pages += 1;
      return { status: 200, headers: {}, body: JSON.stringify({ metadata: { continue: `${pages}` }, items: [] }) };
    });
    await expectError(kubernetes.listPods('x'), 'ServiceUnavailable', 'the list has more than 1000000 objects');
    expect(pages).toBe(2000);
  });

  test('a text that ends in a full stop and a line break becomes part of the sentence', async () => {
    // As an API server answers that is asked too often.
    const text = 'Too many requests, please try again later.\n';
    expect((await errorOf(answering(429, text).listPods('x'))).message).toBe(
      'The API server answered 429 to list pods in x on cluster dev: Too many requests, please try again later. Try again in a few seconds.',
    );
  });

  test('a refusal that is no Status keeps its text', async () =>
    expect((await errorOf(answering(502, '<html>bad gateway').listPods('x'))).message).toContain('<html>bad gateway'));

  test.each<[string, ErrorName]>([
    ['ECONNREFUSED', 'ConnectionLost'],
    ['ECONNRESET', 'ConnectionLost'],
    ['ETIMEDOUT', 'ConnectionLost'],
    ['ENOTFOUND', 'ConnectionLost'],
    ['EMSGSIZE', 'ServiceUnavailable'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'InvalidRequest'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'InvalidRequest'],
  ])('a connection that fails with %s is %s', async (code, name) => {
    const cause = Object.assign(new Error(`connect ${code}`), { code });
    const error = await errorOf(kubernetesBy(() => Promise.reject(cause)).listPods('kube-system'));
    expect(error).toMatchObject({ name, cause });
    expect(error.message).toContain(`list pods in kube-system on cluster dev: connect ${code}`);
  });

  test('an answer that is no JSON, or none that fits', async () => {
    expect((await errorOf(answering(200, '{"items":[').listPods('x'))).name).toBe('ServiceUnavailable');
    const error = await errorOf(answering(200, { metadata: {}, items: [{ metadata: { name: 1 } }] }).listPods('x'));
    expect(error.name).toBe('InvalidRequest');
    expect(error.message).toContain('items.0.metadata.name');
  });
});
