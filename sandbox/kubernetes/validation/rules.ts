/** Which rules the API server applies to new and changed objects of each kind. */
import type { ClusterState } from '../../world/world.ts';
import type { KubeObject } from '../../objects/objects.ts';
import { apiVersionOf, type ResourceInfo } from '../../objects/store.ts';
import { budgetErrors } from './budgets.ts';
import { configMapErrors, immutableDataErrors, nodeUpdateErrors, podUpdateErrors } from './core.ts';
import { invalidObject, type FieldError } from './field-errors.ts';
import { metadataErrors, metadataUpdateErrors, type Metadata, type NameRule } from './metadata.ts';
import { dnsLabelProblems, pathSegmentProblems, subdomainProblems } from './names.ts';
import { networkPolicyErrors } from './network-policies.ts';
import { podSpecErrors } from './pod-specs.ts';
import { bindingErrors, bindingUpdateErrors, roleErrors } from './rbac.ts';
import {
  daemonSetErrors,
  deploymentErrors,
  replicaSetErrors,
  selectorUpdateErrors,
  statefulSetErrors,
  statefulSetUpdateErrors,
} from './workloads.ts';

interface Rules {
  /** The rule of names; without one, a kind has only the rule that all kinds have. */
  names?: NameRule;
  /** Rules of a new and a changed object. */
  object?: (object: KubeObject) => FieldError[];
  /** Rules of a change. */
  update?: (object: KubeObject, before: KubeObject) => FieldError[];
  /**
   * In which order a change is checked: first the change, or first the object; or only the change. The order is that
   * of the causes in the answer.
   */
  order?: 'object first' | 'update only';
}

const binding: Rules = {
  names: pathSegmentProblems,
  object: bindingErrors,
  update: bindingUpdateErrors,
  order: 'object first',
};
const role: Rules = { names: pathSegmentProblems, object: roleErrors, order: 'object first' };

const RULES: Record<string, Rules> = {
  'v1 ServiceAccount': { names: subdomainProblems },
  'v1 ConfigMap': { names: subdomainProblems, object: configMapErrors, update: immutableDataErrors },
  'v1 Secret': { names: subdomainProblems },
  'v1 Namespace': { names: dnsLabelProblems, order: 'update only' },
  'v1 Node': { names: subdomainProblems, update: nodeUpdateErrors, order: 'update only' },
  'v1 Pod': {
    names: subdomainProblems,
    object: ({ spec }) => podSpecErrors((spec ?? {}) as Parameters<typeof podSpecErrors>[0], 'spec'),
    update: podUpdateErrors,
  },
  'apps/v1 Deployment': { names: subdomainProblems, object: deploymentErrors, update: selectorUpdateErrors },
  'apps/v1 ReplicaSet': { names: subdomainProblems, object: replicaSetErrors, update: selectorUpdateErrors },
  'apps/v1 DaemonSet': { names: subdomainProblems, object: daemonSetErrors, update: selectorUpdateErrors },
  'apps/v1 StatefulSet': { names: subdomainProblems, object: statefulSetErrors, update: statefulSetUpdateErrors },
  'policy/v1 PodDisruptionBudget': { object: budgetErrors },
  'networking.k8s.io/v1 NetworkPolicy': { names: subdomainProblems, object: networkPolicyErrors },
  'rbac.authorization.k8s.io/v1 Role': role,
  'rbac.authorization.k8s.io/v1 ClusterRole': role,
  'rbac.authorization.k8s.io/v1 RoleBinding': binding,
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding': binding,
};

const rulesOf = (info: ResourceInfo): Rules => RULES[`${apiVersionOf(info)} ${info.kind}`] ?? {};
const metadataOf = (object: KubeObject): Metadata => object.metadata;

/** Throws the 422 if a new object breaks a rule of its kind. */
export const checkNew = ({ version }: ClusterState, info: ResourceInfo, object: KubeObject): void => {
  const { names, object: rule } = rulesOf(info);
  const own = [...(names ? metadataErrors(metadataOf(object), info.namespaced, names) : []), ...(rule?.(object) ?? [])];
  const errors = own.length > 0 ? own : metadataErrors(metadataOf(object), info.namespaced, pathSegmentProblems);
  if (errors.length > 0) throw invalidObject(info, object.metadata.name ?? '', errors, version);
};

/** Returns the errors of a change by the rules of the kind, as the API server checks them after those of all kinds. */
const kindUpdateErrors = (info: ResourceInfo, object: KubeObject, before: KubeObject): FieldError[] => {
  const { names, object: rule, update, order } = rulesOf(info);
  const changes = update?.(object, before) ?? [];
  if (order === 'update only') return [...metadataUpdateErrors(metadataOf(object), metadataOf(before)), ...changes];
  const rules = rule?.(object) ?? [];
  const metadataChanges = names ? metadataUpdateErrors(metadataOf(object), metadataOf(before)) : [];
  if (order === 'object first') return [...rules, ...metadataChanges, ...changes];
  return [...metadataChanges, ...rules, ...changes];
};

/** Throws the 422 if a changed object breaks a rule of its kind. */
export const checkChanged = (
  { version }: ClusterState,
  info: ResourceInfo,
  object: KubeObject,
  before: KubeObject,
): void => {
  const errors = [
    ...metadataErrors(metadataOf(object), info.namespaced, pathSegmentProblems),
    ...metadataUpdateErrors(metadataOf(object), metadataOf(before)),
    ...kindUpdateErrors(info, object, before),
  ];
  if (errors.length > 0) throw invalidObject(info, object.metadata.name, errors, version);
};
