/** Lists as tables, which kubectl prints (k8s.io/kubernetes, printers/internalversion). */
import { isNodeReady } from './nodes.ts';
import type { Binding, Budget, KubeObject, Kinds, Kind, NetworkPolicy, Pod, Workload } from './objects.ts';
import { containerStatusesOf } from './pod-status.ts';
import { isReady } from './pods.ts';
import { isBuiltIn } from './store.ts';
import type { ResourceInfo } from './store.ts';

type Column = [name: string, cell: (object: KubeObject, now: number) => string | number, priority?: number];

/** Formats a duration as Kubernetes does, with one or two units (k8s.io/apimachinery, util/duration). */
export const humanDuration = (seconds: number): string => {
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  return days < 730 ? `${days}d` : `${Math.floor(days / 365)}y${days % 365 === 0 ? '' : `${days % 365}d`}`;
};

const NAME: Column = ['Name', ({ metadata }) => metadata.name];
const AGE: Column = [
  'Age',
  ({ metadata }, now) => humanDuration(Math.max(0, Math.floor((now - Date.parse(metadata.creationTimestamp)) / 1000))),
];
const text = (value: unknown): string => (typeof value === 'string' ? value : '<none>');
const count =
  (path: string): Column[1] =>
  (object) =>
    Number(object.status?.[path] ?? 0);

const podStatus = (pod: Pod): string => {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const stopped = containerStatusesOf(pod)
    .map(({ state }) => (state.waiting ?? state.terminated)?.reason)
    .find((reason) => reason !== undefined && reason !== 'ContainerCreating');
  if (stopped !== undefined) return stopped;
  return pod.status.phase === 'Pending' && pod.spec.nodeName !== undefined ? 'ContainerCreating' : pod.status.phase;
};
/** Returns how many containers are ready; on a lost node none counts, because the pod does not. */
const podReady = (pod: Pod): string => {
  const isLost = !isReady(pod) && containerStatusesOf(pod).every(({ ready }) => ready);
  const ready = isLost ? 0 : containerStatusesOf(pod).filter((one) => one.ready).length;
  return `${ready}/${pod.spec.containers.length}`;
};
const podRestarts = (pod: Pod): number => containerStatusesOf(pod).reduce((sum, one) => sum + one.restartCount, 0);

const readyOf: Column[1] = (object) =>
  `${Number(object.status?.['readyReplicas'] ?? 0)}/${(object as Kinds['Deployment' | 'StatefulSet']).spec.replicas}`;
const containersOf =
  (field: 'name' | 'image'): Column[1] =>
  (object) =>
    (object as Workload).spec.template.spec.containers.map((container) => container[field]).join(',');

