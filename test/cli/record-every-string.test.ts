/** A marker in every string of every kind that `record` reads: which of them a recording contains. */
import { expect, it } from 'vitest';
import { anonymised } from '../../cli/record/anonymise.ts';
import { CONSUMER_FIELDS } from '../../cli/record/consumers.ts';
import { readCluster } from '../../cli/record/read.ts';
import { toScenario } from '../../cli/record/to-scenario.ts';
import { CONSUMER_RESOURCES } from '../../lambdas/domain/access/consumer-resources.ts';
import { byKind, KEPT, KEPT_ANONYMISED } from './record-kept.ts';
import { Planter, type Counts, type Forms } from './plantings.ts';

const target = { account: '111122223333', region: 'eu-west-1', cluster: 'twin' };
const ROLE = 'arn:aws:iam::111122223333:role/$';
const POLICY = 'arn:aws:iam::111122223333:policy/$';
const GROUPS = [...new Set(CONSUMER_RESOURCES.map(({ group }) => group))].filter((group) => group !== '');
const PLURALS = [...new Set(CONSUMER_RESOURCES.map(({ plural }) => plural))];
const ADDONS = ['vpc-cni', 'aws-ebs-csi-driver', 'adot', '$'];
const CONDITIONS = {
  StringEquals: { 'aws:Referer': '$', 'aws:SourceAccount': '$', 'sts:ExternalId': ['$'], 's3:prefix': '$', $: '$' },
};
const permissions = {
  document: {
    Version: '2012-10-17',
    Id: '$',
    Statement: [{ Sid: '$', Effect: 'Allow', Action: 's3:$', Resource: 'arn:aws:s3:::$', Condition: CONDITIONS }],
  },
};
const trust = {
  document: {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: '$',
        Effect: 'Allow',
        Principal: { Service: 'pods.eks.amazonaws.com', AWS: '$' },
        Action: 'sts:$',
        Condition: CONDITIONS,
      },
    ],
  },
};

