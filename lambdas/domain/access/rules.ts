/**
 * What the service needs on the API server of a cluster: the one source of the manifests that `grant-access` prints and
 * applies, of the access that the sandbox's own roles have, and of which Lambda needs an access entry. Each rule is
 * used by one of the runs of test/permissions/rbac.test.ts, and none is missing there.
 */
import { AGENT_ADDON, isNetworking, knownAddon } from '../addons/registry.ts';
import { WORKLOAD_KINDS, WORKLOAD_PLURALS, type WorkloadRef } from '../kubernetes/objects.ts';

/**
 * `read`: looking at pods and what makes them. `restart`: rolling restarts, and the eviction of a pod. `annotate`: the IRSA annotation of a
 * service account, where that is asked for. Nothing else is ever changed there.
 */
export type Purpose = 'read' | 'restart' | 'annotate';

/**
 * Kubernetes groups that access entries and bindings name. None may begin with `system:` (EKS User Guide, "Create
 * access entries"), nor with `eks:`, which EKS uses for its own.
 */
export const ACCESS_GROUPS: Record<Purpose, string> = {
  read: 'pod-identity-migrator:read',
  restart: 'pod-identity-migrator:restart',
  annotate: 'pod-identity-migrator:annotate',
};

/** By step, what its Lambda does on API servers; those that are not here call none. */
export const ACCESS_OF_STEPS = {
  plan: ['read'],
  begin: ['read'],
  'create-association': ['read'],
  'verify-pods': ['read'],
  'restart-pods': ['read', 'restart'],
  'annotate-service-account': ['read', 'annotate'],
  'restore-associations': ['read'],
  'take-over': ['read'],
  finish: ['read'],
  'install-agent': ['read'],
  'retire-trust': ['read'],
  api: ['read'],
  'take-inventory': ['read'],
} as const satisfies Record<string, readonly Purpose[]>;

/** A rule of a Role or ClusterRole (rbac.authorization.k8s.io/v1, PolicyRule). */
export interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  /** Left out: objects of any name. */
  resourceNames?: string[];
  verbs: string[];
}
/** A rule with its reason. */
export interface AccessRule {
  rule: PolicyRule;
  why: string;
}

const list = (group: string, resources: string[], why: string): AccessRule => ({
  rule: { apiGroups: [group], resources, verbs: ['list'] },
  why,
});

/**
 * In all namespaces: `retire` looks everywhere for service accounts and pods that still need a role's OIDC trust. No
 * rule reads secrets or config maps, and nothing is watched.
 */
export const READ_RULES: readonly AccessRule[] = [
  list('', ['pods'], 'how each pod gets its AWS credentials'),
  list('', ['serviceaccounts'], 'who still has the IRSA annotation'),
  list(
    '',
    ['nodes'],
    'whether the pods run where EKS Pod Identity is supported, the agent with them, and whether the node of a pod that does not end or start works',
  ),
  list(
    'apps',
    Object.values(WORKLOAD_PLURALS),
    'what makes the pods, whether it has settled, and who has set its fields',
  ),
  list('apps', ['replicasets'], 'which Deployment a pod belongs to'),
  {
    rule: { apiGroups: ['apps'], resources: ['daemonsets'], resourceNames: [AGENT_ADDON], verbs: ['get'] },
    why: 'whether the Pod Identity agent is ready, whoever installed it',
  },
  list(
    'admissionregistration.k8s.io',
    ['mutatingwebhookconfigurations'],
    'whether the webhook that gives pods their identity is there',
  ),
];

/** A custom resource as RBAC names it. */
export interface CustomResource {
  group: string;
  plural: string;
}

/** Lists of custom resources, one rule for each API group. */
export const customResourceRules = (resources: readonly CustomResource[]): AccessRule[] =>
  [...new Set(resources.map(({ group }) => group))].map((group) =>
    list(
      group,
      [...new Set(resources.filter((one) => one.group === group).map(({ plural }) => plural))],
      'what a delete of the add-on would take along with their definitions',
    ),
  );

/**
 * Custom resources that the plan of an add-on lists: those that one of its ways could delete. A networking add-on is
 * never deleted, and one without IAM never migrated.
 */
export const customResourcesOf = (addon: string): CustomResource[] => {
  const known = knownAddon(addon);
  return known === undefined || !known.needsIam || isNetworking(addon) ? [] : known.customResources;
};

const RESTARTS = 'rolling restarts, by an annotation on the pod template';

/** Pods have no names that are known beforehand. */
const EVICTS: AccessRule = {
  rule: { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
  why: 'replaces one pod on the way back, as far as its disruption budget allows, before the others follow',
};

/**
 * Rolling restarts of workloads of one namespace, by their names. RBAC has no narrower way to say "this annotation
 * alone". With them goes the right to evict a pod there.
 */
export const restartRules = (workloads: readonly WorkloadRef[]): AccessRule[] => {
  const restarts = WORKLOAD_KINDS.flatMap((kind) => {
    const resourceNames = workloads
      .filter((one) => one.kind === kind)
      .map(({ name }) => name)
      .sort();
    return resourceNames.length === 0
      ? []
      : [
          {
            rule: { apiGroups: ['apps'], resources: [WORKLOAD_PLURALS[kind]], resourceNames, verbs: ['patch'] },
            why: RESTARTS,
          },
        ];
  });
  return restarts.length === 0 ? [] : [...restarts, EVICTS];
};

const ANNOTATES = 'takes the IRSA annotation off, and puts it back on the way back';

/**
 * The IRSA annotation of service accounts of one namespace, by their names. RBAC has no narrower way to say "this
 * annotation alone".
 */
export const annotationRules = (names: readonly string[]): AccessRule[] =>
  names.length === 0
    ? []
    : [
        {
          rule: { apiGroups: [''], resources: ['serviceaccounts'], resourceNames: [...names].sort(), verbs: ['patch'] },
          why: ANNOTATES,
        },
      ];

/** The annotation of whatever service account there is: in the sandbox alone. */
export const ANNOTATE_EVERYTHING: AccessRule = {
  rule: { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['patch'] },
  why: ANNOTATES,
};

/** Rolling restarts of whatever there is: in the sandbox alone, whose clusters nobody else uses. */
export const RESTART_EVERYTHING: readonly AccessRule[] = [
  { rule: { apiGroups: ['apps'], resources: Object.values(WORKLOAD_PLURALS), verbs: ['patch'] }, why: RESTARTS },
  EVICTS,
];
