/** Rules of roles and bindings (k8s.io/kubernetes, apis/rbac/validation). */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, PolicyRule, RoleRef, Subject } from '../../objects/objects.ts';
import { RBAC_GROUP } from '../../objects/store.ts';
import { forbidden, invalid, notSupported, required, type FieldError } from './field-errors.ts';
import { pathSegmentProblems, subdomainProblems } from './names.ts';

const ruleErrors = (rule: Partial<PolicyRule>, field: string, namespaced: boolean): FieldError[] => {
  const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule;
  const errors = verbs?.length ? [] : [required(`${field}.verbs`, 'verbs must contain at least one value')];
  if (nonResourceURLs?.length) {
    const value = { value: nonResourceURLs, type: '[]string' };
    const at = `${field}.nonResourceURLs`;
    return [
      ...errors,
      ...(namespaced ? [invalid(at, value, 'namespaced rules cannot apply to non-resource URLs')] : []),
      ...([apiGroups, resources, resourceNames].some((list) => list?.length)
        ? [invalid(at, value, 'rules cannot apply to both regular resources and non-resource URLs')]
        : []),
    ];
  }
  return [
    ...errors,
    ...(apiGroups?.length ? [] : [required(`${field}.apiGroups`, 'resource rules must supply at least one api group')]),
    ...(resources?.length ? [] : [required(`${field}.resources`, 'resource rules must supply at least one resource')]),
  ];
};

export const roleErrors = (role: KubeObject): FieldError[] => [
  ...((role['rules'] as Partial<PolicyRule>[] | null | undefined) ?? []).flatMap((rule, index) =>
    ruleErrors(rule, `rules[${index}]`, role.kind === 'Role'),
  ),
  // Aggregated roles would need a controller that the sandbox does not have.
  ...(role['aggregationRule'] === undefined
    ? []
    : [forbidden('aggregationRule', 'the sandbox does not aggregate ClusterRoles; list the rules instead')]),
];

const subjectErrors = (subject: Partial<Subject>, field: string, namespaced: boolean): FieldError[] => {
  const { kind = '', name = '', apiGroup = '', namespace } = subject as Partial<Subject> & { kind?: string };
  const group = `${field}.apiGroup`;
  const nameErrors = name === '' ? [required(`${field}.name`)] : [];
  if (kind === 'ServiceAccount')
    return [
      ...nameErrors,
      ...(name === '' ? [] : subdomainProblems(name).map((problem) => invalid(`${field}.name`, name, problem))),
      ...(apiGroup === '' ? [] : [notSupported(group, apiGroup, [''])]),
      ...(namespaced || namespace ? [] : [required(`${field}.namespace`)]),
    ];
  if (kind === 'User' || kind === 'Group')
    return [...nameErrors, ...(apiGroup === RBAC_GROUP ? [] : [notSupported(group, apiGroup, [RBAC_GROUP])])];
  return [...nameErrors, notSupported(`${field}.kind`, kind, ['ServiceAccount', 'User', 'Group'])];
};

export const bindingErrors = (binding: KubeObject): FieldError[] => {
  const namespaced = binding.kind === 'RoleBinding';
  const { apiGroup = '', kind = '', name = '' } = (binding['roleRef'] ?? {}) as Partial<Record<keyof RoleRef, string>>;
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  return [
    ...(apiGroup === RBAC_GROUP ? [] : [notSupported('roleRef.apiGroup', apiGroup, [RBAC_GROUP])]),
    ...(kinds.includes(kind) ? [] : [notSupported('roleRef.kind', kind, kinds)]),
    ...(name === ''
      ? [required('roleRef.name')]
      : pathSegmentProblems(name).map((problem) => invalid('roleRef.name', name, problem))),
    ...((binding['subjects'] as Partial<Subject>[] | undefined) ?? []).flatMap((subject, index) =>
      subjectErrors(subject, `subjects[${index}]`, namespaced),
    ),
  ];
};

export const bindingUpdateErrors = (binding: KubeObject, before: KubeObject): FieldError[] =>
  isDeepStrictEqual(binding['roleRef'], before['roleRef'])
    ? []
    : [invalid('roleRef', { value: binding['roleRef'], type: 'RoleRef' }, 'cannot change roleRef')];

/** Sets the API group of subjects and roles that the client left out. */
export const withBindingDefaults = (binding: KubeObject): KubeObject => {
  const subjects = (binding['subjects'] as Subject[] | undefined)?.map((subject) =>
    subject.apiGroup === undefined && (subject.kind === 'User' || subject.kind === 'Group')
      ? { ...subject, apiGroup: RBAC_GROUP }
      : subject,
  );
  const roleRef = (binding['roleRef'] ?? {}) as Partial<RoleRef>;
  return {
    ...binding,
    ...(subjects ? { subjects } : {}),
    roleRef: {
      ...roleRef,
      apiGroup: roleRef.apiGroup || RBAC_GROUP,
      kind: roleRef.kind ?? '',
      name: roleRef.name ?? '',
    },
  };
};