/** Formats a selector as Kubernetes does (k8s.io/apimachinery, FormatLabelSelector). */
const selectorText = ({ matchLabels = {}, matchExpressions = [] }: NetworkPolicy['spec']['podSelector']): string =>
  [
    ...Object.entries(matchLabels).map(([label, value]) => `${label}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key;
      return operator === 'DoesNotExist' ? `!${key}` : `${key} ${operator.toLowerCase()} (${values.join(',')})`;
    }),
  ]
    .sort()
    .join(',') || '<none>';

const CREATED: Column = ['Created At', ({ metadata }) => metadata.creationTimestamp];
const roleOf = (object: KubeObject): string =>
  `${(object as Binding).roleRef.kind}/${(object as Binding).roleRef.name}`;
const subjectsOf =
  (kind: string): Column[1] =>
  (object) =>
    ((object as Binding).subjects ?? [])
      .filter((subject) => subject.kind === kind)
      .map(({ namespace, name }) => (namespace === undefined ? name : `${namespace}/${name}`))
      .join(', ');
const BINDING: Column[] = [
  NAME,
  ['Role', roleOf],
  AGE,
  ['Users', subjectsOf('User'), 1],
  ['Groups', subjectsOf('Group'), 1],
  ['ServiceAccounts', subjectsOf('ServiceAccount'), 1],
];

const PHASE: Column = ['Status', ({ status }) => text(status?.['phase'])];
const storageOf = ({ storage }: { storage: string }): string => storage;
/** Abbreviates access modes: ReadWriteMany is RWX, the others have their first letters. */
const accessModes: Column[1] = ({ spec }) =>
  ((spec?.['accessModes'] ?? []) as string[])
    .map((mode) => (mode === 'ReadWriteMany' ? 'RWX' : mode === 'ReadOnlyMany' ? 'ROX' : 'RWO'))
    .join(',');
const claimOf = ({ spec: { claimRef } }: Kinds['PersistentVolume']): string =>
  claimRef ? `${claimRef.namespace}/${claimRef.name}` : '';

// The casts hold because the columns of a kind are used only for objects of that kind.
const COLUMNS: Record<Kind, Column[]> = {
  Pod: [
    NAME,
    ['Ready', (pod) => podReady(pod as Kinds['Pod'])],
    ['Status', (pod) => podStatus(pod as Kinds['Pod'])],
    ['Restarts', (pod) => podRestarts(pod as Kinds['Pod'])],
    AGE,
    ['IP', (pod) => text(pod.status?.['podIP']), 1],
    ['Node', (pod) => text(pod.spec?.['nodeName']), 1],
  ],
  ServiceAccount: [NAME, ['Secrets', () => 0], AGE],
  Node: [
    NAME,
    [
      'Status',
      (node) =>
        `${isNodeReady(node) ? 'Ready' : 'NotReady'}${node.spec?.['unschedulable'] === true ? ',SchedulingDisabled' : ''}`,
    ],
    ['Roles', () => '<none>'],
    AGE,
    [
      'Version',
      ({ status }) => text((status?.['nodeInfo'] as { kubeletVersion?: unknown } | undefined)?.kubeletVersion),
    ],
  ],
  Namespace: [NAME, ['Status', () => 'Active'], AGE],
  Deployment: [
    NAME,
    ['Ready', readyOf],
    ['Up-to-date', count('updatedReplicas')],
    ['Available', count('availableReplicas')],
    AGE,
  ],
  DaemonSet: [
    NAME,
    ['Desired', count('desiredNumberScheduled')],
    ['Current', count('currentNumberScheduled')],
    ['Ready', count('numberReady')],
    ['Up-to-date', count('updatedNumberScheduled')],
    ['Available', count('numberAvailable')],
    AGE,
  ],
  StatefulSet: [
    NAME,
    ['Ready', readyOf],
    AGE,
    ['Containers', containersOf('name'), 1],
    ['Images', containersOf('image'), 1],
  ],
  ReplicaSet: [
    NAME,
    ['Desired', (object) => (object as Kinds['ReplicaSet']).spec.replicas],
    ['Current', count('replicas')],
    ['Ready', count('readyReplicas')],
    AGE,
  ],
  PodDisruptionBudget: [
    NAME,
    ['Min Available', (object) => (object as Budget).spec.minAvailable ?? 'N/A'],
    ['Max Unavailable', (object) => (object as Budget).spec.maxUnavailable ?? 'N/A'],
    ['Allowed Disruptions', count('disruptionsAllowed')],
    AGE,
  ],
  NetworkPolicy: [NAME, ['Pod-Selector', (object) => selectorText((object as NetworkPolicy).spec.podSelector)], AGE],
  Role: [NAME, CREATED],
  ClusterRole: [NAME, CREATED],
  RoleBinding: BINDING,
  ClusterRoleBinding: BINDING,
  MutatingWebhookConfiguration: [
    NAME,
    ['Webhooks', ({ webhooks }) => (Array.isArray(webhooks) ? webhooks.length : 0)],
    AGE,
  ],
  PersistentVolume: [
    NAME,
    ['Capacity', (volume) => storageOf((volume as Kinds['PersistentVolume']).spec.capacity)],
    ['Access Modes', accessModes],
    ['Reclaim Policy', ({ spec }) => text(spec?.['persistentVolumeReclaimPolicy'])],
    PHASE,
    ['Claim', (volume) => claimOf(volume as Kinds['PersistentVolume'])],
    ['StorageClass', () => ''],
    AGE,
  ],
  PersistentVolumeClaim: [
    NAME,
    PHASE,
    ['Volume', ({ spec }) => text(spec?.['volumeName'])],
    ['Capacity', (claim) => storageOf((claim as Kinds['PersistentVolumeClaim']).spec.resources.requests)],
    ['Access Modes', accessModes],
    ['StorageClass', () => ''],
    AGE,
  ],
};

/** Returns a `meta.k8s.io/v1` Table of objects of one kind. `now`: milliseconds since 1970. */
export const tableOf = (
  info: ResourceInfo,
  objects: KubeObject[],
  now: number,
  metadata: Record<string, unknown>,
): unknown => {
  // Default columns of a custom resource whose definition has no additional printer columns.
  const columns = isBuiltIn(info) ? COLUMNS[info.kind] : [NAME, AGE];
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: columns.map(([name, , priority = 0]) => ({
      name,
      type: 'string',
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority,
    })),
    rows: objects.map((object) => ({
      cells: columns.map(([, cell]) => cell(object, now)),
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    })),
  };
};
