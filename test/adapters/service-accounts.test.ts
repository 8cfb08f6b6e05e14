/** One service account, as a migration of it reads and annotates it. */
import { describe, expect, test } from 'vitest';
import type { PlainHttpRequest } from '../../lambdas/adapters/clients.ts';
import type { Kubernetes } from '../../lambdas/ports/kubernetes.ts';
import { newEbsLab, ROLE } from '../sandbox/kubernetes/support.ts';
import { answering, errorOf, kubernetesBy, kubernetesOf } from './kubernetes.ts';
import { anError } from '../lambdas/matchers.ts';

const ANNOTATION = 'eks.amazonaws.com/role-arn';
const ACCOUNT = { namespace: 'kube-system', name: 'ebs-csi-controller-sa' };
const BASE = 'https://abc.eks.amazonaws.com';

const metadata = (change: object = {}) => ({
  name: 'api',
  namespace: 'payments',
  uid: 'u-1',
  resourceVersion: '42',
  annotations: { [ANNOTATION]: ROLE, team: 'shop' },
  ...change,
});
const owning = (manager: string, annotations: Record<string, object>) => ({
  manager,
  operation: 'Update',
  apiVersion: 'v1',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:metadata': { 'f:annotations': { '.': {}, ...annotations } } },
});
const byRole = (manager: string) => owning(manager, { [`f:${ANNOTATION}`]: {} });
const listing = (...items: object[]): Kubernetes =>
  answering(200, { metadata: {}, items: items.map((one) => ({ metadata: one })) });

const seen = (body: unknown): { kubernetes: Kubernetes; requests: PlainHttpRequest[] } => {
  const requests: PlainHttpRequest[] = [];
  return {
    requests,
    kubernetes: kubernetesBy(
      async (request) => (requests.push(request), { status: 200, headers: {}, body: JSON.stringify(body) }),
    ),
  };
};

describe('a service account', () => {
  test('is asked for by the list, and by its name alone', async () => {
    const { kubernetes, requests } = seen({ metadata: {}, items: [{ metadata: metadata() }] });
    expect(await kubernetes.getServiceAccount('payments', 'api')).toEqual({
      namespace: 'payments',
      name: 'api',
      uid: 'u-1',
      resourceVersion: '42',
      roleArn: ROLE,
      annotatedBy: [],
      labels: {},
      annotations: { [ANNOTATION]: ROLE, team: 'shop' },
      managers: [],
    });
    expect(requests.map(({ method, url }) => [method, url])).toEqual([
      ['GET', `${BASE}/api/v1/namespaces/payments/serviceaccounts?fieldSelector=metadata.name%3Dapi`],
    ]);
  });

  test('has its path and its selector escaped', async () => {
    const { kubernetes, requests } = seen({ metadata: {}, items: [] });
    await kubernetes.getServiceAccount('a/b', 'c&limit=1');
    expect(requests[0]?.url).toBe(
      `${BASE}/api/v1/namespaces/a%2Fb/serviceaccounts?fieldSelector=metadata.name%3Dc%26limit%3D1`,
    );
  });

  test.each<[string, Kubernetes]>([
    ['the list is empty', answering(200, { metadata: {}, items: [] })],
    ['the list is null', answering(200, { metadata: {}, items: null })],
    ['the server knows no selector, and lists others', listing(metadata({ name: 'web' }), metadata({ name: 'api-2' }))],
  ])('is undefined where %s', async (_, kubernetes) =>
    expect(await kubernetes.getServiceAccount('payments', 'api')).toBeUndefined(),
  );

  test('is the one of that name, whatever else is listed', async () =>
    expect(
      await listing(metadata({ name: 'web', uid: 'u-2' }), metadata()).getServiceAccount('payments', 'api'),
    ).toMatchObject({ uid: 'u-1' }));

  test.each([
    [{ annotations: null }],
    [{ annotations: {} }],
    [{ annotations: { [ANNOTATION]: '' } }],
    [{ annotations: undefined }],
  ])('has no role where the annotation is not there or empty: %j', async (change) =>
    expect(await listing(metadata(change)).getServiceAccount('payments', 'api')).not.toHaveProperty('roleArn'),
  );

  test('says who has set the annotation, and not who has set others', async () => {
    const managedFields = [
      byRole('helm'),
      owning('kubectl-edit', { 'f:team': {} }),
      byRole('argocd-controller'),
      { manager: 'x' },
    ];
    expect(await listing(metadata({ managedFields })).getServiceAccount('payments', 'api')).toMatchObject({
      annotatedBy: ['helm', 'argocd-controller'],
      managers: ['helm', 'kubectl-edit', 'argocd-controller'],
    });
    expect(await listing(metadata({ managedFields: null })).getServiceAccount('payments', 'api')).toMatchObject({
      annotatedBy: [],
    });
  });

  test('is listed with who has set its annotation, and its labels; one without the annotation is not', async () => {
    const { kubernetes, requests } = seen({
      metadata: {},
      items: [
        { metadata: metadata({ managedFields: [byRole('eks')], labels: { app: 'api' } }) },
        { metadata: metadata({ name: 'web', annotations: null }) },
        { metadata: metadata({ name: 'old', managedFields: null, labels: null }) },
      ],
    });
    const annotations = { [ANNOTATION]: ROLE, team: 'shop' };
    const of = (name: string) => ({ namespace: 'payments', name, roleArn: ROLE, annotations });
    expect(await kubernetes.listAttributedServiceAccounts('a/b')).toEqual([
      { ...of('api'), annotatedBy: ['eks'], labels: { app: 'api' }, managers: ['eks'] },
      { ...of('old'), annotatedBy: [], labels: {}, managers: [] },
    ]);
    expect(requests.map(({ url }) => url)).toEqual([`${BASE}/api/v1/namespaces/a%2Fb/serviceaccounts?limit=500`]);
  });

  test('of an add-on has its annotation from EKS', async () =>
    expect(await kubernetesOf(newEbsLab()).listAttributedServiceAccounts(ACCOUNT.namespace)).toMatchObject([
      { ...ACCOUNT, roleArn: ROLE, annotatedBy: ['eks'] },
    ]));

  test('of a cluster is read as it is there', async () => {
    const kubernetes = kubernetesOf(newEbsLab());
    expect(await kubernetes.getServiceAccount(ACCOUNT.namespace, ACCOUNT.name)).toMatchObject({
      ...ACCOUNT,
      roleArn: ROLE,
      uid: expect.any(String) as string,
      resourceVersion: expect.any(String) as string,
    });
    expect(await kubernetes.getServiceAccount(ACCOUNT.namespace, 'nope')).toBeUndefined();
  });

  test.each<[number, string]>([
    [403, 'AccessDenied'],
    [401, 'Unauthorised'],
    [500, 'ServiceUnavailable'],
  ])('is not undefined where the answer is %i', async (status, name) => {
    const error = await errorOf(
      answering(status, { kind: 'Status', message: 'because', code: status }).getServiceAccount('payments', 'api'),
    );
    expect(error).toMatchObject(anError(name, `${status} to get service account payments/api on cluster dev: because`));
  });
});