const SELECTOR = { matchLabels: { $: '$' }, matchExpressions: [{ key: '$', operator: 'In', values: ['$'] }] };
/** Cilium's Rule, cilium.io/v2. */
const PORTS = {
  ports: [{ port: '$', protocol: '$' }],
  rules: {
    http: [
      {
        path: '$',
        method: '$',
        host: '$',
        headers: ['X-Api-Key: $'],
        headerMatches: [{ mismatch: '$', name: '$', value: '$', secret: { name: '$', namespace: '$' } }],
      },
    ],
    kafka: [{ role: '$', apiKey: '$', apiVersion: '$', clientID: '$', topic: '$' }],
    dns: [{ matchName: '$', matchPattern: '$' }],
    l7proto: '$',
    l7: [{ $: '$' }],
    $: ['$'],
  },
  terminatingTLS: { secret: { name: '$', namespace: '$' }, trustedCA: '$', certificate: '$', privateKey: '$' },
  originatingTLS: { secret: { name: '$', namespace: '$' }, trustedCA: '$', certificate: '$', privateKey: '$' },
  serverNames: ['$'],
  listener: { name: '$', envoyConfig: { kind: '$', name: '$' } },
};
const CILIUM = {
  description: '$',
  labels: [{ key: '$', value: '$', source: '$' }],
  log: { value: '$' },
  endpointSelector: SELECTOR,
  nodeSelector: SELECTOR,
  egress: [
    {
      toEndpoints: [SELECTOR],
      toEntities: ['$'],
      toCIDR: ['$'],
      toCIDRSet: [{ cidr: '$', cidrGroupRef: '$', except: ['$'], cidrGroupSelector: SELECTOR }],
      toFQDNs: [{ matchName: '$', matchPattern: '$' }],
      toServices: [
        {
          k8sService: { serviceName: '$', namespace: '$' },
          k8sServiceSelector: { selector: SELECTOR, namespace: '$' },
        },
      ],
      toGroups: [{ aws: { labels: { $: '$' }, securityGroupsIds: ['$'], securityGroupsNames: ['$'], region: '$' } }],
      toNodes: [SELECTOR],
      toRequires: [SELECTOR],
      toPorts: [PORTS],
      icmps: [{ fields: [{ type: '$', family: '$' }] }],
      authentication: { mode: '$' },
    },
  ],
  egressDeny: [{ toPorts: [PORTS] }],
  ingress: [{ fromEndpoints: [SELECTOR], fromCIDR: ['$'], toPorts: [PORTS] }],
  ingressDeny: [{ fromEntities: ['$'] }],
};
/** A type that is closed: a policy with another field is left out. */
const PEERS = [{ podSelector: SELECTOR, namespaceSelector: SELECTOR }, { ipBlock: { cidr: '10.0.0.0/8' } }];
const NETWORK = {
  podSelector: SELECTOR,
  policyTypes: ['Egress'],
  ingress: [{ from: PEERS, ports: [{ port: '$' }] }],
  egress: [{ to: PEERS, ports: [{ port: '$' }] }],
};
const NODE_POOL = {
  weight: '$',
  template: {
    metadata: { labels: { $: '$' }, annotations: { $: '$' } },
    spec: {
      nodeClassRef: { group: '$', kind: '$', name: '$' },
      taints: [{ key: '$', value: '$', effect: '$', timeAdded: '$' }],
      requirements: [{ key: '$', operator: '$', values: ['$'] }],
    },
  },
};
const nested = (paths: Iterable<string>): object => {
  const root: Record<string, unknown> = {};
  for (const path of paths) {
    const parts = path.split('.');
    let at = root;
    for (const part of parts.slice(0, -1)) {
      if (typeof at[part] !== 'object') at[part] = {};
      at = at[part] as Record<string, unknown>;
    }
    at[parts.at(-1)!] ??= '$';
  }
  return root;
};

