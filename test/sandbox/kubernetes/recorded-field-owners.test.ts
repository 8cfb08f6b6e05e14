import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { toManagedFields, managedFieldsEntries } from '../../../lambdas/adapters/managed-fields.ts';
import { refusal } from '../../../sandbox/gateway/protocols.ts';
import { throttledResponse } from '../../../sandbox/gateway/faults.ts';
import { seedAddonObjects } from '../../../sandbox/kubernetes/addon-objects.ts';
import type { WorkloadTemplate } from '../../../sandbox/kubernetes/objects.ts';
import { newEntry, newLab, START } from './support.ts';
import type { Lab } from './support.ts';

interface Entry {
  manager: string;
  subresource?: string;
  time: string;
}
interface Recorded {
  id: string;
  as: string;
  method: string;
  path: string;
  type?: string;
  body?: unknown;
  answer: { status: number; headers: Record<string, string>; body: Record<string, unknown> };
}
const recorded = JSON.parse(readFileSync(new URL('recorded/field-owners.json', import.meta.url), 'utf8')) as Recorded[];
const answerTo = (id: string): Recorded => recorded.find((each) => each.id === id)!;

const NOBODY = 'arn:aws:iam::111122223333:role/nobody';
const workload = (name: string, replicas: number): WorkloadTemplate => ({
  kind: 'Deployment',
  name,
  serviceAccount: name,
  replicas,
  labels: { 'app.kubernetes.io/name': name },
  containers: [{ name, image: `registry.example.com/${name}` }],
});

/** Creates a lab with the Deployments of the recorded cluster. */
const newRecordedLab = (): Lab => {
  const lab = newLab();
  lab.cluster.accessEntries.set(NOBODY, newEntry(NOBODY));
  seedAddonObjects(
    lab.world,
    lab.cluster,
    'payments',
    { namespace: 'payments', serviceAccounts: ['api', 'web'], workloads: [workload('api', 3), workload('web', 2)] },
    { irsaServiceAccounts: [], podsCreatedAt: START, manager: 'helm' },
  );
  return lab;
};

type Answer = Awaited<ReturnType<Lab['call']>>;
const send = ({ call }: Lab, { as, method, path, type, body }: Recorded): Promise<Answer> => {
  const url = new URL(path, 'https://api');
  return call(method, url.pathname, {
    query: Object.fromEntries(url.searchParams),
    ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    ...(body === undefined ? {} : { body }),
    ...(as === 'nobody' ? { as: NOBODY } : {}),
  });
};

/** Returns the entries of managers that changed objects; the manifest's own entry depends on the manifest. */
const editsOf = (body: unknown): Entry[] =>
  ((body as { metadata: { managedFields?: Entry[] } }).metadata.managedFields ?? [])
    .filter(({ manager }) => manager !== 'helm' && manager !== 'kube-controller-manager')
    .map((entry) => ({ ...entry, time: '<time>' }));

const normalized = (scale: { metadata: object; status?: unknown }): unknown => ({
  ...scale,
  metadata: { ...scale.metadata, uid: '<uid>', resourceVersion: '<rv>', creationTimestamp: '<time>' },
});

describe('recordings of a real API server', () => {
  const answers = new Map<string, Answer>();
  beforeAll(async () => {
    const lab = newRecordedLab();
    for (const each of recorded) {
      if (each.id === 'list-throttled') continue;
      answers.set(each.id, await send(lab, each));
    }
  });

  test('match the status of every request', () => {
    expect([...answers].map(([id, { status }]) => [id, status])).toEqual(
      recorded.filter(({ id }) => id !== 'list-throttled').map(({ id, answer }) => [id, answer.status]),
    );
  });

  test.each(['product-restart', 'deployment-pause', 'deployment-resume', 'deployment-kubectl-restart'])(
    'match the field owners after %s',
    (id) => {
      expect(editsOf(answers.get(id)!.body)).toEqual(editsOf(answerTo(id).answer.body));
    },
  );

  test('match a scale', () => {
    const [found, wanted] = [answers.get('get-deployment-scale')!, answerTo('get-deployment-scale')];
    expect(normalized(found.body)).toEqual(wanted.answer.body);
  });

  test('match a patch of a scale without change; its status depends on the current rollout', () => {
    const [found, wanted] = [answers.get('deployment-scale-patch')!, answerTo('deployment-scale-patch')];
    expect(normalized({ ...found.body, status: wanted.answer.body['status'] })).toEqual(wanted.answer.body);
  });

  test('match the error of a forbidden scale', () => {
    const { id: _, ...wanted } = answerTo('rbac-scale-subresource');
    const without = (text: unknown): string => String(text).replace(/assumed-role\/nobody\/\w+|role\/nobody/, '<role>');
    const { message, ...rest } = answers.get('rbac-scale-subresource')!.body;
    const { message: real, ...more } = wanted.answer.body;
    expect(rest).toEqual(more);
    expect(without(message).replace(/:iam::|:sts::/, ':')).toBe(without(real).replace(/:iam::|:sts::/, ':'));
  });

  test('match the scalable resources in discovery', () => {
    const scales = (answers.get('discovery-apps-v1')!.body.resources ?? []).filter(({ name }) =>
      name.endsWith('/scale'),
    );
    const sorted = (list: { name: string }[]): unknown => list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    expect(sorted(scales)).toEqual(answerTo('discovery-apps-v1').answer.body['resources']);
  });

  test('match the error of an eviction that the budget does not allow', () => {
    const { status, headers, body } = answerTo('list-throttled').answer;
    const call = { service: 'kubernetes', operation: 'list pods', protocol: 'kubernetes', input: {} };
    const { 'audit-id': _, 'x-kubernetes-pf-flowschema-uid': __, ...kept } = headers;
    expect(throttledResponse(call as unknown as Parameters<typeof throttledResponse>[0], 'r')).toEqual({
      status,
      headers: { ...kept, 'audit-id': 'r' },
      body: body['text'],
    });
    expect(refusal('kubernetes', 403, 'Forbidden', 'no', 'r').headers['content-type']).toBe('application/json');
  });
});

test('have owners that the service can parse', () => {
  const { managedFields } = answerTo('deployment-kubectl-restart').answer.body['metadata'] as {
    managedFields: unknown;
  };
  const owners = toManagedFields(managedFieldsEntries.parse(managedFields));
  expect(owners.map(({ manager }) => manager)).toEqual(['helm', 'eks-pod-identity-migrator', 'kubectl-rollout']);
  expect(owners[2]?.fields).toEqual(['.spec.template.metadata.annotations.kubectl.kubernetes.io/restartedAt']);
});
