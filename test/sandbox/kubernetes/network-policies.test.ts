/** NetworkPolicies in the API: as the API server stores, returns and refuses them, and who may read them. */
import { describe, expect, test } from 'vitest';
import { merge, newEbsLab, newEntry } from './support.ts';

const ALL = '/apis/networking.k8s.io/v1/networkpolicies';
const IN = '/apis/networking.k8s.io/v1/namespaces/kube-system/networkpolicies';
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
const manifest = (spec: object, name = 'deny'): object => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name },
  spec,
});

describe('network policies', () => {
  test('are in discovery', async () => {
    const lab = newEbsLab();
    const { body } = await lab.call('GET', '/apis');
    expect((body['groups'] as { name: string }[]).map(({ name }) => name)).toContain('networking.k8s.io');
    expect((await lab.call('GET', '/apis/networking.k8s.io/v1')).body.resources).toContainEqual(
      expect.objectContaining({ name: 'networkpolicies', namespaced: true, shortNames: ['netpol'] }),
    );
  });

  test('are stored with their types and with the protocol of each port', async () => {
    const lab = newEbsLab();
    const create = async (spec: object, name: string): Promise<unknown> =>
      (await lab.call('POST', IN, { body: manifest(spec, name) })).body['spec'];
    expect(await create({ podSelector: {} }, 'a')).toEqual({ podSelector: {}, policyTypes: ['Ingress'] });
    expect(
      await create({ podSelector: {}, egress: [{ ports: [{ port: 80 }, { protocol: 'UDP', port: 53 }] }] }, 'b'),
    ).toEqual({
      podSelector: {},
      egress: [
        {
          ports: [
            { protocol: 'TCP', port: 80 },
            { protocol: 'UDP', port: 53 },
          ],
        },
      ],
      policyTypes: ['Ingress', 'Egress'],
    });
    const listed = (await lab.call('GET', ALL)).body;
    expect([listed.kind, listed.items.map(({ metadata }) => metadata.name)]).toEqual(['NetworkPolicyList', ['a', 'b']]);
    await lab.call('PATCH', `${IN}/b`, { headers: merge, body: { spec: { policyTypes: ['Egress'] } } });
    const { body } = await lab.call('GET', `${IN}/b`);
    expect(body).toMatchObject({ metadata: { generation: 2 }, spec: { policyTypes: ['Egress'] } });
    expect((await lab.call('DELETE', `${IN}/b`)).status).toBe(200);
    expect((await lab.call('GET', `${IN}/b`)).status).toBe(404);
  });

  test('are displayed with the pods that they select', async () => {
    const lab = newEbsLab();
    const podSelector = {
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'tier', operator: 'In', values: ['a', 'b'] }],
    };
    await lab.call('POST', IN, { body: manifest({ podSelector }) });
    await lab.call('POST', IN, { body: manifest({ podSelector: {} }, 'every') });
    const rows = (await lab.call('GET', IN, { headers: TABLE })).body['rows'] as { cells: unknown[] }[];
    expect(rows.map(({ cells }) => cells.slice(0, 2))).toEqual([
      ['deny', 'app=web,tier in (a,b)'],
      ['every', '<none>'],
    ]);
  });

  test.each<[string, object, string]>([
    [
      'a block that is none',
      { egress: [{ to: [{ ipBlock: { cidr: '169.254.170.23' } }] }] },
      'spec.egress[0].to[0].ipBlock.cidr',
    ],
    [
      'a peer of two kinds',
      { egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }] }] },
      'spec.egress[0].to[0]',
    ],
    ['a peer of no kind', { egress: [{ to: [{}] }] }, 'spec.egress[0].to[0]'],
    [
      'a range without a start',
      { egress: [{ ports: [{ port: 'http', endPort: 90 }] }] },
      'spec.egress[0].ports[0].endPort',
    ],
    ['an unknown type', { policyTypes: ['Out'] }, 'spec.policyTypes[0]'],
  ])('with %s are refused', async (_name, spec, field) => {
    const { status, body } = await newEbsLab().call('POST', IN, { body: manifest({ podSelector: {}, ...spec }) });
    expect([status, body.message]).toEqual([422, expect.stringContaining(`: ${field}: Invalid value`)]);
  });

  test('are readable with the view policy, but not writable', async () => {
    const lab = newEbsLab();
    const who = 'arn:aws:iam::111122223333:role/viewer';
    lab.cluster.accessEntries.set(who, newEntry(who, { policies: ['AmazonEKSViewPolicy'] }));
    expect((await lab.call('GET', ALL, { as: who })).status).toBe(200);
    expect((await lab.call('POST', IN, { as: who, body: manifest({ podSelector: {} }) })).status).toBe(403);
  });
});
