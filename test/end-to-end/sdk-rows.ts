/** The scenarios whose containers have an SDK that matters, like the rows of the other scenarios. */
import { blocked, type Row } from './scenario-rows.ts';

const EXPORTER = { namespace: 'reports', name: 'exporter' };
const DASHBOARD = { namespace: 'reports', name: 'dashboard' };
const DNS = { namespace: 'dns', name: 'external-dns' };
const ASSOCIATE = 'eks:CreatePodIdentityAssociation';
const RESTARTED = 'kubernetes:patch deployments';
/** A pod that goes first. */
const WITNESS = 'kubernetes:create pods/eviction';

export const sdkRows: Row[] = [
  [
    'old-sdk-crashes',
    { serviceAccount: EXPORTER },
    {
      outcome: 'rolled-back',
      applied: 'associate',
      failure: 'PodsFailing',
      purged: ['exporter'],
      created: ['exporter'],
      mutations: [ASSOCIATE, WITNESS, RESTARTED, 'eks:DeletePodIdentityAssociation', WITNESS, RESTARTED],
    },
  ],
  [
    'old-sdk-crashes',
    { serviceAccount: EXPORTER, verification: 'injected' },
    { outcome: 'migrated', applied: 'associate', created: ['exporter'], mutations: [ASSOCIATE, WITNESS, RESTARTED] },
  ],
  [
    'old-sdk-logs',
    { serviceAccount: EXPORTER },
    { outcome: 'migrated', applied: 'associate', created: ['exporter'], mutations: [ASSOCIATE, WITNESS, RESTARTED] },
  ],
  ['old-sdk-known-image', { serviceAccount: DNS }, blocked({ 'aws-sdk-version': /external-dns:v0\.13\.6/ })],
  [
    'old-sdk-known-image',
    { serviceAccount: DNS, accept: ['image:111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror/external-dns:v0.13.6'] },
    {
      outcome: 'migrated',
      applied: 'associate',
      created: ['external-dns'],
      mutations: [ASSOCIATE, WITNESS, RESTARTED],
    },
  ],
  ['unknown-credentials', { serviceAccount: DASHBOARD }, blocked({ 'unknown-credentials': /AWS_PROFILE/ })],
  [
    'unknown-credentials',
    { serviceAccount: DASHBOARD, accept: ['unknown-credentials:dashboard/dashboard'] },
    {
      outcome: 'migrated',
      applied: 'associate',
      created: ['dashboard'],
      warnings: ['credentials-unknown'],
      mutations: [ASSOCIATE, WITNESS, RESTARTED],
    },
  ],
];
