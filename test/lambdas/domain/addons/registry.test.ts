import { describe, expect, it } from 'vitest';
import {
  AGENT_ADDON,
  chosenNamespace,
  isNetworking,
  knownAddon,
  madeByAddon,
  mayHaveChosenNamespace,
  namespaceOf,
  ownedKinds,
} from '../../../../lambdas/domain/addons/registry.ts';
import { defaultNamespaceOf, type OfferedVersion } from '../../../../lambdas/domain/aws/eks.ts';

const STRANGE = ['somebodys-add-on', 'constructor', 'toString', '__proto__'];

describe('the registry of add-ons', () => {
  it.each([
    ['aws-ebs-csi-driver', 'kube-system', 'ordinary', true],
    ['vpc-cni', 'kube-system', 'networking', true],
    ['coredns', 'kube-system', 'networking', false],
    ['kube-proxy', 'kube-system', 'networking', false],
    [AGENT_ADDON, 'kube-system', 'ordinary', false],
    ['adot', 'opentelemetry-operator-system', 'ordinary', true],
    ['amazon-cloudwatch-observability', 'amazon-cloudwatch', 'ordinary', true],
    ['external-dns', 'external-dns', 'ordinary', true],
  ])('%s: in %s, %s, needs IAM: %s', (name, namespace, risk, needsIam) => {
    expect(knownAddon(name)).toMatchObject({ namespace, risk, needsIam });
    expect(isNetworking(name)).toBe(risk === 'networking');
  });

  it.each(STRANGE)('does not know %s', (name) => {
    expect(knownAddon(name)).toBeUndefined();
    expect([
      isNetworking(name),
      ownedKinds(name),
      madeByAddon(name, { group: 'opentelemetry.io', plural: 'instrumentations' }),
    ]).toEqual([false, [], []]);
  });
});

it.each<[string, string, string | undefined, string | undefined, string | undefined, string | undefined, boolean]>([
  ['shown, and its default', 'adot', 'a', 'a', 'a', undefined, false],
  ['shown, and another than its default', 'adot', 'a', 'b', 'a', 'a', false],
  ['shown', 'adot', 'opentelemetry-operator-system', undefined, 'opentelemetry-operator-system', undefined, false],
  ["shown, and another than the registry's", 'adot', 'a', undefined, 'a', 'a', false],
  ['shown, where nothing says the default', 'x', 'a', undefined, 'a', 'a', true],
  ['not shown: its default goes before the registry', 'adot', undefined, 'b', 'b', undefined, false],
  ['not shown: the registry', 'adot', undefined, undefined, 'opentelemetry-operator-system', undefined, false],
  ['not known', 'x', undefined, undefined, undefined, undefined, false],
])('the namespace of an add-on %s', (_, name, namespace, byDefault, expected, chosen, maybeChosen) => {
  const addon = { name, namespace };
  expect([namespaceOf(addon, byDefault), chosenNamespace(addon, byDefault)]).toEqual([expected, chosen]);
  expect(mayHaveChosenNamespace(addon, byDefault)).toBe(maybeChosen);
});

describe('the custom resource definitions of an add-on', () => {
  it.each([
    ['adot', 'opentelemetrycollectors.opentelemetry.io v1alpha1'],
    ['adot', 'instrumentations.opentelemetry.io v1alpha1'],
    ['amazon-cloudwatch-observability', 'amazoncloudwatchagents.cloudwatch.aws.amazon.com v1alpha1'],
    ['amazon-cloudwatch-observability', 'instrumentations.cloudwatch.aws.amazon.com v1alpha1'],
    ['aws-mountpoint-s3-csi-driver', 'mountpoints3podattachments.s3.csi.aws.com v2'],
    ['aws-mountpoint-s3-csi-driver', 'mountpoints3podattachments.s3.csi.aws.com v1'],
    ['vpc-cni', 'eniconfigs.crd.k8s.amazonaws.com v1alpha1'],
    ['snapshot-controller', 'volumesnapshots.snapshot.storage.k8s.io v1'],
    ['aws-privateca-connector-for-kubernetes', 'awspcaclusterissuers.awspca.cert-manager.io v1beta1'],
  ])('%s: %s', (name, kind) =>
    expect(ownedKinds(name).map(({ group, version, plural }) => `${plural}.${group} ${version}`)).toContain(kind),
  );
  it('do not exist for the storage drivers, which have no kinds of their own', () => {
    for (const name of ['aws-ebs-csi-driver', 'aws-efs-csi-driver', 'aws-fsx-csi-driver'])
      expect(ownedKinds(name)).toEqual([]);
  });
  it('have instances that the add-on itself creates', () => {
    expect(madeByAddon('adot', { group: 'opentelemetry.io', plural: 'opentelemetrycollectors' })).toContain(
      'adot-col-prom-metrics',
    );
    expect(madeByAddon('adot', { group: 'opentelemetry.io', plural: 'instrumentations' })).toEqual([]);
    expect(
      madeByAddon('amazon-cloudwatch-observability', { group: 'opentelemetry.io', plural: 'opentelemetrycollectors' }),
    ).toEqual([]);
  });
});

describe('the default namespace', () => {
  const offered = (...namespaces: (string | undefined)[]): OfferedVersion[] =>
    namespaces.map((defaultNamespace) => ({
      version: 'v1',
      default: false,
      requiresIamPermissions: false,
      ...(defaultNamespace === undefined ? {} : { defaultNamespace }),
    }));
  it('is taken from any version that has it', () => {
    expect(defaultNamespaceOf(offered(undefined, 'external-dns'))).toBe('external-dns');
    expect(defaultNamespaceOf(offered('external-dns', undefined))).toBe('external-dns');
    expect([defaultNamespaceOf(offered(undefined)), defaultNamespaceOf([])]).toEqual([undefined, undefined]);
  });
});
