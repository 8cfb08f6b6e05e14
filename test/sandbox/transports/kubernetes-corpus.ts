/** Requests to a cluster's API server: each verb of each kind, with success and with a refusal. */
import type { Kind } from '../../../sandbox/objects/objects.ts';
import { apiVersionOf, KINDS, type KindInfo } from '../../../sandbox/objects/store.ts';

export interface KubernetesCall {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: unknown;
  type?: string;
  /** True: the body is what was last read at the path. */
  current?: true;
  /** False: with a token for another cluster. */
  known?: boolean;
  /** Impersonation headers. */
  as?: Record<string, string>;
}

const JSON_TYPE = 'application/json';
const MERGE = 'application/merge-patch+json';

/** `/api/v1/namespaces/kube-system/pods`. */
export const collection = (info: KindInfo): string =>
  `${info.group === '' ? '/api/v1' : `/apis/${info.group}/v1`}${info.namespaced ? '/namespaces/kube-system' : ''}/${info.plural}`;

const RULES = { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] };
const binding = (kind: string) => ({
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: 'corpus' },
  subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'readers' }],
});
const MADE: Partial<Record<Kind, object>> = {
  ServiceAccount: {},
  PodDisruptionBudget: { spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'corpus' } } } },
  Role: RULES,
  ClusterRole: RULES,
  RoleBinding: binding('Role'),
  ClusterRoleBinding: binding('ClusterRole'),
};

const newObject = (info: KindInfo): object => ({
  apiVersion: apiVersionOf(info),
  kind: info.kind,
  metadata: { name: 'corpus' },
  ...MADE[info.kind],
});

const AS_ANOTHER_PRINCIPAL = { 'Impersonate-User': 'jane', 'Impersonate-Extra-Acme.com%2fTeam': 'x, y' };
export const impersonatedCalls: KubernetesCall[] = [
  AS_ANOTHER_PRINCIPAL,
  { ...AS_ANOTHER_PRINCIPAL, 'Impersonate-Group': 'system:masters', 'Impersonate-Uid': '7' },
  { 'Impersonate-Group': 'a, b' },
].flatMap((as): KubernetesCall[] => [
  { method: 'GET', path: '/api/v1/nodes?limit=1', as },
  { method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', body: {}, type: JSON_TYPE, as },
]);

/** `existing` is the name of an existing object of each kind; deleted pods no longer exist. */
export const callsFor = (info: KindInfo, existing: string): KubernetesCall[] => {
  const all = collection(info);
  const can = (verb: KindInfo['verbs'][number]): boolean => info.verbs.includes(verb);
  const own = can('create') ? 'corpus' : existing;
  const create: KubernetesCall = { method: 'POST', path: all, body: newObject(info), type: JSON_TYPE };
  const patch = { metadata: { annotations: { 'example.com/corpus': 'ü' } } };
  const remove: KubernetesCall = { method: 'DELETE', path: `${all}/${own}` };
  return [
    ...(can('create') ? [create, create] : []),
    { method: 'GET', path: all },
    { method: 'GET', path: `${all}?limit=1&labelSelector=${encodeURIComponent('app in (a,b)')}` },
    { method: 'GET', path: `${all}?limit=some` },
    { method: 'GET', path: `${all}/${own}` },
    { method: 'GET', path: `${all}/none` },
    ...(can('update')
      ? ([
          { method: 'PUT', path: `${all}/${own}`, current: true, type: JSON_TYPE },
          { method: 'PUT', path: `${all}/${own}`, body: [], type: JSON_TYPE },
        ] as const)
      : []),
    // A continuing watch is tested elsewhere: it ends with the connection.
    { method: 'GET', path: `${all}?watch=true&resourceVersion=some` },
    ...(can('patch')
      ? ([
          { method: 'PATCH', path: `${all}/${own}`, body: patch, type: MERGE },
          { method: 'PATCH', path: `${all}/${own}`, body: patch, type: 'text/plain' },
        ] as const)
      : []),
    ...(can('delete') ? [remove, { ...remove, path: `${all}/none` }] : []),
    ...(can('deletecollection')
      ? ([
          { method: 'DELETE', path: `${all}?labelSelector=corpus%3Dnone` },
          { method: 'DELETE', path: `${all}?limit=some` },
        ] as const)
      : []),
  ];
};

const review = (namespace: string): object => ({
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SelfSubjectAccessReview',
  spec: { resourceAttributes: { namespace, verb: 'list', resource: 'pods' } },
});

export const discoveryCalls: KubernetesCall[] = [
  ...[
    '/version',
    '/api',
    '/api/v1',
    '/apis',
    ...new Set(Object.values(KINDS).flatMap(({ group }) => (group === '' ? [] : [`/apis/${group}/v1`]))),
  ].map((path): KubernetesCall => ({ method: 'GET', path })),
  { method: 'GET', path: '/apis/none/v1' },
  { method: 'POST', path: '/version', body: {}, type: JSON_TYPE },
  { method: 'GET', path: '/api/v1/namespaces/kube-system/pods', known: false },
  {
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: review('kube-system'),
    type: JSON_TYPE,
  },
];

export const evictionsOf = (pod: string): KubernetesCall[] =>
  [pod, 'none'].map((name) => ({
    method: 'POST',
    path: `/api/v1/namespaces/kube-system/pods/${name}/eviction`,
    body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } },
    type: JSON_TYPE,
  }));
