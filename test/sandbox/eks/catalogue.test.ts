import { describe, expect, it } from 'vitest';
import { Validator, type Schema } from '@cfworker/json-schema';
import { madeByAddon, ownedKinds } from '../../../lambdas/domain/addons/registry.ts';
import { CLUSTER_VERSIONS } from '../../../sandbox/catalog/cluster-versions.ts';
import { loadCatalogue } from '../../../sandbox/catalog/index.ts';
import { words } from '../../words.ts';

const catalogue = loadCatalogue();
const addons = [...catalogue.values()];
const numbers = (version: string): number[] => version.split(/\D+/).filter(Boolean).map(Number);

describe('the catalogue', () => {
  it('has the documented add-ons', () =>
    expect([...catalogue.keys()].sort()).toEqual(words`
      adot amazon-cloudwatch-observability aws-ebs-csi-driver aws-efs-csi-driver aws-fsx-csi-driver
      aws-mountpoint-s3-csi-driver cert-manager coredns eks-pod-identity-agent external-dns fluent-bit kube-proxy
      snapshot-controller vpc-cni
    `));

  it('is a new copy each time', () => {
    const mine = loadCatalogue();
    mine.get('coredns')!.versions[0]!.offered = false;
    mine.get('coredns')!.objects.namespace = 'elsewhere';
    expect(loadCatalogue().get('coredns')).toEqual(catalogue.get('coredns'));
  });

  it.each(addons.map((addon) => [addon.name, addon] as const))('%s is consistent', (_name, addon) => {
    for (const { version: kubernetesVersion } of CLUSTER_VERSIONS) {
      const defaults = addon.versions.filter(
        (version) =>
          version.defaultFor.includes(kubernetesVersion) && version.kubernetesVersions.includes(kubernetesVersion),
      );
      expect([kubernetesVersion, defaults.length]).toEqual([kubernetesVersion, 1]);
    }
    const newestFirst = [...addon.versions].sort((a, b) => {
      const [left, permission] = [numbers(a.version), numbers(b.version)];
      const index = left.findIndex((number, position) => number !== permission[position]);
      return (permission[index] ?? 0) - (left[index] ?? 0);
    });
    expect(addon.versions).toEqual(newestFirst);
    expect(addon.versions.length).toBeGreaterThanOrEqual(3);
    expect(addon.versions.every(({ offered }) => offered)).toBe(true);

    const { serviceAccounts, workloads } = addon.objects;
    const used = workloads.map(({ serviceAccount }) => serviceAccount).filter((name) => name !== 'default');
    expect([...serviceAccounts].sort()).toEqual([...new Set(used)].sort());
    expect(addon.irsaServiceAccounts.filter((name) => !serviceAccounts.includes(name))).toEqual([]);
    for (const { podIdentity } of addon.versions)
      expect(
        (podIdentity ?? []).filter(({ serviceAccount }) => !addon.irsaServiceAccounts.includes(serviceAccount)),
      ).toEqual([]);
    for (const { kind, replicas, containers, labels } of workloads) {
      expect(kind === 'Deployment').toBe(replicas !== undefined);
      expect(containers.length).toBeGreaterThan(0);
      expect(labels).toMatchObject({
        'app.kubernetes.io/managed-by': 'EKS',
        app: expect.any(String),
        'app.kubernetes.io/name': expect.any(String),
        'app.kubernetes.io/component': expect.any(String),
      });
    }
    expect(new Set(workloads.map(({ labels }) => labels['app'])).size).toBe(workloads.length);
    const kinds = addon.objects.customKinds ?? [];
    expect(new Set(kinds.map(({ group, plural }) => `${plural}.${group}`)).size).toBe(kinds.length);
    for (const { versions } of kinds) expect(versions.length).toBeGreaterThan(0);

    const schema = JSON.parse(addon.configurationSchema) as {
      $ref?: string;
      $schema: string;
      definitions?: Record<string, object>;
    };
    const root = schema.$ref === undefined ? schema : schema.definitions?.[schema.$ref.replace('#/definitions/', '')];
    expect(root).toMatchObject({ type: 'object', additionalProperties: false });
    expect(schema.$schema).toBe(
      schema.$ref === undefined
        ? 'https://json-schema.org/draft/2019-09/schema'
        : 'http://json-schema.org/draft-06/schema#',
    );
    // Every reference has a target.
    expect(new Validator(schema as Schema, schema.$ref === undefined ? '2019-09' : '7').validate({}).valid).toBe(true);
    for (const [, location = '', name = ''] of addon.configurationSchema.matchAll(/"#\/(\$defs|definitions)\/(\w+)"/g))
      expect((schema as unknown as Record<string, object>)[location]).toHaveProperty(name);
  });

  it.each([
    ['aws-ebs-csi-driver', 'v1.26.0-eksbuild.1'],
    ['aws-efs-csi-driver', 'v2.0.5-eksbuild.1'],
    ['vpc-cni', 'v1.15.5-eksbuild.1'],
    ['adot', 'v0.94.1-eksbuild.1'],
    ['amazon-cloudwatch-observability', 'v3.1.0-eksbuild.1'],
  ])('%s supports associations since %s, and has an earlier version', (name, since) => {
    const [major = 0, minor = 0, patch = 0] = numbers(since);
    const supportsAssociations = ({ version }: { version: string }): boolean => {
      const [a = 0, b = 0, c = 0] = numbers(version);
      return a > major || (a === major && (b > minor || (b === minor && c >= patch)));
    };
    const { versions } = catalogue.get(name)!;
    expect(versions.map((version) => [version.version, version.podIdentity !== undefined])).toEqual(
      versions.map((version) => [version.version, supportsAssociations(version)]),
    );
    expect(versions.some((version) => !supportsAssociations(version))).toBe(true);
  });

  it.each(addons)('$name has the custom resources that the service requests', ({ name, objects }) => {
    const served = (objects.customKinds ?? []).flatMap(({ group, plural, versions }) =>
      versions.map((version) => `${group}/${version} ${plural}`),
    );
    const resources = new Set(served.map((text) => text.replace(/\/\S+/, '')));
    const asked = ownedKinds(name);
    expect(
      [...new Set(asked.map(({ group, plural }) => `${group} ${plural}`))].filter(
        (resource) => !resources.has(resource),
      ),
    ).toEqual([]);
    for (const { group, plural } of asked)
      expect(
        asked.some(
          (one) => one.group === group && one.plural === plural && served.includes(`${group}/${one.version} ${plural}`),
        ),
      ).toBe(true);
    for (const { group, plural, name: made } of objects.customResources ?? [])
      expect(madeByAddon(name, { group, plural })).toContain(made);
  });

  it.each(['coredns', 'kube-proxy', 'snapshot-controller', 'eks-pod-identity-agent', 'cert-manager'])(
    '%s does not support associations',
    (name) =>
      expect(
        catalogue
          .get(name)!
          .versions.filter(
            ({ podIdentity, requiresIamPermissions }) => podIdentity !== undefined || requiresIamPermissions,
          ),
      ).toEqual([]),
  );
});