describe('its annotation', () => {
  const api = { namespace: 'payments', name: 'api', resourceVersion: '42' };

  test.each([[ROLE], [null]])(
    "is set, or taken off, by a merge patch of the version that was seen, under the service's own name: %s",
    async (roleArn) => {
      const { kubernetes, requests } = seen({ kind: 'ServiceAccount' });
      await kubernetes.annotateServiceAccount(api, roleArn);
      const [{ method, url, headers, body }] = requests as [PlainHttpRequest];
      expect([method, url, headers['content-type']]).toEqual([
        'PATCH',
        `${BASE}/api/v1/namespaces/payments/serviceaccounts/api?fieldManager=eks-pod-identity-migrator`,
        'application/merge-patch+json',
      ]);
      expect(JSON.parse(String(body))).toEqual({
        metadata: { resourceVersion: '42', annotations: { [ANNOTATION]: roleArn } },
      });
      expect(requests).toHaveLength(1);
    },
  );

  test('is Busy if another client has changed the service account meanwhile', async () => {
    const error = await errorOf(
      answering(409, { kind: 'Status', message: 'the object has been modified', code: 409 }).annotateServiceAccount(
        api,
        null,
      ),
    );
    expect(error).toMatchObject(
      anError('Busy', '409 to annotate service account payments/api on cluster dev: the object has been modified'),
    );
  });

  test.each<[number, string]>([
    [403, 'AccessDenied'],
    [404, 'NotFound'],
    [422, 'InvalidRequest'],
  ])('with %i is %s', async (status, name) =>
    expect(
      (
        await errorOf(
          answering(status, { kind: 'Status', message: 'because', code: status }).annotateServiceAccount(api, ROLE),
        )
      ).name,
    ).toBe(name),
  );

  test('of a cluster goes and comes back; an old version is refused', async () => {
    const kubernetes = kubernetesOf(newEbsLab());
    const look = async () => (await kubernetes.getServiceAccount(ACCOUNT.namespace, ACCOUNT.name))!;
    const before = await look();
    await kubernetes.annotateServiceAccount(before, null);
    const without = await look();
    expect(without).not.toHaveProperty('roleArn');
    expect(without.uid).toBe(before.uid);
    expect((await errorOf(kubernetes.annotateServiceAccount(before, ROLE))).name).toBe('Busy');
    await kubernetes.annotateServiceAccount(without, ROLE);
    expect(await look()).toMatchObject({ uid: before.uid, roleArn: ROLE });
    expect((await kubernetes.listAnnotatedServiceAccounts()).map(({ name }) => name)).toContain(ACCOUNT.name);
  });
});