const FORMS: Forms = [
  [/\.(nextToken|Marker)$/, undefined],
  [/^ListAddons\.addons$/, ...ADDONS],
  [/^ListAccessEntries\.accessEntries$/, ROLE, ROLE, '$'],
  [/^DescribeCluster\.cluster\.accessConfig\.authenticationMode$/, 'API'],
  [/^DescribeAccessEntry\.accessEntry\.type$/, 'STANDARD', 'EC2_LINUX', '$'],
  [/\.accessScope\.type$/, 'namespace'],
  [/issuer$/, 'https://$/id/0123456789ABCDEF0123456789ABCDEF'],
  [/^GetRole\.Role\.Arn$/, ({ RoleName }: { RoleName: string }) => ROLE.replace('$', RoleName)],
  [/^(GetRole\.Role|ListRoles\.Roles)\.AssumeRolePolicyDocument$/, trust],
  [/\.(PermissionsBoundaryArn|PolicyArn)$/, POLICY],
  [/^GetRolePolicy\.PolicyDocument$/, permissions],
  [/^GetPolicyVersion\.PolicyVersion\.Document$/, permissions],
  [/^DescribePodIdentityAssociation\.association\.policy$/, permissions],
  [/(roleArn|RoleArn|principalArn|Roles\.Arn|ExecutionRoleArn)$/, ROLE],
  [/^GET \/apis groups\.name$/, '$'],
  [/^GET \/apis\.groups\.name$/, ...GROUPS, '$'],
  [/^GET \/apis\.groups\.versions\.version$/, 'v1', '$'],
  [/^GET \/apis\/[^/]+\/[^/]+\.resources\.name$/, ...PLURALS, '$'],
  [/ciliumnetworkpolicies\.spec$|clusterwidenetworkpolicies\.spec$/, { template: CILIUM }],
  [/nodepools\.spec$/, { template: NODE_POOL }],
  [/networkpolicies\.spec$/, { closed: NETWORK }],
  [/budgets\.spec\.selector\.matchExpressions$/, { template: { key: '$', operator: '$', values: ['$'] } }, false],
  [/\.specs$/, { template: CILIUM }],
  [/\.spec$/, { template: nested(CONSUMER_FIELDS) }],
  [
    /fieldsV1$/,
    { template: { 'f:metadata': { 'f:labels': { 'f:$': {} } }, 'f:spec': { 'k:{"name":"$"}': {}, 'v:"$"': {} } } },
  ],
  [/(deletionTimestamp)$/, undefined],
  [/[tT]imestamp$|TransitionTime$/, '2026-01-01T00:00:00Z'],
  [/ownerReferences\.kind$/, 'StatefulSet', '$'],
  [/(pods\.metadata\.ownerReferences|statefulsets\.metadata)\.name$/, 'web', '$'],
  [/(pods|statefulsets)\.metadata\.namespace$/, 'shop', '$'],
  [/managedFields\.subresource$/, undefined, '$'],
  [/managedFields\.manager$/, 'eks', '$', '$'],
  [
    /\.env\.name$/,
    '$',
    'NO_PROXY',
    'AWS_ROLE_ARN',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  ],
  [/volumes\.persistentVolumeClaim$/, '$', false, false, '$'],
  [/volumes\.csi$/, '$', '$', false, false],
  [/volumes\.csi\.driver$/, '$', 'secrets-store.csi.k8s.io'],
  [/\.(volumes|volumeMounts)\.name$/, 'data', 'classes', 'tokens', '$'],
  [/claimName$|claimRef\.name$/, 'data', '$', '$', '$'],
  [/claimRef\.namespace$/, 'shop', '$', '$'],
  [/\.csi\.driver$/, 's3.csi.aws.com', '$', 's3.csi.aws.com'],
  [/scaleTargetRef\.kind$/, 'Deployment', '$'],
];
const COUNTS: Counts = [
  [/^ListAddons\.addons$/, ADDONS.length],
  [/^ListAccessEntries\.accessEntries$/, 3],
  [/\.env$/, 5],
  [/\.(volumes|volumeMounts)$/, 4],
  [/managedFields$/, 3],
  [/^GET \/apis\.groups$/, GROUPS.length + 1],
  [/^GET \/apis\.groups\.versions$/, 2],
  [/\.resources$/, PLURALS.length + 1],
];
const KEYS = [
  'app',
  'app.kubernetes.io/name',
  'argocd.argoproj.io/instance',
  'argocd.argoproj.io/tracking-id',
  'note',
  ...['role-arn', 'audience', 'token-expiration', 'skip-containers'].map((name) => `eks.amazonaws.com/${name}`),
  'authenticationSource',
  'secretProviderClass',
  'kubernetes.io/os',
  'ManagedBy',
  'crossplane-name',
];

/** Tokens of pages, times, and words of AWS without which nothing else would be read. */
const CLOSED = /\.(nextToken|Marker|\w*[tT]imestamp|lastTransitionTime|authenticationMode|accessScope\.type)$/;

it.each([
  ['as it is', false],
  ['anonymised', true],
])('of every string that is read a recording has only those that are listed: %s', async (_, anonymise) => {
  const planter = new Planter(FORMS, COUNTS, KEYS);
  const recording = await readCluster(planter.reader(target, 3), '2026-01-01T00:00:00.000Z');
  const scenario = toScenario(recording, { withConfiguration: false, access: 'granted' });
  const text = JSON.stringify(anonymise ? anonymised(scenario) : scenario);
  expect(planter.missing().filter((where) => !CLOSED.test(where))).toEqual([]);
  // A kind that is read, or a string that is written, and is not in the list, is a failure.
  expect(planter.foundIn(text)).toEqual(byKind(anonymise ? KEPT_ANONYMISED : KEPT));
});
