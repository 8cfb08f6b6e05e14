import { describe, expect, test } from 'vitest';
import { loadCatalogue } from '../../../sandbox/catalog/index.ts';
import { applyAddonObjects, removeAddonObjects, seedAddonObjects } from '../../../sandbox/kubernetes/addon-objects.ts';
import { SANDBOX_GROUPS } from '../../../sandbox/kubernetes/rbac-defaults.ts';
import { newMetadata, putResource } from '../../../sandbox/objects/store.ts';
import type { Knobs } from '../../../sandbox/scenario/scenario.ts';
import { merge, newEntry, newLab, START, type Lab } from './support.ts';
import { words } from '../../words.ts';

const ADOT = 'adot';
const { objects } = loadCatalogue().get(ADOT)!;
const OWN = ['adot-col-container-logs', 'adot-col-otlp-ingest', 'adot-col-prom-metrics'];
const GROUP = '/apis/opentelemetry.io';
const COLLECTORS = `${GROUP}/v1beta1/namespaces/shop/opentelemetrycollectors`;
const COLLECTOR = { apiVersion: 'opentelemetry.io/v1beta1', kind: 'OpenTelemetryCollector' };
const WHO = 'arn:aws:iam::111122223333:role/who';

/** Creates a lab with the OpenTelemetry add-on and a collector that a team created for it. */
const newAdotLab = (knobs: Partial<Knobs> = {}): Lab => {
  const lab = newLab({ nodes: 1, knobs, catalogue: loadCatalogue() });
  seedAddonObjects(lab.world, lab.cluster, ADOT, objects, { irsaServiceAccounts: [], podsCreatedAt: START });
  const { kube } = lab.cluster;
  const own = { name: 'traces', namespace: 'shop', generation: 1, labels: { team: 'shop' } };
  const collector = { ...COLLECTOR, metadata: newMetadata(kube, START, own), spec: { mode: 'deployment' } };
  putResource(kube, kube.customKinds.get('opentelemetrycollectors.opentelemetry.io')!, collector);
  return lab;
};
type Options = Parameters<Lab['call']>[2];
const names = async (lab: Lab, path: string, options: Options = {}): Promise<string[]> =>
  (await lab.call('GET', path, options)).body.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
const status = async (lab: Lab, method: string, path: string, options: Options = {}): Promise<number> =>
  (await lab.call(method, path, options)).status;

describe('custom resources', () => {
  test('can be read individually, in lists, and by selectors', async () => {
    const lab = newAdotLab();
    expect((await lab.call('GET', `${COLLECTORS}/traces`)).body).toMatchObject({
      ...COLLECTOR,
      metadata: { name: 'traces', namespace: 'shop', creationTimestamp: '2026-01-15T09:00:00Z' },
      spec: { mode: 'deployment' },
    });
    const { body, described } = await lab.call('GET', COLLECTORS);
    expect(body).toMatchObject({
      apiVersion: 'opentelemetry.io/v1beta1',
      kind: 'OpenTelemetryCollectorList',
      items: [{ ...COLLECTOR, metadata: { name: 'traces' } }],
    });
    expect(described).toEqual(['list opentelemetrycollectors', { namespace: 'shop' }]);
    const all = `${GROUP}/v1beta1/opentelemetrycollectors`;
    const own = OWN.map((name) => `opentelemetry-operator-system/${name}`);
    expect(await names(lab, all)).toEqual([...own, 'shop/traces']);
    expect(await names(lab, all, { query: { labelSelector: 'team=shop' } })).toEqual(['shop/traces']);
    const page = (await lab.call('GET', all, { query: { limit: '1' } })).body.metadata;
    expect(page).toMatchObject({ continue: expect.any(String), remainingItemCount: 3 });
  });

  test('are served in each version', async () => {
    const lab = newAdotLab();
    const former = await lab.call('GET', `${COLLECTORS.replace('v1beta1', 'v1alpha1')}/traces`);
    expect(former.body.apiVersion).toBe('opentelemetry.io/v1alpha1');
    expect(await status(lab, 'GET', COLLECTORS.replace('v1beta1', 'v1'))).toBe(404);
  });

  test('return the plain 404 if not defined, and NotFound if missing', async () => {
    const lab = newAdotLab();
    const undefinedHere = ['instrumentations', 'nothings'].map((kind) => `${GROUP}/v1beta1/${kind}`);
    for (const path of ['/apis/example.com/v1/things', ...undefinedHere]) {
      const { status: code, text } = await lab.call('GET', path);
      expect([path, code, text]).toEqual([path, 404, '404 page not found\n']);
    }
    expect((await lab.call('GET', `${COLLECTORS}/nope`)).body).toMatchObject({
      code: 404,
      message: 'opentelemetrycollectors.opentelemetry.io "nope" not found',
      details: { group: 'opentelemetry.io', kind: 'opentelemetrycollectors' },
    });
    expect(await names(lab, `${GROUP}/v1alpha1/instrumentations`)).toEqual([]);
  });

  test('can be deleted, but not created or changed', async () => {
    const lab = newAdotLab();
    expect(await status(lab, 'POST', COLLECTORS, { body: {} })).toBe(405);
    expect(await status(lab, 'PATCH', `${COLLECTORS}/traces`, { headers: merge, body: {} })).toBe(405);
    expect((await lab.call('DELETE', `${COLLECTORS}/traces`)).body).toMatchObject({
      status: 'Success',
      details: { name: 'traces', group: 'opentelemetry.io' },
    });
    expect(await names(lab, COLLECTORS)).toEqual([]);
  });

  test('are returned as a table for kubectl', async () => {
    const lab = newAdotLab();
    lab.pass(90);
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    const { body } = await lab.call('GET', COLLECTORS, { headers });
    const columnDefinitions = [{ name: 'Name' }, { name: 'Age' }];
    expect(body).toMatchObject({ kind: 'Table', columnDefinitions, rows: [{ cells: ['traces', '90s'] }] });
  });
});

