/** The RBAC objects that give the service its access to a cluster, and the changes to existing objects. */
import { z } from 'zod';
import { SERVICE_MANAGER, type WorkloadRef } from '../kubernetes/objects.ts';
import type { AnnotationMode } from '../request/request.ts';
import type { ServiceAccountRef } from '../terms/subject.ts';
import type { Purpose } from '../steps/work.ts';
import {
  ACCESS_GROUPS,
  type AccessRule,
  annotationRules,
  customResourceRules,
  customResourcesOf,
  type PolicyRule,
  READ_RULES,
  restartRules,
} from './rules.ts';
import { shellCommand } from '../text/shell.ts';

export const RBAC_GROUP = 'rbac.authorization.k8s.io';
const API_VERSION = `${RBAC_GROUP}/v1`;
/** The label by which the service recognizes its own objects. */
const MANAGED_BY = 'app.kubernetes.io/managed-by';

interface Metadata {
  name: string;
  namespace?: string;
  labels: Record<string, string>;
}
export interface RoleManifest {
  apiVersion: string;
  kind: 'ClusterRole' | 'Role';
  metadata: Metadata;
  rules: PolicyRule[];
}
export interface BindingManifest {
  apiVersion: string;
  kind: 'ClusterRoleBinding' | 'RoleBinding';
  metadata: Metadata;
  subjects: { kind: 'Group'; apiGroup: string; name: string }[];
  roleRef: { apiGroup: string; kind: 'ClusterRole' | 'Role'; name: string };
}
export type Manifest = RoleManifest | BindingManifest;

/** A manifest, with the reasons for the rules of a role, in the order of the rules. */
export interface AccessManifest {
  manifest: Manifest;
  reasons: string[];
}

/** An add-on's workloads that may have to be restarted: those of the service accounts that get associations. */
export interface AddonWorkloads {
  addon: string;
  namespace: string;
  workloads: readonly WorkloadRef[];
}
/** The workloads of a service account that does not belong to an add-on, and the handling of its IRSA annotation. */
export interface AccountWorkloads {
  serviceAccount: ServiceAccountRef;
  annotation: AnnotationMode;
  workloads: readonly WorkloadRef[];
}
export type MigratedWorkloads = AddonWorkloads | AccountWorkloads;

/** Returns a role for the whole cluster, or for one namespace. */
const roleFor = (name: string, rules: readonly AccessRule[], namespace?: string): RoleManifest => ({
  apiVersion: API_VERSION,
  kind: namespace === undefined ? 'ClusterRole' : 'Role',
  metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: { [MANAGED_BY]: SERVICE_MANAGER } },
  rules: rules.map(({ rule }) => rule),
});

/** Returns a role and its binding to the group. */
const bound = (
  name: string,
  group: string,
  rules: readonly AccessRule[],
  namespace?: string,
): [AccessManifest, AccessManifest] => {
  const role = roleFor(name, rules, namespace);
  const { kind, metadata } = role;
  const subjects: BindingManifest['subjects'] = [{ kind: 'Group', apiGroup: RBAC_GROUP, name: group }];
  return [
    { manifest: role, reasons: rules.map(({ why }) => why) },
    {
      manifest: {
        apiVersion: API_VERSION,
        kind: `${kind}Binding`,
        metadata,
        subjects,
        roleRef: { apiGroup: RBAC_GROUP, kind, name },
      },
      reasons: [],
    },
  ];
};

interface OwnRules {
  /** The part of the objects' names that distinguishes subjects. No add-on's name has a colon. */
  name: string;
  namespace: string;
  rules: Record<Purpose, AccessRule[]>;
}

const rulesOf = (one: MigratedWorkloads): OwnRules => {
  const restart = restartRules(one.workloads);
  if ('addon' in one)
    return {
      name: one.addon,
      namespace: one.namespace,
      rules: { read: customResourceRules(customResourcesOf(one.addon)), restart, annotate: [] },
    };
  const {
    serviceAccount: { namespace, name },
    annotation,
  } = one;
  return {
    name: `${namespace}:${name}`,
    namespace,
    rules: { read: [], restart, annotate: annotation === 'remove' ? annotationRules([name]) : [] },
  };
};

const nameFor = (purpose: Purpose, name: string): string => `${ACCESS_GROUPS[purpose]}:${name}`;

/**
 * Returns the manifests of one subject. Each add-on and each service account has its own objects, so that granting access
 * for one revokes nothing of another.
 */
const manifestsOf = (one: MigratedWorkloads): AccessManifest[] => {
  const { name, namespace, rules } = rulesOf(one);
  const boundFor = (purpose: Purpose, within?: string): AccessManifest[] =>
    rules[purpose].length === 0 ? [] : bound(nameFor(purpose, name), ACCESS_GROUPS[purpose], rules[purpose], within);
  return [...boundFor('read'), ...boundFor('restart', namespace), ...boundFor('annotate', namespace)];
};

