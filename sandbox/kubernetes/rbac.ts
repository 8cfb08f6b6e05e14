/** The API server's authorization by RBAC objects, and by the access policies that EKS adds to them. */
import type { ClusterState } from '../world/world.ts';
import { NOSNIFF, Refusal } from './answers.ts';
import type { User } from './access.ts';
import { ACCESS_POLICIES } from './access-policies.ts';
import type { Binding, PolicyRule, Subject } from '../objects/objects.ts';
import { getObject, listObjects } from '../objects/store.ts';

/** The attributes of a request: for a resource, or for a non-resource path. */
export interface Attributes {
  verb: string;
  /** Set for non-resource paths only, such as /version. */
  path?: string;
  group: string;
  resource: string;
  subresource?: string;
  /** Undefined for the whole cluster. */
  namespace?: string;
  name?: string;
}

export interface Decision {
  allowed: boolean;
  /** Why the request is allowed; if it is denied, errors of the objects that might have allowed it. */
  reason: string;
  /** The rule that allowed the request, if it was a rule. */
  by?: { source: string; rule: PolicyRule };
}

/** A rule that allowed a call to the API server, and which part of it was used. */
export interface RuleUse {
  /** ARN of the calling role. */
  principalArn: string;
  /**
   * The object that contains the rule: `ClusterRole view`, `Role kube-system/mine`, `AccessPolicy AmazonEKSViewPolicy`.
   */
  source: string;
  verb: string;
  group: string;
  resource: string;
  /** The object's name, if the rule names objects. */
  name?: string;
}

/** Uses by cluster, without duplicates. A world is built for each run, so the uses are those of one run. */
const used = new WeakMap<ClusterState, Map<string, RuleUse>>();

/**
 * Returns the rules that have allowed calls to the cluster's API server so far, each use once. Non-resource paths are
 * not included.
 */
export const ruleUses = (cluster: ClusterState): RuleUse[] => [...(used.get(cluster)?.values() ?? [])];

const noteUse = (
  cluster: ClusterState,
  { principalArn }: User,
  { verb, group, resource, subresource, name }: Attributes,
  { source, rule }: NonNullable<Decision['by']>,
): void => {
  const full = subresource === undefined ? resource : `${resource}/${subresource}`;
  const named = rule.resourceNames?.length && name !== undefined ? { name } : {};
  const uses = used.get(cluster) ?? new Map<string, RuleUse>();
  used.set(cluster, uses);
  const use = { principalArn, source, verb, group, resource: full, ...named };
  uses.set(Object.values(use).join(' '), use);
};

const holds = (list: string[] | undefined, wanted: string): boolean =>
  list?.some((each) => each === '*' || each === wanted) ?? false;

const resourceMatches = (resources: string[] | undefined, { resource, subresource }: Attributes): boolean => {
  const full = subresource === undefined ? resource : `${resource}/${subresource}`;
  return holds(resources, full) || (subresource !== undefined && (resources?.includes(`*/${subresource}`) ?? false));
};

const pathMatches = (urls: string[] | undefined, path: string): boolean =>
  urls?.some((url) => url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1)))) ?? false;

/** Returns whether a rule allows a request, like k8s.io/kubernetes, rbac/v1 evaluation_helpers.go. */
const ruleAllows = (rule: PolicyRule, wanted: Attributes): boolean => {
  if (!holds(rule.verbs, wanted.verb)) return false;
  if (wanted.path !== undefined) return pathMatches(rule.nonResourceURLs, wanted.path);
  const named = !rule.resourceNames?.length || rule.resourceNames.includes(wanted.name ?? '');
  return named && holds(rule.apiGroups, wanted.group) && resourceMatches(rule.resources, wanted);
};

const isMeant = (subject: Subject, { username, groups }: User, bindingNamespace: string | undefined): boolean => {
  if (subject.kind === 'User') return subject.name === username;
  if (subject.kind === 'Group') return groups.includes(subject.name);
  return username === `system:serviceaccount:${subject.namespace ?? bindingNamespace ?? ''}:${subject.name}`;
};

interface Grant {
  rules: PolicyRule[];
  why: string;
  /**
   * The object that contains the rules: `ClusterRole view`, `Role kube-system/mine`, `AccessPolicy
   * AmazonEKSViewPolicy`.
   */
  source: string;
}
interface Grants {
  grants: Grant[];
  /** Errors of bindings whose role does not exist. */
  errors: string[];
}

type AnyBinding = Binding | Binding<'ClusterRoleBinding'>;

const grantOf = (cluster: ClusterState, binding: AnyBinding, subject: Subject): Grant | string => {
  const { kind, metadata, roleRef } = binding;
  const namespace = roleRef.kind === 'Role' ? metadata.namespace : undefined;
  const role = getObject(cluster.kube, roleRef.kind, namespace, roleRef.name);
  if (!role) return `${roleRef.kind.toLowerCase()}.rbac.authorization.k8s.io "${roleRef.name}" not found`;
  const name = metadata.namespace === undefined ? metadata.name : `${metadata.name}/${metadata.namespace}`;
  const source = `${roleRef.kind} ${namespace === undefined ? '' : `${namespace}/`}${roleRef.name}`;
  return {
    rules: role.rules ?? [],
    source,
    why: `RBAC: allowed by ${kind} "${name}" of ${roleRef.kind} "${roleRef.name}" to ${subject.kind} "${subject.name}"`,
  };
};

