/** Lists as tables, which kubectl prints (k8s.io/kubernetes, printers/internalversion). */
import type { ClusterState } from '../world/world.ts';
import { isNodeReady } from '../world/nodes.ts';
import type {
  Binding,
  Budget,
  KubeObject,
  Kinds,
  Kind,
  NetworkPolicy,
  PodTemplate,
  Workload,
} from '../objects/objects.ts';
import { asServed } from './served.ts';
import { isBuiltIn, type ResourceInfo } from '../objects/store.ts';
import { COMMON, OF_KIND } from './tables/descriptions.ts';
import { since } from './tables/durations.ts';
import { podReady, podRestarts, podStatus, readinessGates } from './tables/pod-cells.ts';

type Cell = (object: KubeObject, now: number) => string | number;
/** `wide`: kubectl prints the column only with `-o wide`. */
type Column = [name: string, type: 'string' | 'integer' | 'date', cell: Cell, wide?: 'wide'];

const NAME: Column = ['Name', 'string', ({ metadata }) => metadata.name];
const AGE: Column = ['Age', 'string', ({ metadata }, now) => since(metadata.creationTimestamp, now)];
const text = (value: unknown, otherwise = '<none>'): string =>
  typeof value === 'string' && value !== '' ? value : otherwise;
const count =
  (path: string): Cell =>
  (object) =>
    Number(object.status?.[path] ?? 0);

const readyOf: Cell = (object) =>
  `${Number(object.status?.['readyReplicas'] ?? 0)}/${(object as Kinds['Deployment' | 'StatefulSet']).spec.replicas}`;
const templateOf = (object: KubeObject): PodTemplate => (object as Workload).spec.template;
const containersOf =
  (field: 'name' | 'image'): Cell =>
  (object) =>
    templateOf(object)
      .spec.containers.map((container) => container[field])
      .join(',');

const labelsText = (labels: Record<string, string> = {}): string =>
  Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .sort()
    .join(',') || '<none>';

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

const selectorOf: Cell = ({ spec }) => selectorText(spec?.['selector'] ?? {});

const CONTAINERS: Column[] = [
  ['Containers', 'string', containersOf('name'), 'wide'],
  ['Images', 'string', containersOf('image'), 'wide'],
];
const SELECTOR: Column = ['Selector', 'string', selectorOf, 'wide'];

const CREATED: Column = ['Created At', 'date', ({ metadata }) => metadata.creationTimestamp];
const roleOf = (object: KubeObject): string =>
  `${(object as Binding).roleRef.kind}/${(object as Binding).roleRef.name}`;
const subjectsOf =
  (kind: string): Cell =>
  (object) =>
    ((object as Binding).subjects ?? [])
      .filter((subject) => subject.kind === kind)
      .map(({ namespace, name }) => (namespace === undefined ? name : `${namespace}/${name}`))
      .join(', ');
const BINDING: Column[] = [
  NAME,
  ['Role', 'string', roleOf],
  AGE,
  ['Users', 'string', subjectsOf('User'), 'wide'],
  ['Groups', 'string', subjectsOf('Group'), 'wide'],
  ['ServiceAccounts', 'string', subjectsOf('ServiceAccount'), 'wide'],
];

const rolesOf: Cell = ({ metadata: { labels = {} } }) =>
  Object.entries(labels)
    .flatMap(([label, value]) => {
      if (label.startsWith('node-role.kubernetes.io/')) return label.slice(24) || [];
      return label === 'kubernetes.io/role' && value !== '' ? value : [];
    })
    .sort()
    .join(',') || '<none>';
const addressOf =
  (type: string): Cell =>
  ({ status }) =>
    text(
      ((status?.['addresses'] ?? []) as { type: string; address: string }[]).find((each) => each.type === type)
        ?.address,
    );
const nodeInfo =
  (field: string): Cell =>
  ({ status }) =>
    text((status?.['nodeInfo'] as Record<string, unknown> | undefined)?.[field], '<unknown>');

