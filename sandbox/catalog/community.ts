/**
 * Community add-ons that support associations: EKS publishes them, their communities own them. Each has its own
 * namespace. Source: EKS User Guide, "Community add-ons" (names, namespaces, service accounts, managed policies). The
 * service's registry does not know fluent-bit, which represents all add-ons that only EKS knows.
 */
import { containers, customKinds, labels, podIdentity, versions } from './build.ts';
import type { CatalogueAddon } from './catalogue.ts';
import { anyObject, boolean, configurationSchema, list, oneOf, podSettings, text } from './schemas.ts';

const community = { publisher: 'eks', owner: 'community' };

export const communityAddons: CatalogueAddon[] = [
  {
    ...community,
    name: 'external-dns',
    type: 'networking',
    objects: {
      namespace: 'external-dns',
      serviceAccounts: ['external-dns'],
      workloads: [
        {
          kind: 'Deployment',
          name: 'external-dns',
          serviceAccount: 'external-dns',
          replicas: 1,
          labels: labels('external-dns', 'external-dns'),
          containers: containers({ 'external-dns': 'external-dns' }),
        },
      ],
      // kubernetes-sigs/external-dns, charts/external-dns/crds.
      customKinds: customKinds('externaldns.k8s.io', [['dnsendpoints', 'DNSEndpoint', ['v1alpha1']]]),
    },
    irsaServiceAccounts: ['external-dns'],
    configurationSchema: configurationSchema('Configurable parameters of ExternalDNS', {
      ...podSettings,
      domainFilters: list,
      extraArgs: anyObject,
      interval: text,
      policy: oneOf('sync', 'upsert-only'),
      txtOwnerId: text,
    }),
    versions: versions(
      [
        ['v0.20.0-eksbuild.3', 33, 36, [34, 35, 36], true],
        ['v0.18.0-eksbuild.1', 29, 33, [31, 32, 33], true],
        ['v0.17.0-eksbuild.2', 29, 33, [29, 30], true],
        ['v0.16.1-eksbuild.2', 29, 32, [], true],
      ],
      {
        requiresIamPermissions: true,
        podIdentity: podIdentity({ 'external-dns': ['AmazonRoute53FullAccess'] }),
      },
    ),
  },
  {
    ...community,
    name: 'fluent-bit',
    type: 'observability',
    objects: {
      namespace: 'fluent-bit',
      serviceAccounts: ['fluent-bit'],
      workloads: [
        {
          kind: 'DaemonSet',
          name: 'fluent-bit',
          serviceAccount: 'fluent-bit',
          labels: labels('fluent-bit', 'fluent-bit'),
          containers: containers({ 'fluent-bit': 'fluent-bit' }),
        },
      ],
    },
    irsaServiceAccounts: ['fluent-bit'],
    configurationSchema: configurationSchema('Configurable parameters of Fluent Bit', {
      ...podSettings,
      config: anyObject,
      hotReload: anyObject,
      hostNetwork: boolean,
    }),
    versions: versions(
      [
        ['v4.2.2-eksbuild.1', 33, 36, [34, 35, 36], true],
        ['v4.0.3-eksbuild.1', 29, 33, [31, 32, 33], true],
        ['v4.0.1-eksbuild.2', 29, 33, [29, 30], true],
        ['v3.2.10-eksbuild.2', 29, 32, [], true],
      ],
      { requiresIamPermissions: false, podIdentity: podIdentity({ 'fluent-bit': [] }) },
    ),
  },
];