/** Returns the bindings that apply in a namespace; without a namespace, only those that apply cluster-wide. */
const bindingsIn = ({ kube }: ClusterState, namespace: string | undefined): AnyBinding[] => [
  ...listObjects(kube, 'ClusterRoleBinding'),
  ...(namespace === undefined ? [] : listObjects(kube, 'RoleBinding', namespace)),
];

/** Returns what the bindings grant a user. */
const rbacGrants = (cluster: ClusterState, user: User, bindings: readonly AnyBinding[]): Grants => {
  const found: Grants = { grants: [], errors: [] };
  for (const binding of bindings) {
    const subject = binding.subjects?.find((each) => isMeant(each, user, binding.metadata.namespace));
    if (!subject) continue;
    const grant = grantOf(cluster, binding, subject);
    if (typeof grant === 'string') found.errors.push(grant);
    else found.grants.push(grant);
  }
  return found;
};

const byName = (one: AnyBinding, other: AnyBinding): number => (one.metadata.name < other.metadata.name ? -1 : 1);

/** Returns the rules that RBAC objects grant a user. As on EKS, rules of access policies are not included. */
export const rbacRules = (cluster: ClusterState, user: User, namespace: string | undefined): PolicyRule[] =>
  rbacGrants(cluster, user, bindingsIn(cluster, namespace).toSorted(byName)).grants.flatMap(({ rules }) => rules);

const policyGrants = (
  { policies, principalArn }: Pick<User, 'policies' | 'principalArn'>,
  namespace: string | undefined,
): Grant[] =>
  policies
    .filter(
      ({ scope }) => scope.type === 'cluster' || (namespace !== undefined && scope.namespaces.includes(namespace)),
    )
    .map(({ policyArn }) => ({
      rules: ACCESS_POLICIES.get(policyArn.split('/').at(-1) ?? '') ?? [],
      source: `AccessPolicy ${policyArn.split('/').at(-1) ?? policyArn}`,
      why: `EKS Access Policy: allowed by ${policyArn.split('/').at(-1) ?? policyArn} of the access entry ${principalArn}`,
    }));

/** Returns the decision of the first grant that allows a request; undefined if none does. */
const firstOf = (grants: Grant[], wanted: Attributes): Decision | undefined => {
  for (const { rules, source, why } of grants) {
    const rule = rules.find((each) => ruleAllows(each, wanted));
    if (rule) return { allowed: true, reason: why, by: { source, rule } };
  }
  return undefined;
};

/** Returns what EKS's webhook decides by the access policies of the user's entry; undefined if none allows the request. */
export const decideByPolicies = (
  user: Pick<User, 'policies' | 'principalArn'>,
  wanted: Attributes,
): Decision | undefined => firstOf(policyGrants(user, wanted.namespace), wanted);

export const decide = (cluster: ClusterState, user: User, wanted: Attributes): Decision => {
  if (user.groups.includes('system:masters')) return { allowed: true, reason: '' };
  const rbac = rbacGrants(cluster, user, bindingsIn(cluster, wanted.namespace));
  const decision = decideByPolicies(user, wanted) ?? firstOf(rbac.grants, wanted);
  if (decision) return decision;
  return {
    allowed: false,
    reason:
      rbac.errors.length === 0
        ? ''
        : `RBAC: ${rbac.errors.length === 1 ? rbac.errors.join('') : `[${rbac.errors.join(', ')}]`}`,
  };
};

/** k8s.io/apiserver, endpoints/handlers/responsewriters/errors.go. */
const forbiddenText = (
  { username }: User,
  { verb, path, group, resource, subresource, namespace }: Attributes,
): string => {
  if (path !== undefined) return `User "${username}" cannot ${verb} path "${path}"`;
  const full = subresource === undefined ? resource : `${resource}/${subresource}`;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return `User "${username}" cannot ${verb} resource "${full}" in API group "${group}" ${where}`;
};

/** Returns a 403 in the API server's wording; `why` follows `is forbidden: `. */
export const forbidden = (
  { group, resource, name, path }: Attributes,
  why: string,
  headers: Record<string, string> = {},
): Refusal => {
  if (path !== undefined) return new Refusal(403, 'Forbidden', `forbidden: ${why}`, {}, headers);
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const details = { ...(name === undefined ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource };
  return new Refusal(
    403,
    'Forbidden',
    `${qualified}${name === undefined ? '' : ` "${name}"`} is forbidden: ${why}`,
    details,
    headers,
  );
};

/** Throws the 403 if neither RBAC nor an access policy allows the request. */
export const authorize = (cluster: ClusterState, user: User, wanted: Attributes): void => {
  const { allowed, reason, by } = decide(cluster, user, wanted);
  if (by && wanted.path === undefined) noteUse(cluster, user, wanted, by);
  if (!allowed) throw forbidden(wanted, `${forbiddenText(user, wanted)}${reason === '' ? '' : `: ${reason}`}`, NOSNIFF);
};
