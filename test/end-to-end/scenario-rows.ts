/** Every built-in scenario, with the requests that are run in it, and the expected result of each. */
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';

export const CLOUDWATCH = 'amazon-cloudwatch-observability';
export const EBS = 'aws-ebs-csi-driver';
export const EFS = 'aws-efs-csi-driver';
export const EFS_NODES = 'efs-csi-node-sa';
const FSX = 'aws-fsx-csi-driver';
const S3 = 'aws-mountpoint-s3-csi-driver';

interface Expected {
  outcome: MigrationReport['outcome'];
  /** Verdict of the plan, where the outcome does not show it. */
  verdict?: 'keep-irsa';
  /** Checks that must block, each with its message; none blocks if absent. */
  blockedBy?: Record<string, RegExp>;
  /** Name of the failure in the report. */
  failure?: string;
  /** The last attempt: `in-place`, `recreate`, `recreate+preserve`. */
  applied?: string;
  /** Ids of its warnings. */
  warnings?: string[];
  /** Service accounts of the associations that were deleted, created, and restored. */
  purged?: string[];
  created?: string[];
  restored?: string[];
  /** Calls that changed something, in order. */
  mutations: string[];
}
export type Row = [
  scenario: string,
  request: Pick<
    MigrationRequestInput,
    | 'addon'
    | 'serviceAccount'
    | 'annotation'
    | 'strategy'
    | 'preserve'
    | 'resolveConflicts'
    | 'maxDisruption'
    | 'trust'
    | 'accept'
    | 'roles'
    | 'verification'
  >,
  expected: Expected,
];

const IN_PLACE = ['eks:UpdateAddon'];
/** The rollback: the role first, then the association. */
const ROLE_BACK = ['eks:UpdateAddon', 'eks:DeletePodIdentityAssociation'];
const PURGED_IN_PLACE = ['eks:DeletePodIdentityAssociation', 'eks:UpdateAddon'];
const RECREATED = ['eks:DeleteAddon', 'eks:CreateAddon'];
const PURGED = ['eks:DeleteAddon', 'eks:DeletePodIdentityAssociation', 'eks:CreateAddon'];
const RESTARTED = 'kubernetes:patch deployments';
/** A pod that goes first; all that do if none gets the new identity. */
const WITNESS = 'kubernetes:create pods/eviction';
const IN_VAIN = Array.from({ length: 10 }, () => WITNESS);
const REPLACED = [WITNESS, RESTARTED];
/** An attempt in place in vain, and then the next attempt. */
const TRIED = [...IN_PLACE, ...IN_VAIN];
const FELL_BACK = [...TRIED, ...PURGED];
const EBS_ACCOUNT = ['ebs-csi-controller-sa'];
const ADOT_ACCOUNTS = ['adot-col-container-logs', 'adot-col-otlp-ingest', 'adot-col-prom-metrics'];
/** Target role, session policy and session tags; then tags. */
const CARRIED_OVER = ['eks:UpdatePodIdentityAssociation', 'eks:TagResource'];

const FSX_ACCOUNT = ['fsx-csi-controller-sa'];
const SEARCH = { namespace: 'shop', name: 'search' };
const PAYMENTS = { namespace: 'payments', name: 'api' };
const ASSOCIATE = 'eks:CreatePodIdentityAssociation';
const ASSOCIATED = [ASSOCIATE, ...REPLACED, 'kubernetes:patch statefulsets'];

/** The result of a plan that blocks because of these checks. */
export const blocked = (blockedBy: Record<string, RegExp>): Expected => ({
  outcome: 'blocked',
  blockedBy,
  mutations: [],
});

export const recreate = { strategy: 'recreate' } as const;
const inPlace = { outcome: 'migrated', applied: 'in-place', mutations: IN_PLACE } as const;
const recreated = { outcome: 'migrated', applied: 'recreate', mutations: RECREATED } as const;
const recreatedPreserved = { outcome: 'migrated', applied: 'recreate+preserve' } as const;

const EFS_CONTROLLER = 'efs-csi-controller-sa';
const EFS_NODE_ROLE = 'arn:aws:iam::111122223333:role/studio-prod-efs-csi-node';
/** The result for EFS if the request does not mention its nodes. */
const NODES_LOSE = blocked({
  'identity-loss': /service account kube-system\/efs-csi-node-sa will change from irsa to node-role/,
});

