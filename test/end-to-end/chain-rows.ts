/** The scenarios about roles that assume others, and about trusts by pattern, with their expected results. */
import { blocked, type Row } from './scenario-rows.ts';

const ARGO_CD = { namespace: 'argocd', name: 'argocd-application-controller' };
const TENANT = { namespace: 'tenant-a', name: 'uploader' };
const INVOICES = { namespace: 'billing', name: 'invoices' };
const ASSOCIATE = 'eks:CreatePodIdentityAssociation';
/** One pod goes first. */
const REPLACED = ['kubernetes:create pods/eviction', 'kubernetes:patch deployments'];

export const chainRows: Row[] = [
  [
    'role-chain-blocked',
    { serviceAccount: ARGO_CD },
    blocked({ 'target-roles': /delivery-prod-deployer does not allow/ }),
  ],
  [
    'role-chain-blocked',
    { serviceAccount: ARGO_CD, accept: ['target-role:arn:aws:iam::111122223333:role/delivery-prod-deployer'] },
    {
      outcome: 'migrated',
      applied: 'associate',
      created: [ARGO_CD.name],
      mutations: [ASSOCIATE, 'kubernetes:patch statefulsets'],
    },
  ],
  [
    'self-assume',
    { serviceAccount: INVOICES },
    { outcome: 'migrated', applied: 'associate', created: ['invoices'], mutations: [ASSOCIATE, ...REPLACED] },
  ],
  [
    'pattern-trust',
    { serviceAccount: { namespace: 'orders', name: 'api' } },
    { outcome: 'migrated', applied: 'associate', created: ['api'], mutations: [ASSOCIATE, ...REPLACED] },
  ],
  [
    'pattern-fit',
    { serviceAccount: TENANT },
    { ...blocked({ 'pattern-fit': /EKS Pod Identity has no patterns/ }), verdict: 'keep-irsa' },
  ],
  [
    'pattern-fit',
    { serviceAccount: TENANT, accept: ['consumer:system:serviceaccount:*:uploader'] },
    {
      outcome: 'migrated',
      applied: 'associate',
      created: ['uploader'],
      mutations: [ASSOCIATE, 'kubernetes:patch deployments'],
    },
  ],
];
