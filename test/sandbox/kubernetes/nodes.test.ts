/** Nodes and the webhook's configuration in the API. */
import { describe, expect, test } from 'vitest';
import { listObjects } from '../../../sandbox/objects/store.ts';
import { DEPLOYMENT, ebsWith, merge, newEbsLab, newEntry, restartPatch } from './support.ts';

const WEBHOOKS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };

describe('mutating webhook configurations', () => {
  test('can be listed and read, but not changed', async () => {
    const lab = newEbsLab();
    expect((await lab.call('GET', WEBHOOKS)).body).toMatchObject({
      kind: 'MutatingWebhookConfigurationList',
      apiVersion: 'admissionregistration.k8s.io/v1',
      items: [{ metadata: { name: 'pod-identity-webhook' } }],
    });
    expect((await lab.call('GET', `${WEBHOOKS}/pod-identity-webhook`)).body).toMatchObject({
      kind: 'MutatingWebhookConfiguration',
      webhooks: [{ name: 'iam-for-pods.amazonaws.com', failurePolicy: 'Ignore' }],
    });
    expect((await lab.call('GET', `${WEBHOOKS}/other`)).status).toBe(404);
    expect((await lab.call('DELETE', `${WEBHOOKS}/pod-identity-webhook`)).status).toBe(501);
  });
  test('are in discovery, and returned as a table', async () => {
    const lab = newEbsLab();
    expect((await lab.call('GET', '/apis/admissionregistration.k8s.io/v1')).body.resources).toContainEqual(
      expect.objectContaining({ name: 'mutatingwebhookconfigurations', namespaced: false }),
    );
    const { body } = await lab.call('GET', WEBHOOKS, { headers: TABLE });
    expect(body['rows']).toMatchObject([{ cells: ['pod-identity-webhook', 1, expect.any(String)] }]);
  });
  test('are not readable with the view policy, but with the admin view policy', async () => {
    const lab = newEbsLab();
    const who = 'arn:aws:iam::111122223333:role/viewer';
    for (const [policy, status] of [
      ['AmazonEKSViewPolicy', 403],
      ['AmazonEKSAdminViewPolicy', 200],
    ] as const) {
      lab.cluster.accessEntries.set(who, newEntry(who, { policies: [policy] }));
      expect([policy, (await lab.call('GET', WEBHOOKS, { as: who })).status]).toEqual([policy, status]);
      expect((await lab.call('GET', '/api/v1/nodes', { as: who })).status).toBe(status);
    }
  });
});

describe('nodes', () => {
  test('are displayed as ready, or cordoned', async () => {
    const lab = newEbsLab({ nodes: 1 });
    const name = listObjects(lab.cluster.kube, 'Node')[0]!.metadata.name;
    const shown = async (): Promise<unknown> =>
      ((await lab.call('GET', '/api/v1/nodes', { headers: TABLE })).body['rows'] as { cells: unknown[] }[])[0]!
        .cells[1];
    expect(await shown()).toBe('Ready');
    await lab.call('PATCH', `/api/v1/nodes/${name}`, { headers: merge, body: { spec: { unschedulable: true } } });
    expect(await shown()).toBe('Ready,SchedulingDisabled');
  });

  test('get the pending pods that select a label once they have it', async () => {
    const lab = newEbsLab({ nodes: 2, objects: ebsWith({ nodeSelector: { disk: 'fast' } }) });
    expect(lab.pods('ebs-csi-controller').map(({ spec }) => spec.nodeName)).toEqual([undefined, undefined]);
    const name = listObjects(lab.cluster.kube, 'Node')[0]!.metadata.name;
    await lab.call('PATCH', `/api/v1/nodes/${name}`, {
      headers: merge,
      body: { metadata: { labels: { disk: 'fast' } } },
    });
    await lab.call('PATCH', DEPLOYMENT, { headers: merge, body: restartPatch('1') });
    lab.pass(60);
    expect(lab.pods('ebs-csi-controller').map(({ spec, status }) => [spec.nodeName, status.phase])).toEqual([
      [name, 'Running'],
      [name, 'Running'],
    ]);
  });

  test("get no new pod of a DaemonSet once they lose its selector's label", async () => {
    const lab = newEbsLab({ nodes: 2 });
    const name = listObjects(lab.cluster.kube, 'Node')[0]!.metadata.name;
    await lab.call('PATCH', `/api/v1/nodes/${name}`, {
      headers: merge,
      body: { metadata: { labels: { 'kubernetes.io/os': 'windows' } } },
    });
    await lab.call('PATCH', '/apis/apps/v1/namespaces/kube-system/daemonsets/ebs-csi-node', {
      headers: merge,
      body: restartPatch('1'),
    });
    lab.pass(120);
    expect(lab.daemonSet().status).toMatchObject({ desiredNumberScheduled: 1 });
  });
});

test('the webhook changes no pod without its configuration', async () => {
  const lab = newEbsLab();
  lab.cluster.kube.objects.get('mutatingwebhookconfigurations.admissionregistration.k8s.io')!.clear();
  await lab.call('PATCH', DEPLOYMENT, { headers: merge, body: restartPatch('1') });
  lab.pass(120);
  expect(lab.pods('ebs-csi-controller').map(({ spec }) => JSON.stringify(spec).includes('AWS_'))).toEqual([
    false,
    false,
  ]);
});
