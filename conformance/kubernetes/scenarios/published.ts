/** The runs in the published scenarios: every scenario, with the requests that show what it is about. */
import { type Act, type Asked, migrate, ROLLBACK, type Run } from './run.ts';

const CLOUDWATCH = 'amazon-cloudwatch-observability';
const EBS = 'aws-ebs-csi-driver';
const EFS = 'aws-efs-csi-driver';
const FSX = 'aws-fsx-csi-driver';
const S3 = 'aws-mountpoint-s3-csi-driver';
const DNS = 'external-dns';
const FLUENT_BIT = 'fluent-bit';
const EFS_NODES = 'efs-csi-node-sa';
const EFS_NODE_ROLE = 'arn:aws:iam::111122223333:role/studio-prod-efs-csi-node';

const IN_PLACE = { strategy: 'in-place' } as const;
const RECREATE = { strategy: 'recreate' } as const;
const PRESERVE = { strategy: 'recreate', preserve: true } as const;
const RETIRED: readonly Act[] = [{ does: 'retire' }, { does: 'reinstate' }];

/** Returns the acts for requests of which each is rolled back on demand before the next. */
const inTurn = (...requests: readonly Asked[]): Act[] =>
  requests.flatMap((asked, index) => (index === 0 ? [migrate(asked)] : [ROLLBACK, migrate(asked)]));

/** Returns the acts that migrate an add-on with each strategy. */
const eachStrategy = (addon: string, asked: Omit<Asked, 'addon'> = {}): Act[] =>
  inTurn({ addon, ...asked, ...IN_PLACE }, { addon, ...asked, ...RECREATE }, { addon, ...asked, ...PRESERVE });

const account = (namespace: string, name: string): Pick<Asked, 'serviceAccount'> => ({
  serviceAccount: { namespace, name },
});
const PAYMENTS = account('payments', 'api');
const ORDERS = account('shop', 'orders');
const SEARCH = account('shop', 'search');
const EXPORTER = account('reports', 'exporter');
const ARGO_CD = account('argocd', 'argocd-application-controller');
const TENANT = account('tenant-a', 'uploader');
const SECRET_READER = account('payments', 'secret-reader');

/**
 * By the scenario's name. A list of acts is one world; requests that are blocked change nothing, and precede the one
 * that is not.
 */
