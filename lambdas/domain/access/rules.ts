/**
 * The access that the service needs on a cluster's API server: the single source for the manifests that `grant-access`
 * prints and applies, and for the access of the sandbox's roles. `steps/work.ts` has which steps have which access. The
 * runs of test/permissions/rbac.test.ts use each rule, and need no others.
 */
import { AGENT_ADDON, isNetworking, knownAddon } from '../addons/registry.ts';
import { CONSUMER_RESOURCES } from './consumer-resources.ts';
import { NETWORK_RESOURCES } from '../network/model.ts';
import { WORKLOAD_KINDS, WORKLOAD_PLURALS, type WorkloadRef } from '../kubernetes/objects.ts';
import type { Purpose } from '../steps/work.ts';

/**
 * Kubernetes groups that access entries and bindings name. None may begin with `system:` (EKS User Guide, "Create
 * access entries"), nor with `eks:`, which EKS uses for its own groups.
 */
export const ACCESS_GROUPS: Record<Purpose, string> = {
  read: 'pod-identity-migrator:read',
  restart: 'pod-identity-migrator:restart',
  annotate: 'pod-identity-migrator:annotate',
};

/** A rule of a Role or ClusterRole (rbac.authorization.k8s.io/v1, PolicyRule). */
export interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  /** Absent for objects of any name. */
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

/** Returns the rules for finding consumers of web identities. Groups that a cluster lacks do no harm. */
function consumerRules(): AccessRule[] {
  // The constructs of the package run on the oldest supported Node, which has no Map.groupBy.
  const rules = new Map<string, AccessRule>();
  for (const { group, plural, why } of CONSUMER_RESOURCES) {
    const key = `${group} ${why}`;
    const known = rules.get(key);
    if (known) known.rule.resources.push(plural);
    else rules.set(key, list(group, [plural], `what else uses the web identity: ${why}`));
  }
  return [...rules.values()];
}
/** What decides whether pods can reach the agent, one rule for each resource. A cluster may have none of them. */
const NETWORK_RULES: readonly AccessRule[] = NETWORK_RESOURCES.map(({ group, plural, why }) =>
  list(group, [plural], why),
);

/**
 * Rules for all namespaces, since `retire` checks every namespace for service accounts and pods that still need a role's
 * OIDC trust. No rule reads secrets or config maps, and nothing is watched.
 */
export const READ_RULES: readonly AccessRule[] = [
  list('', ['pods'], 'how each pod gets its AWS credentials'),
  list('', ['serviceaccounts'], 'which still have the IRSA annotation'),
  list(
    '',
    ['nodes'],
    'whether the nodes of the pods support EKS Pod Identity and run its agent, and whether the node of a pod that does not start or end is ready',
  ),
  list(
    'apps',
    Object.values(WORKLOAD_PLURALS),
    'which workloads own the pods, whether they have settled, and which managers have set their fields',
  ),
  list('apps', ['replicasets'], 'which Deployment a pod belongs to'),
  {
    rule: { apiGroups: ['apps'], resources: ['daemonsets'], resourceNames: [AGENT_ADDON], verbs: ['get'] },
    why: 'whether the Pod Identity agent is ready, even if it is not installed as an add-on',
  },
  list(
    'admissionregistration.k8s.io',
    ['mutatingwebhookconfigurations'],
    'whether the webhook that gives pods their identity is installed',
  ),
  ...consumerRules(),
  ...NETWORK_RULES,
];

/** A custom resource as RBAC names it. */
export interface CustomResource {
  group: string;
  plural: string;
}

/** Returns the rules that list custom resources, one for each API group. */
export const customResourceRules = (resources: readonly CustomResource[]): AccessRule[] =>
  [...new Set(resources.map(({ group }) => group))].map((group) =>
    list(
      group,
      [...new Set(resources.filter((one) => one.group === group).map(({ plural }) => plural))],
      'which custom resources a delete of the add-on would remove together with their definitions',
    ),
  );

/**
 * Returns the custom resources that the plan of an add-on lists, which are those that one of its attempts could delete. A
 * networking add-on is never deleted, and an add-on without IAM permissions is never migrated.
 */
export const customResourcesOf = (addon: string): CustomResource[] => {
  const known = knownAddon(addon);
  return known === undefined || !known.needsIam || isNetworking(addon) ? [] : known.customResources;
};

const RESTARTS = 'rolling restarts, by an annotation on the pod template';

/** The eviction of a pod. The rule has no resource names, since names of pods are not known in advance. */
const EVICTS: AccessRule = {
  rule: { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
  why: 'replaces one pod in a rollback, if its disruption budget allows it, before the others follow',
};

/**
 * Returns the rules for rolling restarts of workloads of one namespace, by their names, with the right to evict a pod
 * there. RBAC cannot restrict a rule to one annotation.
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

const ANNOTATES = 'removes the IRSA annotation, and restores it in a rollback';

/**
 * Returns the rules for changing the IRSA annotation of service accounts of one namespace, by their names. RBAC cannot
 * restrict a rule to one annotation.
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

/** Allows changing every service account. Used only in the sandbox. */
export const ANNOTATE_EVERYTHING: AccessRule = {
  rule: { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['patch'] },
  why: ANNOTATES,
};

/** Allows rolling restarts of every workload. Used only in the sandbox, whose clusters have no other users. */
export const RESTART_EVERYTHING: readonly AccessRule[] = [
  { rule: { apiGroups: ['apps'], resources: Object.values(WORKLOAD_PLURALS), verbs: ['patch'] }, why: RESTARTS },
  EVICTS,
];