describe('discovery', () => {
  test('lists groups, versions and resources', async () => {
    const lab = newAdotLab();
    const { groups } = (await lab.call('GET', '/apis')).body as unknown as {
      groups: { name: string; versions: { version: string }[]; preferredVersion: { version: string } }[];
    };
    const group = groups.find(({ name }) => name === 'opentelemetry.io');
    expect(group).toMatchObject({ preferredVersion: { groupVersion: 'opentelemetry.io/v1beta1', version: 'v1beta1' } });
    expect(group?.versions.map(({ version }) => version)).toEqual(['v1beta1', 'v1alpha1']);
    expect((await lab.call('GET', GROUP)).body).toMatchObject({ kind: 'APIGroup', name: 'opentelemetry.io' });
    expect((await lab.call('GET', `${GROUP}/v1beta1`)).body.resources).toEqual([
      {
        name: 'opentelemetrycollectors',
        singularName: 'opentelemetrycollector',
        namespaced: true,
        kind: 'OpenTelemetryCollector',
        verbs: ['delete', 'deletecollection', 'get', 'list', 'watch'],
        shortNames: ['otelcol', 'otelcols'],
        storageVersionHash: 'skIOwvZV0n4=',
      },
    ]);
    expect((await lab.call('GET', `${GROUP}/v1alpha1`)).body.resources.map(({ name }) => name)).toEqual(words`
      opentelemetrycollectors instrumentations opampbridges targetallocators
    `);
  });

  test('omits groups of add-ons that are not installed', async () => {
    const lab = newLab();
    expect(await status(lab, 'GET', GROUP)).toBe(404);
    expect((await lab.call('GET', '/apis')).text).not.toContain('opentelemetry');
  });
});

test.each([
  ['remove', [404, []]],
  ['keep', [200, ['shop/traces']]],
] as const)(
  "an add-on's definitions when it is removed (%s), and made again",
  async (customResourcesOnDelete, [code, left]) => {
    const lab = newAdotLab({ customResourcesOnDelete });
    removeAddonObjects(lab.world, lab.cluster, ADOT, objects);
    expect(await status(lab, 'GET', COLLECTORS)).toBe(code);
    applyAddonObjects(lab.world, lab.cluster, ADOT, objects, { irsaServiceAccounts: [], restart: false });
    expect(await names(lab, COLLECTORS)).toEqual(left);
    expect(await names(lab, COLLECTORS.replace('shop', objects.namespace))).toHaveLength(3);
  },
);

test('the group of the deployed service can read the custom resources of add-ons, and nothing else', async () => {
  const lab = newAdotLab();
  lab.cluster.accessEntries.set(WHO, newEntry(WHO, { groups: [SANDBOX_GROUPS.read] }));
  const as = { as: WHO };
  expect(await status(lab, 'GET', COLLECTORS, as)).toBe(200);
  expect(await status(lab, 'GET', `${GROUP}/v1alpha1/instrumentations`, as)).toBe(200);
  expect(await status(lab, 'DELETE', `${COLLECTORS}/traces`, as)).toBe(403);
  // This group belongs to an add-on of the catalogue that is not installed.
  expect(await status(lab, 'GET', '/apis/cert-manager.io/v1/certificates', as)).toBe(404);
  expect(await status(lab, 'GET', '/apis/example.com/v1/things', as)).toBe(403);
});