const PHASE: Column = ['Status', 'string', ({ status }) => text(status?.['phase'])];
/** Abbreviates access modes: ReadWriteMany is RWX, the others have their first letters. */
const accessModes =
  (part: 'spec' | 'status'): Cell =>
  (object) =>
    ((object[part]?.['accessModes'] ?? []) as string[])
      .map((mode) => (mode === 'ReadWriteMany' ? 'RWX' : mode === 'ReadOnlyMany' ? 'ROX' : 'RWO'))
      .join(',');
const capacity =
  (part: 'spec' | 'status'): Cell =>
  (object) =>
    text((object[part]?.['capacity'] as { storage?: unknown } | undefined)?.storage, '');
const claimOf: Cell = (object) => {
  const { claimRef } = (object as Kinds['PersistentVolume']).spec;
  return claimRef ? `${claimRef.namespace}/${claimRef.name}` : '';
};
const STORAGE: Column[] = [
  ['StorageClass', 'string', ({ spec }) => text(spec?.['storageClassName'], '')],
  ['VolumeAttributesClass', 'string', ({ spec }) => text(spec?.['volumeAttributesClassName'], '<unset>')],
];
const MODE: Column = ['VolumeMode', 'string', ({ spec }) => text(spec?.['volumeMode'], '<unset>'), 'wide'];

// The casts hold because the columns of a kind are used only for objects of that kind.
const COLUMNS: Record<Kind, Column[]> = {
  Pod: [
    NAME,
    ['Ready', 'string', (pod) => podReady(pod as Kinds['Pod'])],
    ['Status', 'string', (pod) => podStatus(pod as Kinds['Pod'])],
    ['Restarts', 'string', (pod, now) => podRestarts(pod as Kinds['Pod'], now)],
    AGE,
    ['IP', 'string', (pod) => text(pod.status?.['podIP']), 'wide'],
    ['Node', 'string', (pod) => text(pod.spec?.['nodeName']), 'wide'],
    ['Nominated Node', 'string', (pod) => text(pod.status?.['nominatedNodeName']), 'wide'],
    ['Readiness Gates', 'string', (pod) => readinessGates(pod as Kinds['Pod']), 'wide'],
  ],
  ServiceAccount: [NAME, ['Secrets', 'string', ({ secrets }) => (Array.isArray(secrets) ? secrets.length : 0)], AGE],
  Node: [
    NAME,
    [
      'Status',
      'string',
      (node) =>
        `${isNodeReady(node) ? 'Ready' : 'NotReady'}${node.spec?.['unschedulable'] === true ? ',SchedulingDisabled' : ''}`,
    ],
    ['Roles', 'string', rolesOf],
    AGE,
    ['Version', 'string', nodeInfo('kubeletVersion')],
    ['Internal-IP', 'string', addressOf('InternalIP'), 'wide'],
    ['External-IP', 'string', addressOf('ExternalIP'), 'wide'],
    ['OS-Image', 'string', nodeInfo('osImage'), 'wide'],
    ['Kernel-Version', 'string', nodeInfo('kernelVersion'), 'wide'],
    ['Container-Runtime', 'string', nodeInfo('containerRuntimeVersion'), 'wide'],
  ],
  Namespace: [NAME, PHASE, AGE],
  Deployment: [
    NAME,
    ['Ready', 'string', readyOf],
    ['Up-to-date', 'string', count('updatedReplicas')],
    ['Available', 'string', count('availableReplicas')],
    AGE,
    ...CONTAINERS,
    SELECTOR,
  ],
  DaemonSet: [
    NAME,
    ['Desired', 'integer', count('desiredNumberScheduled')],
    ['Current', 'integer', count('currentNumberScheduled')],
    ['Ready', 'integer', count('numberReady')],
    ['Up-to-date', 'integer', count('updatedNumberScheduled')],
    ['Available', 'integer', count('numberAvailable')],
    ['Node Selector', 'string', (daemonSet) => labelsText(templateOf(daemonSet).spec.nodeSelector)],
    AGE,
    ...CONTAINERS,
    SELECTOR,
  ],
  StatefulSet: [NAME, ['Ready', 'string', readyOf], AGE, ...CONTAINERS],
  ReplicaSet: [
    NAME,
    ['Desired', 'integer', (object) => (object as Kinds['ReplicaSet']).spec.replicas],
    ['Current', 'integer', count('replicas')],
    ['Ready', 'integer', count('readyReplicas')],
    AGE,
    ...CONTAINERS,
    SELECTOR,
  ],
  PodDisruptionBudget: [
    NAME,
    ['Min Available', 'string', (object) => String((object as Budget).spec.minAvailable ?? 'N/A')],
    ['Max Unavailable', 'string', (object) => String((object as Budget).spec.maxUnavailable ?? 'N/A')],
    ['Allowed Disruptions', 'integer', count('disruptionsAllowed')],
    AGE,
  ],
  NetworkPolicy: [
    NAME,
    ['Pod-Selector', 'string', (object) => selectorText((object as NetworkPolicy).spec.podSelector)],
    AGE,
  ],
  Role: [NAME, CREATED],
  ClusterRole: [NAME, CREATED],
  RoleBinding: BINDING,
  ClusterRoleBinding: BINDING,
  MutatingWebhookConfiguration: [
    NAME,
    ['Webhooks', 'integer', ({ webhooks }) => (Array.isArray(webhooks) ? webhooks.length : 0)],
    AGE,
  ],
  PersistentVolume: [
    NAME,
    ['Capacity', 'string', capacity('spec')],
    ['Access Modes', 'string', accessModes('spec')],
    ['Reclaim Policy', 'string', ({ spec }) => text(spec?.['persistentVolumeReclaimPolicy'])],
    PHASE,
    ['Claim', 'string', claimOf],
    ...STORAGE,
    ['Reason', 'string', ({ status }) => text(status?.['reason'], '')],
    AGE,
    MODE,
  ],
  PersistentVolumeClaim: [
    NAME,
    PHASE,
    ['Volume', 'string', ({ spec }) => text(spec?.['volumeName'], '')],
    ['Capacity', 'string', capacity('status')],
    ['Access Modes', 'string', accessModes('status')],
    ...STORAGE,
    AGE,
    MODE,
  ],
};