/**
 * Returns everything that the service needs to migrate these subjects: one ClusterRole for reading, and the additional
 * roles of each subject. Each role comes before its binding.
 */
export const accessManifests = (migrated: readonly MigratedWorkloads[]): AccessManifest[] => [
  ...bound(ACCESS_GROUPS.read, ACCESS_GROUPS.read, READ_RULES),
  ...migrated.flatMap(manifestsOf),
];

/**
 * Returns, for a service account whose annotation stays, the Role with which an earlier run may have granted changes to
 * it, without rules. If the Role does not exist, it need not be created.
 */
export const withdrawnRole = (one: MigratedWorkloads): RoleManifest | undefined => {
  if ('addon' in one || one.annotation === 'remove') return undefined;
  const { name, namespace } = rulesOf(one);
  return roleFor(nameFor('annotate', name), [], namespace);
};

/** Returns the name of an object, such as `ClusterRole pod-identity-migrator:read`, with its namespace if it has one. */
export const manifestName = ({ kind, metadata: { name, namespace } }: Manifest): string =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;

export type ManifestChange =
  | { do: 'create' }
  | { do: 'nothing' }
  /** A JSON merge patch (RFC 7386), which fails if the object has changed since it was read. */
  | { do: 'update'; patch: Record<string, unknown> }
  | { do: 'refuse'; why: string; remedy: string };

const strings = z
  .array(z.string())
  .nullish()
  .transform((texts) => [...(texts ?? [])].sort());
const presentRule = z.strictObject({
  apiGroups: strings,
  resources: strings,
  resourceNames: strings,
  verbs: strings,
  nonResourceURLs: strings,
});
const present = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string(), labels: z.record(z.string(), z.string()).nullish() }),
  rules: z.array(presentRule).nullish(),
  roleRef: z.looseObject({ kind: z.string(), name: z.string() }).optional(),
  subjects: z.array(z.looseObject({ kind: z.string(), name: z.string() })).nullish(),
});
type Present = z.output<typeof present>;

/** Returns whether two lists of rules are equal, ignoring their order. An absent list equals an empty one. */
const sameRules = (wanted: readonly PolicyRule[], there: Present['rules']): boolean => {
  const texts = (rules: readonly unknown[]): string =>
    JSON.stringify(rules.map((rule) => JSON.stringify(presentRule.parse(rule))).sort());
  return texts(wanted) === texts(there ?? []);
};

const roleChange = (role: RoleManifest, { metadata, rules }: Present): ManifestChange => {
  if (sameRules(role.rules, rules)) return { do: 'nothing' };
  if (metadata.labels?.[MANAGED_BY] === SERVICE_MANAGER)
    return { do: 'update', patch: { metadata: { resourceVersion: metadata.resourceVersion }, rules: role.rules } };
  return {
    do: 'refuse',
    why: `${manifestName(role)} exists with other rules and without the label ${MANAGED_BY}=${SERVICE_MANAGER}, so the service did not create it`,
    remedy: `Delete or rename it, or, if its rules may be replaced, add the label: ${shellCommand(['kubectl', 'label', role.kind.toLowerCase(), role.metadata.name], role.metadata.namespace === undefined ? undefined : ['--namespace', role.metadata.namespace], [`${MANAGED_BY}=${SERVICE_MANAGER}`])}`,
  };
};

/** Returns the change of a binding. Subjects that other tools or people have added stay. */
const bindingChange = (binding: BindingManifest, { metadata, roleRef, subjects }: Present): ManifestChange => {
  if (roleRef?.kind !== binding.roleRef.kind || roleRef.name !== binding.roleRef.name) {
    return {
      do: 'refuse',
      why: `${manifestName(binding)} exists and binds ${roleRef?.kind ?? 'nothing'} ${roleRef?.name ?? ''}, which cannot be changed in Kubernetes`,
      remedy: 'Delete it when it is no longer needed, and run the same command again',
    };
  }
  const there = subjects ?? [];
  const missing = binding.subjects.filter(
    (wanted) => !there.some(({ kind, name }) => kind === wanted.kind && name === wanted.name),
  );
  return missing.length === 0
    ? { do: 'nothing' }
    : {
        do: 'update',
        patch: { metadata: { resourceVersion: metadata.resourceVersion }, subjects: [...there, ...missing] },
      };
};

/**
 * Returns the change that makes the existing object grant the access. `found` is the object as the API server returns it,
 * or undefined if it does not exist.
 */
export const manifestChange = (manifest: Manifest, found: unknown): ManifestChange => {
  if (found === undefined) return { do: 'create' };
  const object = present.safeParse(found);
  if (!object.success) {
    const [issue] = object.error.issues;
    return {
      do: 'refuse',
      why: `${manifestName(manifest)} exists, and is not as expected at ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
      remedy: 'Inspect it (kubectl get --output yaml), and delete it if it is not needed',
    };
  }
  return 'rules' in manifest ? roleChange(manifest, object.data) : bindingChange(manifest, object.data);
};
