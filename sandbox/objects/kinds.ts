/** The built-in kinds whose objects the sandbox's controllers and EKS write. */
import { WORKLOAD_KINDS } from '../../lambdas/domain/kubernetes/objects.ts';
import type { Kind, Workload } from './objects.ts';
import type { ResourceInfo } from './resource-info.ts';

/** A built-in kind. */
export interface KindInfo extends ResourceInfo {
  kind: Kind;
}

export const RBAC_GROUP = 'rbac.authorization.k8s.io';
const READ: KindInfo['verbs'] = ['get', 'list', 'watch'];
const ALL: KindInfo['verbs'] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** Returns a kind of storage, whose objects the sandbox's clients only read. */
const storage = (
  kind: 'PersistentVolume' | 'PersistentVolumeClaim',
  shortName: string,
  namespaced: boolean,
): KindInfo => ({
  kind,
  plural: `${kind.toLowerCase()}s`,
  shortNames: [shortName],
  group: '',
  namespaced,
  verbs: READ,
});

export const KINDS: Record<Kind, KindInfo> = {
  Pod: {
    kind: 'Pod',
    plural: 'pods',
    shortNames: ['po'],
    group: '',
    namespaced: true,
    verbs: ['delete', 'deletecollection', 'patch', 'update', ...READ],
  },
  ServiceAccount: {
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    shortNames: ['sa'],
    group: '',
    namespaced: true,
    verbs: ALL,
  },
  Node: {
    kind: 'Node',
    plural: 'nodes',
    shortNames: ['no'],
    group: '',
    namespaced: false,
    verbs: ['patch', 'update', ...READ],
  },
  Namespace: {
    kind: 'Namespace',
    plural: 'namespaces',
    shortNames: ['ns'],
    group: '',
    namespaced: false,
    verbs: ['patch', 'update', ...READ],
  },
  Deployment: {
    kind: 'Deployment',
    plural: 'deployments',
    shortNames: ['deploy'],
    group: 'apps',
    namespaced: true,
    verbs: ['delete', 'patch', 'update', ...READ],
  },
  DaemonSet: {
    kind: 'DaemonSet',
    plural: 'daemonsets',
    shortNames: ['ds'],
    group: 'apps',
    namespaced: true,
    verbs: ['delete', 'patch', 'update', ...READ],
  },
  StatefulSet: {
    kind: 'StatefulSet',
    plural: 'statefulsets',
    shortNames: ['sts'],
    group: 'apps',
    namespaced: true,
    verbs: ['delete', 'patch', 'update', ...READ],
  },
  ReplicaSet: {
    kind: 'ReplicaSet',
    plural: 'replicasets',
    shortNames: ['rs'],
    group: 'apps',
    namespaced: true,
    verbs: READ,
  },
  PodDisruptionBudget: {
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
    shortNames: ['pdb'],
    group: 'policy',
    namespaced: true,
    verbs: ALL,
  },
  NetworkPolicy: {
    kind: 'NetworkPolicy',
    plural: 'networkpolicies',
    shortNames: ['netpol'],
    group: 'networking.k8s.io',
    namespaced: true,
    verbs: ALL,
  },
  Role: { kind: 'Role', plural: 'roles', shortNames: [], group: RBAC_GROUP, namespaced: true, verbs: ALL },
  ClusterRole: {
    kind: 'ClusterRole',
    plural: 'clusterroles',
    shortNames: [],
    group: RBAC_GROUP,
    namespaced: false,
    verbs: ALL,
  },
  RoleBinding: {
    kind: 'RoleBinding',
    plural: 'rolebindings',
    shortNames: [],
    group: RBAC_GROUP,
    namespaced: true,
    verbs: ALL,
  },
  ClusterRoleBinding: {
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    shortNames: [],
    group: RBAC_GROUP,
    namespaced: false,
    verbs: ALL,
  },
  MutatingWebhookConfiguration: {
    kind: 'MutatingWebhookConfiguration',
    plural: 'mutatingwebhookconfigurations',
    shortNames: [],
    group: 'admissionregistration.k8s.io',
    namespaced: false,
    verbs: READ,
  },
  PersistentVolume: storage('PersistentVolume', 'pv', false),
  PersistentVolumeClaim: storage('PersistentVolumeClaim', 'pvc', true),
};

/** Returns whether a kind is a workload, whose controller rolls out pods. */
export const isWorkloadKind = (kind: string): kind is Workload['kind'] =>
  (WORKLOAD_KINDS as readonly string[]).includes(kind);

/** Returns whether a resource is a built-in kind. */
export const isBuiltIn = (info: ResourceInfo): info is KindInfo =>
  (KINDS as Record<string, KindInfo>)[info.kind] === info;

export const apiVersionOf = ({ group, version = 'v1' }: ResourceInfo): string =>
  group === '' ? version : `${group}/${version}`;