/** Returns the columns of a resource's table. A custom resource whose definition names none has the first and the age. */
const columnsOf = ({ version }: Pick<ClusterState, 'version'>, info: ResourceInfo): Column[] => {
  if (!isBuiltIn(info)) return [NAME, AGE];
  const columns = COLUMNS[info.kind];
  // Version 1.35 no longer counts the secrets of service accounts (kubernetes/kubernetes#117160).
  const isOld = Number(version.split('.')[1]) < 35;
  return info.kind === 'ServiceAccount' && !isOld ? columns.filter(([name]) => name !== 'Secrets') : columns;
};

/** Returns a `meta.k8s.io/v1` Table of stored objects of one kind. `now`: milliseconds since 1970. */
export const tableOf = (
  cluster: ClusterState,
  info: ResourceInfo,
  objects: readonly KubeObject[],
  { now, metadata }: { now: number; metadata: Record<string, unknown> },
): unknown => {
  const columns = columnsOf(cluster, info);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: columns.map(([name, type, , wide]) => ({
      name,
      type,
      format: name === 'Name' ? 'name' : '',
      description: OF_KIND[info.kind]?.[name] ?? COMMON[name] ?? '',
      priority: wide ? 1 : 0,
    })),
    rows: objects.map((stored) => {
      const object = asServed(cluster, info, stored);
      return {
        cells: columns.map(([, , cell]) => cell(object, now)),
        object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
      };
    }),
  };
};
