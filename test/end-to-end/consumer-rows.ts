/** The scenarios in which other software uses the web identity, like the rows of the other scenarios. */
import type { Row } from './scenario-rows.ts';

const ORDERS = { namespace: 'shop', name: 'orders' };
const API = { namespace: 'shop', name: 'api' };
const ASSOCIATED = ['eks:CreatePodIdentityAssociation', 'kubernetes:patch deployments'];
const UNANNOTATED = [...ASSOCIATED, 'kubernetes:patch serviceaccounts'];
const associated = { outcome: 'migrated', applied: 'associate' } as const;
const CLOUDWATCH = 'amazon-cloudwatch-observability';
const UNREAD = ['secretstores.external-secrets.io', 'clustersecretstores.external-secrets.io'];

export const consumerRows: Row[] = [
  ['secret-store', { serviceAccount: ORDERS }, { ...associated, created: ['orders'], mutations: ASSOCIATED }],
  [
    'secret-store',
    { serviceAccount: ORDERS, annotation: 'remove' },
    { outcome: 'blocked', blockedBy: { consumers: /^1 object uses .*: SecretStore\/shop\/aws gets/ }, mutations: [] },
  ],
  [
    'secret-store',
    { serviceAccount: ORDERS, annotation: 'remove', acceptConsumers: ['SecretStore/shop/aws'] },
    { ...associated, created: ['orders'], mutations: UNANNOTATED },
  ],
  [
    'secret-store-only',
    { serviceAccount: { namespace: 'payments', name: 'secret-reader' } },
    {
      outcome: 'blocked',
      verdict: 'keep-irsa',
      blockedBy: {
        'consumers-fit': /credentials to nothing\. 1 object uses .*: SecretStore\/payments\/aws gets/,
        'kubernetes-access': /^No pod runs with secret-reader/,
      },
      mutations: [],
    },
  ],
  [
    'secret-store-only',
    {
      serviceAccount: { namespace: 'payments', name: 'secret-reader' },
      acceptConsumers: ['SecretStore/payments/aws'],
      verification: 'api',
    },
    {
      ...associated,
      created: ['secret-reader'],
      warnings: ['pods-not-seen'],
      mutations: ['eks:CreatePodIdentityAssociation'],
    },
  ],
  [
    'consumers',
    { serviceAccount: API, annotation: 'remove' },
    {
      outcome: 'blocked',
      blockedBy: { consumers: /^5 objects use .*1 object uses .*keeps .*: PersistentVolume\// },
      mutations: [],
    },
  ],
  [
    'consumers',
    { serviceAccount: { namespace: 'crossplane-system', name: 'provider-aws' } },
    { outcome: 'blocked', blockedBy: { consumers: /ProviderConfig\/default makes the provider/ }, mutations: [] },
  ],
  ['consumers-unread', { serviceAccount: ORDERS }, { ...associated, created: ['orders'], mutations: ASSOCIATED }],
  [
    'consumers-unread',
    { serviceAccount: ORDERS, annotation: 'remove' },
    { outcome: 'blocked', blockedBy: { consumers: /is not known of what could not be read/ }, mutations: [] },
  ],
  [
    'consumers-unread',
    { serviceAccount: ORDERS, annotation: 'remove', acceptConsumers: UNREAD },
    { ...associated, created: ['orders'], mutations: UNANNOTATED },
  ],
  [
    'addon-secret-store',
    { addon: CLOUDWATCH },
    { outcome: 'blocked', blockedBy: { consumers: /when EKS removes the annotation/ }, mutations: [] },
  ],
  [
    'addon-secret-store',
    { addon: CLOUDWATCH, acceptConsumers: ['SecretStore/amazon-cloudwatch/parameters'] },
    { outcome: 'migrated', applied: 'in-place', created: ['cloudwatch-agent'], mutations: ['eks:UpdateAddon'] },
  ],
];
