/**
 * Prevents privilege escalation: a user can grant by RBAC only what the user holds by RBAC, unless the user may
 * `escalate` or `bind`. Permissions of an access policy do not count: with AmazonEKSAdminPolicy alone, no Role can be
 * created (k8s.io/kubernetes, registry/rbac escalation_check.go and rbac/validation; EKS evaluates access policies in a
 * webhook, which lists no rules).
 */
import type { ClusterState } from '../world/world.ts';
import type { User } from './access.ts';
import { notFound } from './answers.ts';
import type { KubeObject, PolicyRule, RoleRef } from '../objects/objects.ts';
import { decide, forbidden, rbacRules } from './rbac.ts';
import { getObject, KINDS, type KindInfo, type ResourceInfo } from '../objects/store.ts';

const holds = (list: string[] | undefined, wanted: string): boolean =>
  list?.some((each) => each === '*' || each === wanted) ?? false;
const holdsResource = (list: string[] | undefined, wanted: string): boolean => {
  const [, subresource] = wanted.split('/');
  return holds(list, wanted) || (subresource !== undefined && (list?.includes(`*/${subresource}`) ?? false));
};
const holdsUrl = (list: string[] | undefined, wanted: string): boolean =>
  holds(list, wanted) || (list?.some((url) => url.endsWith('*') && wanted.startsWith(url.slice(0, -1))) ?? false);

/** Returns whether the held rules together grant everything that `rule` grants. */
const isCovered = (rule: PolicyRule, held: PolicyRule[]): boolean =>
  (rule.verbs ?? []).every((verb) => {
    const withVerb = held.filter(({ verbs }) => holds(verbs, verb));
    const urls = (rule.nonResourceURLs ?? []).every((url) =>
      withVerb.some(({ nonResourceURLs }) => holdsUrl(nonResourceURLs, url)),
    );
    const resources = (rule.apiGroups ?? []).every((group) =>
      (rule.resources ?? []).every((resource) => {
        const matching = withVerb.filter(
          (each) => holds(each.apiGroups, group) && holdsResource(each.resources, resource),
        );
        const names = rule.resourceNames?.length ? rule.resourceNames : [undefined];
        return names.every((name) =>
          matching.some(
            ({ resourceNames }) => !resourceNames?.length || (name !== undefined && resourceNames.includes(name)),
          ),
        );
      }),
    );
    return urls && resources;
  });

const compact = ({ apiGroups, nonResourceURLs, resourceNames, resources, verbs }: PolicyRule): string =>
  `{${Object.entries({
    APIGroups: apiGroups,
    NonResourceURLs: nonResourceURLs,
    Resources: resources,
    ResourceNames: resourceNames,
    Verbs: verbs,
  })
    .flatMap(([name, list]) => (list?.length ? [`${name}:${JSON.stringify(list)}`] : []))
    .join(', ')}}`;

interface Granted {
  verb: 'escalate' | 'bind';
  /** The role that the user must be allowed to escalate or bind. */
  role: { info: KindInfo; name: string };
  rules: () => PolicyRule[];
}

const grantedBy = (cluster: ClusterState, info: ResourceInfo, object: KubeObject): Granted | undefined => {
  if (info.kind === 'Role' || info.kind === 'ClusterRole') {
    return {
      verb: 'escalate',
      role: { info: KINDS[info.kind], name: object.metadata.name },
      rules: () => (object['rules'] as PolicyRule[] | null | undefined) ?? [],
    };
  }
  if (info.kind !== 'RoleBinding' && info.kind !== 'ClusterRoleBinding') return undefined;
  const { kind, name } = object['roleRef'] as RoleRef;
  // The rules of bindings refuse another kind.
  if (kind !== 'Role' && kind !== 'ClusterRole') return undefined;
  const rules = (): PolicyRule[] => {
    const role = getObject(cluster.kube, kind, kind === 'Role' ? object.metadata.namespace : undefined, name);
    if (!role) throw notFound(KINDS[kind], name);
    return role.rules ?? [];
  };
  return { verb: 'bind', role: { info: KINDS[kind], name }, rules };
};

/** Throws the 403 if `object`, about to be written, grants more than its writer holds. */
export const checkEscalation = (cluster: ClusterState, user: User, info: ResourceInfo, object: KubeObject): void => {
  const granted = grantedBy(cluster, info, object);
  if (!granted) return;
  const { namespace } = object.metadata;
  const where = namespace === undefined ? {} : { namespace };
  const { verb, role } = granted;
  if (
    decide(cluster, user, { verb, group: role.info.group, resource: role.info.plural, name: role.name, ...where })
      .allowed
  )
    return;
  const held = rbacRules(cluster, user, namespace);
  const missing = granted.rules().filter((rule) => !isCovered(rule, held));
  if (missing.length === 0) return;
  const groups = user.groups.map((group) => JSON.stringify(group)).join(' ');
  throw forbidden(
    { verb: '', group: info.group, resource: info.plural, name: object.metadata.name },
    `user "${user.username}" (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${missing.map(compact).join('\n')}`,
  );
};
