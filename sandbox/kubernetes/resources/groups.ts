/** The groups of an API server's built-in resources, in the order of the aggregator's priorities. */
import { CORE } from './core.ts';
import { type GroupRow, SCALE, STATUS } from './rows.ts';

export const GROUPS: readonly GroupRow[] = [
  CORE,
  {
    group: 'apiregistration.k8s.io',
    versions: ['v1'],
    resources: [
      {
        plural: 'apiservices',
        kind: 'APIService',
        namespaced: false,
        categories: ['api-extensions'],
        subresources: { status: STATUS },
      },
    ],
  },
  {
    group: 'apps',
    versions: ['v1'],
    resources: [
      { plural: 'controllerrevisions', kind: 'ControllerRevision' },
      {
        plural: 'daemonsets',
        kind: 'DaemonSet',
        shortNames: ['ds'],
        categories: ['all'],
        subresources: { status: STATUS },
      },
      {
        plural: 'deployments',
        kind: 'Deployment',
        shortNames: ['deploy'],
        categories: ['all'],
        subresources: { scale: SCALE, status: STATUS },
      },
      {
        plural: 'replicasets',
        kind: 'ReplicaSet',
        shortNames: ['rs'],
        categories: ['all'],
        subresources: { scale: SCALE, status: STATUS },
      },
      {
        plural: 'statefulsets',
        kind: 'StatefulSet',
        shortNames: ['sts'],
        categories: ['all'],
        subresources: { scale: SCALE, status: STATUS },
      },
    ],
  },
  {
    group: 'events.k8s.io',
    versions: ['v1'],
    resources: [{ plural: 'events', kind: 'Event', shortNames: ['ev'], stored: '/v1/Event' }],
  },
  {
    group: 'authentication.k8s.io',
    versions: ['v1'],
    resources: [
      { plural: 'selfsubjectreviews', kind: 'SelfSubjectReview', namespaced: false, verbs: ['create'], stored: false },
      { plural: 'tokenreviews', kind: 'TokenReview', namespaced: false, verbs: ['create'], stored: false },
    ],
  },
  {
    group: 'authorization.k8s.io',
    versions: ['v1'],
    resources: [
      { plural: 'localsubjectaccessreviews', kind: 'LocalSubjectAccessReview', verbs: ['create'], stored: false },
      {
        plural: 'selfsubjectaccessreviews',
        kind: 'SelfSubjectAccessReview',
        namespaced: false,
        verbs: ['create'],
        stored: false,
      },
      {
        plural: 'selfsubjectrulesreviews',
        kind: 'SelfSubjectRulesReview',
        namespaced: false,
        verbs: ['create'],
        stored: false,
      },
      {
        plural: 'subjectaccessreviews',
        kind: 'SubjectAccessReview',
        namespaced: false,
        verbs: ['create'],
        stored: false,
      },
    ],
  },
  {
    group: 'autoscaling',
    versions: ['v2', 'v1'],
    resources: [
      {
        plural: 'horizontalpodautoscalers',
        kind: 'HorizontalPodAutoscaler',
        shortNames: ['hpa'],
        categories: ['all'],
        stored: 'autoscaling/v2/HorizontalPodAutoscaler',
        subresources: { status: STATUS },
      },
    ],
  },
  {
    group: 'batch',
    versions: ['v1'],
    resources: [
      {
        plural: 'cronjobs',
        kind: 'CronJob',
        shortNames: ['cj'],
        categories: ['all'],
        subresources: { status: STATUS },
      },
      { plural: 'jobs', kind: 'Job', categories: ['all'], subresources: { status: STATUS } },
    ],
  },
  {
    group: 'certificates.k8s.io',
    versions: ['v1'],
    resources: [
      {
        plural: 'certificatesigningrequests',
        kind: 'CertificateSigningRequest',
        namespaced: false,
        shortNames: ['csr'],
        subresources: { approval: { verbs: ['get', 'patch', 'update'] }, status: STATUS },
      },
    ],
  },
  {
    group: 'networking.k8s.io',
    versions: ['v1'],
    resources: [
      { plural: 'ingressclasses', kind: 'IngressClass', namespaced: false },
      { plural: 'ingresses', kind: 'Ingress', shortNames: ['ing'], subresources: { status: STATUS } },
      { plural: 'ipaddresses', kind: 'IPAddress', namespaced: false, shortNames: ['ip'], since: '1.33' },
      { plural: 'networkpolicies', kind: 'NetworkPolicy', shortNames: ['netpol'] },
      {
        plural: 'servicecidrs',
        kind: 'ServiceCIDR',
        namespaced: false,
        since: '1.33',
        subresources: { status: STATUS },
      },
    ],
  },
  {
    group: 'policy',
    versions: ['v1'],
    resources: [
      {
        plural: 'poddisruptionbudgets',
        kind: 'PodDisruptionBudget',
        shortNames: ['pdb'],
        subresources: { status: STATUS },
      },
    ],
  },
  {
    group: 'rbac.authorization.k8s.io',
    versions: ['v1'],
    resources: [
      { plural: 'clusterrolebindings', kind: 'ClusterRoleBinding', namespaced: false },
      { plural: 'clusterroles', kind: 'ClusterRole', namespaced: false },
      { plural: 'rolebindings', kind: 'RoleBinding' },
      { plural: 'roles', kind: 'Role' },
    ],
  },
  {
    group: 'storage.k8s.io',
    versions: ['v1'],
    resources: [
      { plural: 'csidrivers', kind: 'CSIDriver', namespaced: false },
      { plural: 'csinodes', kind: 'CSINode', namespaced: false },
      { plural: 'csistoragecapacities', kind: 'CSIStorageCapacity' },
      { plural: 'storageclasses', kind: 'StorageClass', namespaced: false, shortNames: ['sc'] },
      { plural: 'volumeattachments', kind: 'VolumeAttachment', namespaced: false, subresources: { status: STATUS } },
      {
        plural: 'volumeattributesclasses',
        kind: 'VolumeAttributesClass',
        namespaced: false,
        shortNames: ['vac'],
        since: '1.34',
        stored: 'storage.k8s.io/v1beta1/VolumeAttributesClass',
      },
    ],
  },
  {
    group: 'admissionregistration.k8s.io',
    versions: ['v1'],
    resources: [
      {
        plural: 'mutatingwebhookconfigurations',
        kind: 'MutatingWebhookConfiguration',
        namespaced: false,
        categories: ['api-extensions'],
      },
      {
        plural: 'validatingadmissionpolicies',
        kind: 'ValidatingAdmissionPolicy',
        namespaced: false,
        categories: ['api-extensions'],
        subresources: { status: STATUS },
      },
      {
        plural: 'validatingadmissionpolicybindings',
        kind: 'ValidatingAdmissionPolicyBinding',
        namespaced: false,
        categories: ['api-extensions'],
      },
      {
        plural: 'validatingwebhookconfigurations',
        kind: 'ValidatingWebhookConfiguration',
        namespaced: false,
        categories: ['api-extensions'],
      },
    ],
  },
  {
    group: 'apiextensions.k8s.io',
    versions: ['v1'],
    resources: [
      {
        plural: 'customresourcedefinitions',
        kind: 'CustomResourceDefinition',
        namespaced: false,
        shortNames: ['crd', 'crds'],
        categories: ['api-extensions'],
        stored: 'apiextensions.k8s.io/v1beta1/CustomResourceDefinition',
        subresources: { status: STATUS },
      },
    ],
  },
  {
    group: 'scheduling.k8s.io',
    versions: ['v1'],
    resources: [{ plural: 'priorityclasses', kind: 'PriorityClass', namespaced: false, shortNames: ['pc'] }],
  },
  {
    group: 'coordination.k8s.io',
    versions: ['v1'],
    resources: [{ plural: 'leases', kind: 'Lease' }],
  },
  {
    group: 'node.k8s.io',
    versions: ['v1'],
    resources: [{ plural: 'runtimeclasses', kind: 'RuntimeClass', namespaced: false }],
  },
  {
    group: 'discovery.k8s.io',
    versions: ['v1'],
    resources: [{ plural: 'endpointslices', kind: 'EndpointSlice' }],
  },
  {
    group: 'resource.k8s.io',
    versions: ['v1'],
    since: '1.34',
    resources: [
      { plural: 'deviceclasses', kind: 'DeviceClass', namespaced: false },
      { plural: 'resourceclaims', kind: 'ResourceClaim', subresources: { status: STATUS } },
      { plural: 'resourceclaimtemplates', kind: 'ResourceClaimTemplate' },
      { plural: 'resourceslices', kind: 'ResourceSlice', namespaced: false },
    ],
  },
  {
    group: 'flowcontrol.apiserver.k8s.io',
    versions: ['v1'],
    resources: [
      { plural: 'flowschemas', kind: 'FlowSchema', namespaced: false, subresources: { status: STATUS } },
      {
        plural: 'prioritylevelconfigurations',
        kind: 'PriorityLevelConfiguration',
        namespaced: false,
        subresources: { status: STATUS },
      },
    ],
  },
];
