/** The RBAC objects of a new cluster, and the default access of the sandbox's own roles. */
import { accessPolicyArn } from '../catalog/access-policies.ts';
import {
  ANNOTATE_EVERYTHING,
  customResourceRules,
  READ_RULES,
  RESTART_EVERYTHING,
} from '../../lambdas/domain/access/rules.ts';
import type { Purpose } from '../../lambdas/domain/steps/work.ts';
import type { Catalogue } from '../catalog/catalogue.ts';
import { copyOf, frozen } from '../json.ts';
import type { AccessEntryState, ClusterState } from '../world/world.ts';
import { USER_FACING_ROLES } from './access-policies.ts';
import type { CustomKind, Metadata, PolicyRule } from '../objects/objects.ts';
import { newMetadata, putObject, RBAC_GROUP } from '../objects/store.ts';

/**
 * The groups of the deployed service if a scenario lists no access entries; the ClusterRoles bound to them have the
 * same names. They differ from those of `grant-access`, so that its objects can be tested in the same cluster.
 */
export const SANDBOX_GROUPS: Record<Purpose, string> = {
  read: 'sandbox:migrator:read',
  restart: 'sandbox:migrator:restart',
  annotate: 'sandbox:migrator:annotate',
};

const resources = (apiGroup: string, names: string[], verbs: string[]): PolicyRule => ({
  apiGroups: [apiGroup],
  resources: names,
  verbs,
});

/**
 * Returns exactly the permissions that the service needs on an API server: the rules of `grant-access`, for any add-on
 * and workload. `custom`: kinds that add-ons define.
 */
const migratorRules = (custom: CustomKind[]): Record<Purpose, PolicyRule[]> => ({
  read: [...READ_RULES, ...customResourceRules(custom)].map(({ rule }) => rule),
  restart: RESTART_EVERYTHING.map(({ rule }) => rule),
  annotate: [ANNOTATE_EVERYTHING.rule],
});

const get = (...nonResourceURLs: string[]): PolicyRule[] => [{ nonResourceURLs, verbs: ['get'] }];
const HEALTH = ['/healthz', '/livez', '/readyz', '/version', '/version/'];

/** Permissions of every authenticated user (k8s.io/kubernetes, rbac/bootstrappolicy). */
const DISCOVERY_ROLES: Record<string, PolicyRule[]> = {
  'system:basic-user': [
    resources('authorization.k8s.io', ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']),
    resources('authentication.k8s.io', ['selfsubjectreviews'], ['create']),
  ],
  'system:discovery': get(...['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*', ...HEALTH].toSorted()),
  'system:public-info-viewer': get(...HEALTH),
};

/** Who has these permissions in addition to authenticated users. */
const DISCOVERY_GROUPS: Record<string, string[]> = {
  'system:public-info-viewer': ['system:authenticated', 'system:unauthenticated'],
};

const BOOTSTRAP: Pick<Metadata, 'labels' | 'annotations'> = {
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
};

/**
 * Rules that all clusters of a world share, created once: a copy for each of thousands of clusters would exhaust the
 * memory.
 */
const shared = new WeakMap<Catalogue, Record<Purpose, PolicyRule[]>>();

/** Frozen, so that a role can only be changed by replacing its rules, not by modifying them in place. */
const DEFAULT_ROLES: Record<string, PolicyRule[]> = frozen(copyOf({ ...USER_FACING_ROLES, ...DISCOVERY_ROLES }));

const sharedRules = (catalogue: Catalogue): Record<Purpose, PolicyRule[]> => {
  const known = shared.get(catalogue);
  if (known) return known;
  const custom = [...catalogue.values()].flatMap(({ objects }) => objects.customKinds ?? []);
  const created = frozen(migratorRules(custom));
  shared.set(catalogue, created);
  return created;
};

const putRole = (
  { kube, createdAt }: ClusterState,
  name: string,
  rules: PolicyRule[],
  meta: typeof BOOTSTRAP,
): void => {
  putObject(kube, 'ClusterRole', {
    apiVersion: `${RBAC_GROUP}/v1`,
    kind: 'ClusterRole',
    metadata: newMetadata(kube, createdAt, { name, ...copyOf(meta) }),
    rules,
  });
};

const bind = (
  { kube, createdAt }: ClusterState,
  name: string,
  groups: readonly string[],
  meta: typeof BOOTSTRAP,
): void => {
  putObject(kube, 'ClusterRoleBinding', {
    apiVersion: `${RBAC_GROUP}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: newMetadata(kube, createdAt, { name, ...copyOf(meta) }),
    subjects: groups.map((group) => ({ kind: 'Group', apiGroup: RBAC_GROUP, name: group })),
    roleRef: { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name },
  });
};

/**
 * Creates the roles and bindings of every cluster, including the service's own, so that an access entry only has to
 * name a group. The service may read the custom resources that the catalogue's add-ons define.
 */
export const seedRbacDefaults = (cluster: ClusterState, catalogue: Catalogue): void => {
  const migrator = sharedRules(catalogue);
  for (const [name, rules] of Object.entries(DEFAULT_ROLES)) putRole(cluster, name, rules, BOOTSTRAP);
  bind(cluster, 'cluster-admin', ['system:masters'], BOOTSTRAP);
  for (const name of Object.keys(DISCOVERY_ROLES))
    bind(cluster, name, DISCOVERY_GROUPS[name] ?? ['system:authenticated'], BOOTSTRAP);
  for (const purpose of Object.keys(SANDBOX_GROUPS) as Purpose[]) {
    const group = SANDBOX_GROUPS[purpose];
    putRole(cluster, group, migrator[purpose], {});
    bind(cluster, group, [group], {});
  }
};

/**
 * Returns the access entries of a cluster whose scenario lists none: the operator is an administrator, like every
 * creator of a cluster, and the service's roles that call API servers are in the service's groups. `restart`: the roles
 * that restart workloads; `annotate`: the roles that change service accounts.
 */
export const defaultAccessEntries = (
  createdAt: number,
  roles: { operator: string; service: string[]; restart: string[]; annotate: string[] },
): AccessEntryState[] => {
  const [, partition = ''] = roles.operator.split(':');
  const entry = { type: 'STANDARD', tags: {}, createdAt, kubernetesGroups: [], policies: [] };
  return [
    {
      ...entry,
      principalArn: roles.operator,
      policies: [
        {
          policyArn: accessPolicyArn(partition, 'AmazonEKSClusterAdminPolicy'),
          scope: { type: 'cluster', namespaces: [] },
          associatedAt: createdAt,
        },
      ],
    },
    ...roles.service.map((principalArn) => {
      const changes = (['restart', 'annotate'] as const).filter((purpose) => roles[purpose].includes(principalArn));
      return {
        ...entry,
        principalArn,
        kubernetesGroups: [SANDBOX_GROUPS.read, ...changes.map((purpose) => SANDBOX_GROUPS[purpose])],
      };
    }),
  ];
};