export const rows: Row[] = [
  [
    'ebs-csi-irsa',
    { addon: EBS },
    { ...inPlace, purged: EBS_ACCOUNT, created: EBS_ACCOUNT, mutations: PURGED_IN_PLACE },
  ],
  [
    'ebs-csi-irsa',
    { addon: EBS, ...recreate },
    { ...recreated, purged: EBS_ACCOUNT, created: EBS_ACCOUNT, mutations: PURGED },
  ],
  [
    'in-place',
    { addon: EBS, strategy: 'in-place' },
    { ...inPlace, purged: EBS_ACCOUNT, created: EBS_ACCOUNT, mutations: PURGED_IN_PLACE },
  ],
  [
    'preserve',
    { addon: EBS, ...recreate, preserve: true },
    { ...recreatedPreserved, created: EBS_ACCOUNT, mutations: [...RECREATED, ...REPLACED] },
  ],
  ['efs-csi-irsa', { addon: EFS }, NODES_LOSE],
  [
    'efs-csi-irsa',
    { addon: EFS, accept: [`identity-loss:${EFS_NODES}`] },
    { ...inPlace, created: [EFS_CONTROLLER], warnings: ['identity-loss'] },
  ],
  [
    'efs-csi-irsa',
    { addon: EFS, ...recreate, accept: [`identity-loss:${EFS_NODES}`] },
    { ...recreated, created: [EFS_CONTROLLER], warnings: ['identity-loss'] },
  ],
  ['efs-node-role', { addon: EFS }, NODES_LOSE],
  [
    'efs-node-role',
    { addon: EFS, roles: { [EFS_NODES]: EFS_NODE_ROLE } },
    { ...inPlace, created: [EFS_CONTROLLER, EFS_NODES], mutations: [ASSOCIATE, ...IN_PLACE] },
  ],
  [
    'efs-node-role',
    { addon: EFS, ...recreate, roles: { [EFS_NODES]: EFS_NODE_ROLE } },
    { ...recreated, created: [EFS_CONTROLLER, EFS_NODES], mutations: [ASSOCIATE, ...RECREATED] },
  ],
  [
    'efs-node-role',
    { addon: EFS, ...recreate, preserve: true, roles: { [EFS_NODES]: EFS_NODE_ROLE } },
    {
      ...recreatedPreserved,
      created: [EFS_CONTROLLER, EFS_NODES],
      mutations: [ASSOCIATE, ...RECREATED, WITNESS, ...REPLACED, 'kubernetes:patch daemonsets'],
    },
  ],
  [
    'efs-node-role',
    { addon: EFS, roles: { 'efs-csi-nodes': EFS_NODE_ROLE } },
    blocked({
      'role-trust': /does not allow pods.eks.amazonaws.com for kube-system\/efs-csi-nodes/,
      'role-grant': /efs-csi-nodes, which does not have it now/,
      'role-service-accounts': /efs-csi-nodes.*does not have the add-on's role/,
      ...NODES_LOSE.blockedBy,
    }),
  ],
  ['vpc-cni-irsa', { addon: 'vpc-cni' }, { ...inPlace, created: ['aws-node'] }],
  [
    'vpc-cni-irsa',
    { addon: 'vpc-cni', ...recreate, preserve: true },
    { ...recreatedPreserved, created: ['aws-node'], mutations: [...RECREATED, WITNESS, 'kubernetes:patch daemonsets'] },
  ],
  ['vpc-cni-irsa', { addon: 'vpc-cni', ...recreate }, blocked({ 'addon-risk': /network/ })],
  ['adot-three-service-accounts', { addon: 'adot' }, { ...inPlace, created: ADOT_ACCOUNTS }],
  ['adot-three-service-accounts', { addon: 'adot', ...recreate }, { ...recreated, created: ADOT_ACCOUNTS }],
  ['community-addon', { addon: 'external-dns' }, { ...inPlace, created: ['external-dns'] }],
  ['community-addon', { addon: 'external-dns', ...recreate }, { ...recreated, created: ['external-dns'] }],
  ['chosen-namespace', { addon: 'external-dns' }, { ...inPlace, created: ['external-dns'] }],
  ['chosen-namespace', { addon: 'external-dns', ...recreate }, { ...recreated, created: ['external-dns'] }],
  ['namespace-not-shown', { addon: 'fluent-bit' }, { ...inPlace, created: ['fluent-bit'] }],
  [
    'namespace-not-shown',
    { addon: 'fluent-bit', ...recreate, preserve: true },
    {
      ...recreatedPreserved,
      created: ['fluent-bit'],
      mutations: [...RECREATED, WITNESS, 'kubernetes:patch daemonsets'],
    },
  ],
  ['fsx-csi-irsa', { addon: FSX }, { ...inPlace, created: ['fsx-csi-controller-sa'] }],
  [
    'fsx-csi-irsa',
    { addon: FSX, ...recreate },
    { ...recreated, purged: ['fsx-csi-controller-sa'], created: ['fsx-csi-controller-sa'], mutations: PURGED },
  ],
  ['s3-csi-irsa', { addon: S3 }, { ...inPlace, created: ['s3-csi-driver-sa'] }],
  ['s3-csi-irsa', { addon: S3, ...recreate }, { ...recreated, created: ['s3-csi-driver-sa'] }],
  [
    'auto-falls-back',
    { addon: EBS },
    {
      ...recreatedPreserved,
      purged: EBS_ACCOUNT,
      created: [...EBS_ACCOUNT, ...EBS_ACCOUNT],
      mutations: [...FELL_BACK, ...REPLACED],
    },
  ],
  [
    'auto-falls-back',
    { addon: EBS, strategy: 'in-place' },
    {
      outcome: 'rolled-back',
      applied: 'in-place',
      failure: 'PodsOnWrongIdentity',
      purged: EBS_ACCOUNT,
      created: EBS_ACCOUNT,
      mutations: [...TRIED, ...ROLE_BACK],
    },
  ],
  [
    'auto-falls-back-to-outage',
    { addon: EBS },
    {
      outcome: 'rolled-back',
      applied: 'recreate+preserve',
      failure: 'PodsOnWrongIdentity',
      purged: [...EBS_ACCOUNT, ...EBS_ACCOUNT],
      created: [...EBS_ACCOUNT, ...EBS_ACCOUNT],
      mutations: [...FELL_BACK, ...IN_VAIN, ...ROLE_BACK],
    },
  ],
  [
    'auto-falls-back-to-outage',
    { addon: EBS, maxDisruption: 'outage' },
    {
      ...recreated,
      purged: EBS_ACCOUNT,
      created: [...EBS_ACCOUNT, ...EBS_ACCOUNT, ...EBS_ACCOUNT],
      mutations: [...FELL_BACK, ...IN_VAIN, ...RECREATED],
    },
  ],
  [
    'left-over-session-tags',
    { addon: EBS },
    {
      ...inPlace,
      purged: EBS_ACCOUNT,
      created: EBS_ACCOUNT,
      mutations: [...PURGED_IN_PLACE, ...CARRIED_OVER],
      warnings: [],
    },
  ],
  [
    'left-over-session-tags',
    { addon: EBS, ...recreate },
    { ...recreated, purged: EBS_ACCOUNT, created: EBS_ACCOUNT, mutations: [...PURGED, ...CARRIED_OVER] },
  ],
  [
    'left-over-session-policy',
    { addon: EBS },
    blocked({
      associations:
        /has a target role and a session policy, which an association of an add-on does not have when it is created/,
    }),
  ],
  [
    'tagged-addon',
    { addon: EBS },
    { ...inPlace, purged: EBS_ACCOUNT, created: EBS_ACCOUNT, mutations: [...PURGED_IN_PLACE, 'eks:TagResource'] },
  ],
  [
    'tagged-addon',
    { addon: EBS, ...recreate },
    { ...recreated, purged: EBS_ACCOUNT, created: EBS_ACCOUNT, mutations: [...PURGED, 'eks:TagResource'] },
  ],
  ['shared-role', { addon: EBS }, { ...inPlace, created: EBS_ACCOUNT }],
  ['shared-role', { addon: EBS, ...recreate }, { ...recreated, created: EBS_ACCOUNT }],
  ['degraded-after-create', { addon: EBS, ...recreate }, { ...recreated, created: EBS_ACCOUNT }],
  ['stuck-deleting', { addon: EBS }, { ...inPlace, created: EBS_ACCOUNT }],
  ['user-modified-fields', { addon: EBS }, { ...inPlace, created: EBS_ACCOUNT }],
  [
    'user-modified-fields',
    { addon: EBS, strategy: 'in-place', resolveConflicts: 'OVERWRITE' },
    { ...inPlace, created: EBS_ACCOUNT },
  ],
  ['conflict-on-create', { addon: EBS }, { ...inPlace, created: EBS_ACCOUNT }],
  [
    'conflict-on-create',
    { addon: EBS, ...recreate, preserve: true },
    blocked({ 'field-managers': /spec\.replicas \(kubectl-edit\).*recreate with preserve would fail/i }),
  ],
  [
    'conflict-on-create',
    { addon: EBS, ...recreate, preserve: true, resolveConflicts: 'OVERWRITE' },
    { ...recreatedPreserved, created: EBS_ACCOUNT, mutations: [...RECREATED, ...REPLACED] },
  ],
  ['custom-resources', { addon: CLOUDWATCH }, { ...inPlace, created: ['cloudwatch-agent'] }],
  [
    'custom-resources',
    { addon: CLOUDWATCH, ...recreate },
    blocked({ 'custom-resources': /amazoncloudwatchagents\.cloudwatch\.aws\.amazon\.com shop\/prometheus/ }),
  ],
  ['agent-absent', { addon: EBS }, blocked({ agent: /not installed/ })],
  ['agent-self-managed', { addon: EBS }, { ...inPlace, created: EBS_ACCOUNT }],
  ['agent-self-managed', { addon: EBS, ...recreate }, { ...recreated, created: EBS_ACCOUNT }],
  [
    'agent-not-ready',
    { addon: EBS },
    blocked({ agent: /2 of 3 nodes/, 'agent-nodes': /1 of 3 nodes where these pods can run: ip-10-0-/ }),
  ],
  [
    'fargate-only',
    { addon: EBS },
    { ...blocked({ 'unsupported-compute': /2 of 2 pods .*AWS Fargate/ }), verdict: 'keep-irsa' },
  ],
  [
    'static-keys',
    { addon: EBS },
    blocked({
      'static-credentials':
        /container ebs-plugin of Deployment ebs-csi-controller has AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/,
    }),
  ],
  [
    'node-role-lacks-right',
    { addon: EBS },
    blocked({ 'node-role': /eks-auth:AssumeRoleForPodIdentity: ledger-prod-nodes/ }),
  ],
  ['aws-auth-only', { addon: EBS }, { ...inPlace, created: EBS_ACCOUNT }],
  ['auto-mode', { addon: EFS }, NODES_LOSE],
  [
    'auto-mode',
    { addon: EFS, accept: [`identity-loss:${EFS_NODES}`] },
    { ...inPlace, created: [EFS_CONTROLLER], warnings: ['identity-loss'] },
  ],
  [
    'auto-mode',
    { addon: EFS, ...recreate, accept: [`identity-loss:${EFS_NODES}`] },
    { ...recreated, created: [EFS_CONTROLLER], warnings: ['identity-loss'] },
  ],
  ['api-only', { addon: EBS }, blocked({ 'kubernetes-access': /could not be read/ })],
  ['api-only', { addon: EBS, verification: 'api' }, { ...inPlace, created: EBS_ACCOUNT, warnings: ['pods-not-seen'] }],
  [
    'version-too-old',
    { addon: EBS },
    blocked({ 'pod-identity-support': /v1\.25\.0-eksbuild\.1 .* is too old .* v1\.35\.0-eksbuild\.1 supports it/ }),
  ],
  ['version-withdrawn', { addon: EBS }, { ...inPlace, created: EBS_ACCOUNT }],
  [
    'version-withdrawn',
    { addon: EBS, ...recreate },
    blocked({ 'version-offered': /v1\.35\.0-eksbuild\.1 .* no longer offered/ }),
  ],
  ['trust-repair', { addon: EBS }, blocked({ 'role-trust': /No statement allows sts:AssumeRole/ })],
  [
    'trust-repair',
    { addon: EBS, trust: 'repair' },
    { ...inPlace, created: EBS_ACCOUNT, mutations: ['iam:UpdateAssumeRolePolicy', ...IN_PLACE] },
  ],
  ['trust-deny', { addon: EBS }, blocked({ 'role-trust': /OurOrganisationOnly/ })],
  ['trust-deny', { addon: EBS, trust: 'repair' }, blocked({ 'role-trust': /OurOrganisationOnly/ })],
  ['trust-too-long', { addon: EBS, trust: 'repair' }, blocked({ 'role-trust': /No statement allows sts:AssumeRole/ })],
  ['trust-conditions', { addon: EBS }, { ...inPlace, created: EBS_ACCOUNT }],
  ['trust-undecided', { addon: EBS }, blocked({ 'role-trust': /kubernetes-pod-name/ })],
  [
    'trust-undecided',
    { addon: EBS, accept: ['condition-key:aws:RequestTag/kubernetes-pod-name'] },
    { ...inPlace, created: EBS_ACCOUNT },
  ],
  ['shared-role-fleet', { addon: EBS }, { ...inPlace, created: EBS_ACCOUNT }],
  ['role-chaining', { addon: EBS }, { ...inPlace, created: EBS_ACCOUNT }],
  [
    'role-in-other-account',
    { serviceAccount: { namespace: 'reports', name: 'export' } },
    blocked({ 'role-account': /^Role arn:aws:iam::444455556666:role/ }),
  ],
  [
    'service-account-irsa',
    { serviceAccount: PAYMENTS },
    { outcome: 'migrated', applied: 'associate', created: ['api'], mutations: ASSOCIATED },
  ],
  [
    'service-account-irsa',
    { serviceAccount: PAYMENTS, annotation: 'remove' },
    {
      outcome: 'migrated',
      applied: 'associate',
      created: ['api'],
      mutations: [...ASSOCIATED, 'kubernetes:patch serviceaccounts'],
    },
  ],
  ['owners-at-next-apply', { addon: EBS }, { ...inPlace, created: EBS_ACCOUNT }],
  ['owners-at-next-apply', { addon: 'external-dns' }, { ...inPlace, created: ['external-dns'] }],
  ['owners-at-next-apply', { addon: 'fluent-bit' }, { ...inPlace, created: ['fluent-bit'] }],
  ['owners-at-next-apply', { addon: FSX }, blocked({ associations: /has the tags of another tool: AWS CDK/ })],
  [
    'owners-at-next-apply',
    { addon: FSX, accept: ['owner:cdk'] },
    { ...inPlace, purged: FSX_ACCOUNT, created: FSX_ACCOUNT, mutations: PURGED_IN_PLACE },
  ],
  ['owners-reconciling', { addon: EBS }, blocked({ 'owner-ack': /^ACK owns add-on aws-ebs-csi-driver/ })],
  [
    'owners-reconciling',
    { addon: 'external-dns' },
    blocked({ 'owner-crossplane': /^Crossplane owns add-on external-dns/ }),
  ],
  ['owners-reconciling', { addon: 'fluent-bit' }, blocked({ 'owner-cluster-api': /probably owns add-on fluent-bit/ })],
  [
    'owners-reconciling',
    { serviceAccount: SEARCH, annotation: 'remove' },
    blocked({ 'owner-flux': /^Flux owns the IRSA annotation/ }),
  ],
  ['owners-paused', { addon: EBS, accept: ['owner:ack'] }, { ...inPlace, created: EBS_ACCOUNT }],
  ['owners-paused', { addon: 'external-dns', accept: ['owner:crossplane'] }, { ...inPlace, created: ['external-dns'] }],
  ['owners-paused', { addon: 'fluent-bit', accept: ['owner:cluster-api'] }, { ...inPlace, created: ['fluent-bit'] }],
  [
    'owners-paused',
    { serviceAccount: SEARCH, annotation: 'remove', accept: ['owner:flux'] },
    {
      outcome: 'migrated',
      applied: 'associate',
      created: ['search'],
      mutations: [ASSOCIATE, ...REPLACED, 'kubernetes:patch serviceaccounts'],
    },
  ],
  [
    'owners-capabilities',
    { addon: EBS },
    blocked({ 'owner-ack': /^ACK, which AWS runs as an EKS capability, owns add-on/ }),
  ],
  ['owners-capabilities', { addon: 'fluent-bit' }, { ...inPlace, created: ['fluent-bit'] }],
];