const ACTS: Record<string, readonly (readonly Act[])[]> = {
  'addon-secret-store': [
    [
      migrate({ addon: CLOUDWATCH }),
      migrate({ addon: CLOUDWATCH, accept: ['consumer:SecretStore/amazon-cloudwatch/parameters'] }),
    ],
  ],
  'adot-three-service-accounts': [eachStrategy('adot')],
  'agent-absent': [[migrate({ addon: EBS }), migrate({ addon: EBS, agent: 'install' }), ROLLBACK]],
  'agent-not-ready': [[migrate({ addon: EBS })]],
  'agent-self-managed': [inTurn({ addon: EBS }, { addon: EBS, ...RECREATE })],
  'agent-taints': [[migrate(account('ml', 'train')), migrate(account('ml', 'notebooks'))]],
  'api-only': [[migrate({ addon: EBS }), migrate({ addon: EBS, verification: 'api' })]],
  'auto-falls-back-to-outage': [[migrate({ addon: EBS }), migrate({ addon: EBS, maxDisruption: 'outage' }), ROLLBACK]],
  'auto-falls-back': [[migrate({ addon: EBS, ...IN_PLACE }), migrate({ addon: EBS }), ROLLBACK]],
  'auto-mode': [
    [
      migrate({ addon: EFS }),
      ...inTurn(
        { addon: EFS, accept: [`identity-loss:${EFS_NODES}`] },
        { addon: EFS, ...RECREATE, accept: [`identity-loss:${EFS_NODES}`] },
      ),
    ],
  ],
  'aws-auth-only': [[migrate({ addon: EBS }), ROLLBACK]],
  'chosen-namespace': [eachStrategy(DNS)],
  'cilium-policy': [
    [
      migrate(account('ledger', 'writer')),
      migrate({ ...account('ledger', 'writer'), accept: ['network-policy:CiliumNetworkPolicy/ledger/writer-to-aws'] }),
    ],
  ],
  'community-addon': [inTurn({ addon: DNS }, { addon: DNS, ...RECREATE })],
  'conflict-on-create': [
    [
      migrate({ addon: EBS, ...PRESERVE }),
      ...inTurn({ addon: EBS }, { addon: EBS, ...PRESERVE, resolveConflicts: 'OVERWRITE' }),
      ROLLBACK,
    ],
  ],
  'consumers-unread': [
    [
      migrate({ ...ORDERS, annotation: 'remove' }),
      migrate(ORDERS),
      ROLLBACK,
      migrate({
        ...ORDERS,
        annotation: 'remove',
        accept: ['consumer:secretstores.external-secrets.io', 'consumer:clustersecretstores.external-secrets.io'],
      }),
    ],
  ],
  consumers: [
    [
      migrate({ ...account('shop', 'api'), annotation: 'remove' }),
      migrate(account('crossplane-system', 'provider-aws')),
    ],
  ],
  'custom-resources': [[migrate({ addon: CLOUDWATCH, ...RECREATE }), migrate({ addon: CLOUDWATCH }), ROLLBACK]],
  'degraded-after-create': [[migrate({ addon: EBS, ...RECREATE })]],
  'ebs-csi-irsa': [eachStrategy(EBS), [migrate({ addon: EBS }), ...RETIRED, ROLLBACK]],
  'efs-csi-irsa': [[migrate({ addon: EFS }), ...eachStrategy(EFS, { accept: [`identity-loss:${EFS_NODES}`] })]],
  'efs-node-role': [
    [
      migrate({ addon: EFS }),
      migrate({ addon: EFS, roles: { 'efs-csi-nodes': EFS_NODE_ROLE } }),
      ...eachStrategy(EFS, { roles: { [EFS_NODES]: EFS_NODE_ROLE } }),
    ],
  ],
  'fargate-only': [[migrate({ addon: EBS })]],
  'fsx-csi-irsa': [inTurn({ addon: FSX }, { addon: FSX, ...RECREATE })],
  'in-place': [[...eachStrategy(EBS), ...RETIRED]],
  'left-over-session-policy': [[migrate({ addon: EBS })]],
  'left-over-session-tags': [inTurn({ addon: EBS }, { addon: EBS, ...RECREATE })],
  'namespace-not-shown': [
    [
      migrate({ addon: FLUENT_BIT, ...RECREATE }),
      ...inTurn({ addon: FLUENT_BIT, ...IN_PLACE }, { addon: FLUENT_BIT, ...PRESERVE }),
    ],
  ],
  'network-policy': [
    [
      migrate(account('orders', 'api')),
      migrate({
        ...account('orders', 'api'),
        accept: ['network-policy:NetworkPolicy/orders/allow-aws', 'network-policy:NetworkPolicy/orders/default-deny'],
      }),
    ],
  ],
  'node-role-lacks-right': [[migrate({ addon: EBS })]],
  'old-sdk-crashes': [[migrate(EXPORTER), migrate({ ...EXPORTER, verification: 'injected' })]],
  'old-sdk-known-image': [
    [
      migrate(account('dns', DNS)),
      migrate({
        ...account('dns', DNS),
        accept: ['image:111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror/external-dns:v0.13.6'],
      }),
    ],
  ],
  'old-sdk-logs': [[migrate(EXPORTER)]],
  'owners-at-next-apply': [
    [
      migrate({ addon: FSX }),
      migrate({ addon: EBS }),
      migrate({ addon: DNS }),
      migrate({ addon: FLUENT_BIT }),
      migrate({ addon: FSX, accept: ['owner:cdk'] }),
    ],
  ],
  'owners-capabilities': [[migrate({ addon: EBS }), migrate({ addon: FLUENT_BIT })]],
  'owners-paused': [
    [
      migrate({ addon: EBS, accept: ['owner:ack'] }),
      migrate({ addon: DNS, accept: ['owner:crossplane'] }),
      migrate({ addon: FLUENT_BIT, accept: ['owner:cluster-api'] }),
      migrate({ ...SEARCH, annotation: 'remove', accept: ['owner:flux'] }),
    ],
  ],
  'owners-reconciling': [
    [
      migrate({ addon: EBS }),
      migrate({ addon: DNS }),
      migrate({ addon: FLUENT_BIT }),
      migrate({ ...SEARCH, annotation: 'remove' }),
    ],
  ],
  'pattern-fit': [[migrate(TENANT), migrate({ ...TENANT, accept: ['consumer:system:serviceaccount:*:uploader'] })]],
  'pattern-trust': [[migrate(account('orders', 'api')), { does: 'retire' }, ROLLBACK]],
  preserve: [eachStrategy(EBS)],
  proxy: [
    [
      migrate(account('partners', 'gateway')),
      migrate({ ...account('partners', 'gateway'), accept: ['unknown-credentials:gateway/gateway'] }),
    ],
  ],
  'role-chain-blocked': [
    [
      migrate(ARGO_CD),
      migrate({ ...ARGO_CD, accept: ['target-role:arn:aws:iam::111122223333:role/delivery-prod-deployer'] }),
      ROLLBACK,
    ],
  ],
  'role-chaining': [[migrate({ addon: EBS })]],
  'role-in-other-account': [[migrate(account('reports', 'export'))]],
  's3-csi-irsa': [eachStrategy(S3)],
  'secret-store-only': [
    [
      migrate(SECRET_READER),
      migrate({ ...SECRET_READER, accept: ['consumer:SecretStore/payments/aws'], verification: 'api' }),
    ],
  ],
  'secret-store': [
    [
      migrate({ ...ORDERS, annotation: 'remove' }),
      ...inTurn(ORDERS, { ...ORDERS, annotation: 'remove', accept: ['consumer:SecretStore/shop/aws'] }),
      ROLLBACK,
    ],
  ],
  'self-assume': [[migrate(account('billing', 'invoices'))]],
  'service-account-irsa': [inTurn(PAYMENTS, { ...PAYMENTS, annotation: 'remove' }).concat(ROLLBACK)],
  'shared-role-fleet': [[migrate({ addon: EBS }), { does: 'retire' }]],
  'shared-role': [
    [
      ...inTurn({ addon: EBS }, { addon: EBS, ...RECREATE }),
      migrate({ addon: EFS, ...IN_PLACE, accept: [`identity-loss:${EFS_NODES}`] }),
    ],
  ],
  'static-keys': [[migrate({ addon: EBS })]],
  // Deleted, it stays DELETING until a person acts: for a week, of which nothing happens in Kubernetes.
  'stuck-deleting': [[migrate({ addon: EBS }), ROLLBACK]],
  'tagged-addon': [inTurn({ addon: EBS }, { addon: EBS, ...RECREATE })],
  'trust-conditions': [[migrate({ addon: EBS })]],
  'trust-deny': [[migrate({ addon: EBS }), migrate({ addon: EBS, trust: 'repair' })]],
  'trust-repair': [[migrate({ addon: EBS }), migrate({ addon: EBS, trust: 'repair' }), ...RETIRED, ROLLBACK]],
  'trust-too-long': [[migrate({ addon: EBS, trust: 'repair' })]],
  'trust-undecided': [
    [migrate({ addon: EBS }), migrate({ addon: EBS, accept: ['condition-key:aws:RequestTag/kubernetes-pod-name'] })],
  ],
  'unknown-credentials': [
    [
      migrate(account('reports', 'dashboard')),
      migrate({ ...account('reports', 'dashboard'), accept: ['unknown-credentials:dashboard/dashboard'] }),
    ],
  ],
  'user-modified-fields': [
    inTurn({ addon: EBS }, { addon: EBS, ...IN_PLACE, resolveConflicts: 'OVERWRITE' }).concat(ROLLBACK),
  ],
  'version-too-old': [[migrate({ addon: EBS })]],
  'version-withdrawn': [[migrate({ addon: EBS, ...RECREATE }), migrate({ addon: EBS })]],
  'vpc-cni-irsa': [
    [
      migrate({ addon: 'vpc-cni', ...RECREATE }),
      ...inTurn({ addon: 'vpc-cni', ...IN_PLACE }, { addon: 'vpc-cni', ...PRESERVE }),
    ],
  ],
};

export const PUBLISHED: readonly Run[] = Object.entries(ACTS).flatMap(([scenario, worlds]) =>
  worlds.map((acts, index) => ({ name: worlds.length > 1 ? `${scenario} ${index + 1}` : scenario, scenario, acts })),
);
