/** The scenarios in which other software uses the web identity, like the rows of the other scenarios. */
import { blocked, type Row } from './scenario-rows.ts';

const ORDERS = { namespace: 'shop', name: 'orders' };
const API = { namespace: 'shop', name: 'api' };
const ASSOCIATED = [
  'eks:CreatePodIdentityAssociation',
  'kubernetes:create pods/eviction',
  'kubernetes:patch deployments',
];
const UNANNOTATED = [...ASSOCIATED, 'kubernetes:patch serviceaccounts'];
const associated = { outcome: 'migrated', applied: 'associate' } as const;
const CLOUDWATCH = 'amazon-cloudwatch-observability';
const UNREAD = ['secretstores.external-secrets.io', 'clustersecretstores.external-secrets.io'];

export const consumerRows: Row[] = [
  ['secret-store', { serviceAccount: ORDERS }, { ...associated, created: ['orders'], mutations: ASSOCIATED }],
  [
    'secret-store',
    { serviceAccount: ORDERS, annotation: 'remove' },
    blocked({ consumers: /^1 object uses .*: SecretStore\/shop\/aws gets/ }),
  ],
  [
    'secret-store',
    { serviceAccount: ORDERS, annotation: 'remove', accept: ['consumer:SecretStore/shop/aws'] },
    { ...associated, created: ['orders'], mutations: UNANNOTATED },
  ],
  [
    'secret-store-only',
    { serviceAccount: { namespace: 'payments', name: 'secret-reader' } },
    {
      ...blocked({
        'consumers-fit': /credentials to nothing\. 1 object uses .*: SecretStore\/payments\/aws gets/,
        'kubernetes-access': /^No pod runs with secret-reader/,
      }),
      verdict: 'keep-irsa',
    },
  ],
  [
    'secret-store-only',
    {
      serviceAccount: { namespace: 'payments', name: 'secret-reader' },
      accept: ['consumer:SecretStore/payments/aws'],
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
    blocked({ consumers: /^5 objects use .*1 object uses .*keeps .*: PersistentVolume\// }),
  ],
  [
    'consumers',
    { serviceAccount: { namespace: 'crossplane-system', name: 'provider-aws' } },
    blocked({ consumers: /ProviderConfig\/default makes the provider/ }),
  ],
  ['consumers-unread', { serviceAccount: ORDERS }, { ...associated, created: ['orders'], mutations: ASSOCIATED }],
  [
    'consumers-unread',
    { serviceAccount: ORDERS, annotation: 'remove' },
    blocked({ consumers: /is not known of what could not be read/ }),
  ],
  [
    'consumers-unread',
    { serviceAccount: ORDERS, annotation: 'remove', accept: UNREAD.map((name) => `consumer:${name}`) },
    { ...associated, created: ['orders'], mutations: UNANNOTATED },
  ],
  ['addon-secret-store', { addon: CLOUDWATCH }, blocked({ consumers: /when EKS removes the annotation/ })],
  [
    'addon-secret-store',
    { addon: CLOUDWATCH, accept: ['consumer:SecretStore/amazon-cloudwatch/parameters'] },
    { outcome: 'migrated', applied: 'in-place', created: ['cloudwatch-agent'], mutations: ['eks:UpdateAddon'] },
  ],
];
