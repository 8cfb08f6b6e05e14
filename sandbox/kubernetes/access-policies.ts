/**
 * The permissions of EKS's access policies, and of Kubernetes' user-facing roles, on which they are modelled. Source:
 * EKS User Guide, "Review access policy permissions"; k8s.io/kubernetes, rbac/bootstrappolicy for `pods/eviction`,
 * which is missing from the guide's tables.
 */
import type { PolicyRule } from '../objects/objects.ts';

const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];

const rule = (verbs: string[], group: string, ...resources: string[]): PolicyRule => ({
  apiGroups: [group],
  resources,
  verbs,
});
/** Returns each resource together with its status subresource. */
const withStatus = (...resources: string[]): string[] =>
  resources.flatMap((resource) => [resource, `${resource}/status`]);

const SCALED = ['deployments', 'replicasets', 'statefulsets'];
const scales = (resources: string[]): string[] => resources.map((resource) => `${resource}/scale`);

const VIEW: PolicyRule[] = [
  rule(READ, 'apps', 'controllerrevisions', ...withStatus('daemonsets', ...SCALED), ...scales(SCALED)),
  rule(READ, 'autoscaling', ...withStatus('horizontalpodautoscalers')),
  rule(READ, 'batch', ...withStatus('cronjobs', 'jobs')),
  rule(READ, 'discovery.k8s.io', 'endpointslices'),
  rule(
    READ,
    'extensions',
    ...withStatus('daemonsets', 'deployments', 'ingresses', 'replicasets'),
    'networkpolicies',
    'deployments/scale',
    'replicasets/scale',
    'replicationcontrollers/scale',
  ),
  rule(READ, 'networking.k8s.io', ...withStatus('ingresses'), 'networkpolicies'),
  rule(READ, 'policy', ...withStatus('poddisruptionbudgets')),
  rule(
    READ,
    '',
    'configmaps',
    'endpoints',
    ...withStatus('persistentvolumeclaims', 'services'),
    'pods',
    'replicationcontrollers',
    'replicationcontrollers/scale',
    'serviceaccounts',
  ),
  rule(
    READ,
    '',
    'bindings',
    'events',
    'limitranges',
    'namespaces/status',
    'pods/log',
    'pods/status',
    'replicationcontrollers/status',
    ...withStatus('resourcequotas'),
  ),
  rule(READ, '', 'namespaces'),
];

const EDIT: PolicyRule[] = [
  ...VIEW,
  rule(WRITE, 'apps', 'daemonsets', ...SCALED, 'deployments/rollback', ...scales(SCALED)),
  rule(WRITE, 'autoscaling', 'horizontalpodautoscalers'),
  rule(WRITE, 'batch', 'cronjobs', 'jobs'),
  rule(
    WRITE,
    'extensions',
    'daemonsets',
    'deployments',
    'deployments/rollback',
    'deployments/scale',
    'ingresses',
    'networkpolicies',
    'replicasets',
    'replicasets/scale',
    'replicationcontrollers/scale',
  ),
  rule(WRITE, 'networking.k8s.io', 'ingresses', 'networkpolicies'),
  rule(WRITE, 'policy', 'poddisruptionbudgets'),
  rule(READ, '', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'),
  rule(['impersonate'], '', 'serviceaccounts'),
  rule(WRITE, '', 'pods', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy'),
  rule(
    WRITE,
    '',
    'configmaps',
    'events',
    'persistentvolumeclaims',
    'replicationcontrollers',
    'replicationcontrollers/scale',
    'secrets',
    'serviceaccounts',
    'services',
    'services/proxy',
  ),
];

const ADMIN: PolicyRule[] = [
  ...EDIT,
  rule(['create'], 'authorization.k8s.io', 'localsubjectaccessreviews'),
  rule([...WRITE, ...READ], 'rbac.authorization.k8s.io', 'rolebindings', 'roles'),
];

const CLUSTER_ADMIN: PolicyRule[] = [rule(['*'], '*', '*'), { nonResourceURLs: ['*'], verbs: ['*'] }];

/**
 * Rules by policy name, the last part of the policy's ARN. The policies of EKS's own components are left out: they
 * allow nothing that the sandbox implements.
 */
export const ACCESS_POLICIES: ReadonlyMap<string, PolicyRule[]> = new Map([
  ['AmazonEKSClusterAdminPolicy', CLUSTER_ADMIN],
  ['AmazonEKSAdminPolicy', ADMIN],
  ['AmazonEKSEditPolicy', EDIT],
  ['AmazonEKSViewPolicy', VIEW],
  ['AmazonEKSAdminViewPolicy', [rule(READ, '*', '*')]],
  ['AmazonEKSSecretReaderPolicy', [rule(READ, '', 'secrets')]],
]);

const EVICTION = rule(['create'], '', 'pods/eviction');
/** The user-facing ClusterRoles of every Kubernetes cluster. */
export const USER_FACING_ROLES: Record<string, PolicyRule[]> = {
  'cluster-admin': CLUSTER_ADMIN,
  admin: [...ADMIN, EVICTION],
  edit: [...EDIT, EVICTION],
  view: VIEW,
};
