/** The scenarios whose pods cannot reach the agent, or may come to nodes without it, like the rows of the other scenarios. */
import { blocked, type Row } from './scenario-rows.ts';

export const ORDERS = { namespace: 'orders', name: 'api' };
export const LEDGER = { namespace: 'ledger', name: 'writer' };
export const TRAIN = { namespace: 'ml', name: 'train' };
export const GATEWAY = { namespace: 'partners', name: 'gateway' };
export const NOTEBOOKS = { namespace: 'ml', name: 'notebooks' };
export const ORDERS_POLICIES = ['NetworkPolicy/orders/allow-aws', 'NetworkPolicy/orders/default-deny'];
export const LEDGER_POLICIES = ['CiliumNetworkPolicy/ledger/writer-to-aws'];

const MUTATIONS = [
  'eks:CreatePodIdentityAssociation',
  'kubernetes:create pods/eviction',
  'kubernetes:patch deployments',
];
const associated = (serviceAccount: string): Row[2] => ({
  outcome: 'migrated',
  applied: 'associate',
  created: [serviceAccount],
  mutations: MUTATIONS,
});

export const reachabilityRows: Row[] = [
  [
    'network-policy',
    { serviceAccount: ORDERS },
    blocked({
      'agent-reachability': /Deployment api by NetworkPolicy\/orders\/allow-aws, NetworkPolicy\/orders\/default-deny/,
    }),
  ],
  [
    'network-policy',
    { serviceAccount: ORDERS, accept: ORDERS_POLICIES.map((name) => `network-policy:${name}`) },
    associated('api'),
  ],
  [
    'cilium-policy',
    { serviceAccount: LEDGER },
    blocked({ 'agent-reachability': /Deployment writer by CiliumNetworkPolicy\/ledger\/writer-to-aws/ }),
  ],
  [
    'cilium-policy',
    { serviceAccount: LEDGER, accept: LEDGER_POLICIES.map((name) => `network-policy:${name}`) },
    associated('writer'),
  ],
  [
    'agent-taints',
    { serviceAccount: TRAIN },
    blocked({ 'agent-nodes': /does not tolerate taint nvidia\.com\/gpu=present:NoSchedule/ }),
  ],
  ['agent-taints', { serviceAccount: NOTEBOOKS }, associated('notebooks')],
  [
    'proxy',
    { serviceAccount: GATEWAY },
    blocked({ 'unknown-credentials': /ask the agent through a proxy, since NO_PROXY does not show its address/ }),
  ],
  [
    'proxy',
    { serviceAccount: GATEWAY, accept: ['unknown-credentials:gateway/gateway'] },
    { ...associated('gateway'), warnings: ['credentials-unknown'] },
  ],
];
