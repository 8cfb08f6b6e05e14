/** The built-in resources of the core group. */
import { type GroupRow, SCALE, STATUS } from './rows.ts';

export const CORE: GroupRow = {
  group: '',
  versions: ['v1'],
  resources: [
    { plural: 'bindings', kind: 'Binding', verbs: ['create'], stored: false },
    {
      plural: 'componentstatuses',
      kind: 'ComponentStatus',
      namespaced: false,
      shortNames: ['cs'],
      verbs: ['get', 'list'],
      stored: false,
    },
    { plural: 'configmaps', kind: 'ConfigMap', shortNames: ['cm'] },
    { plural: 'endpoints', kind: 'Endpoints', shortNames: ['ep'] },
    { plural: 'events', kind: 'Event', shortNames: ['ev'] },
    { plural: 'limitranges', kind: 'LimitRange', shortNames: ['limits'] },
    {
      plural: 'namespaces',
      kind: 'Namespace',
      namespaced: false,
      shortNames: ['ns'],
      verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
      subresources: { finalize: { verbs: ['update'] }, status: STATUS },
    },
    {
      plural: 'nodes',
      kind: 'Node',
      namespaced: false,
      shortNames: ['no'],
      subresources: {
        proxy: { kind: 'NodeProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
        status: STATUS,
      },
    },
    {
      plural: 'persistentvolumeclaims',
      kind: 'PersistentVolumeClaim',
      shortNames: ['pvc'],
      subresources: { status: STATUS },
    },
    {
      plural: 'persistentvolumes',
      kind: 'PersistentVolume',
      namespaced: false,
      shortNames: ['pv'],
      subresources: { status: STATUS },
    },
    {
      plural: 'pods',
      kind: 'Pod',
      shortNames: ['po'],
      categories: ['all'],
      subresources: {
        attach: { kind: 'PodAttachOptions', verbs: ['create', 'get'] },
        binding: { kind: 'Binding', verbs: ['create'] },
        ephemeralcontainers: { verbs: ['get', 'patch', 'update'] },
        eviction: { group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] },
        exec: { kind: 'PodExecOptions', verbs: ['create', 'get'] },
        log: { verbs: ['get'] },
        portforward: { kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
        proxy: { kind: 'PodProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
        resize: { verbs: ['get', 'patch', 'update'], since: '1.33' },
        status: STATUS,
      },
    },
    { plural: 'podtemplates', kind: 'PodTemplate' },
    {
      plural: 'replicationcontrollers',
      kind: 'ReplicationController',
      shortNames: ['rc'],
      categories: ['all'],
      subresources: { scale: SCALE, status: STATUS },
    },
    { plural: 'resourcequotas', kind: 'ResourceQuota', shortNames: ['quota'], subresources: { status: STATUS } },
    { plural: 'secrets', kind: 'Secret' },
    {
      plural: 'serviceaccounts',
      kind: 'ServiceAccount',
      shortNames: ['sa'],
      subresources: {
        token: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', verbs: ['create'] },
      },
    },
    {
      plural: 'services',
      kind: 'Service',
      shortNames: ['svc'],
      categories: ['all'],
      subresources: {
        proxy: { kind: 'ServiceProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
        status: STATUS,
      },
    },
  ],
};
