import { describe, expect, it } from 'vitest';
import { ROLE } from '../support.ts';
import { problemOf, type File } from './problems.ts';

const at = '2025-06-01T00:00:00.000Z';
const OTHER_ROLE = 'arn:aws:iam::444455556666:role/r';
const association = { namespace: 'kube-system', serviceAccount: 'sa', roleArn: ROLE, createdAt: at };
const workload = { kind: 'Deployment', namespace: 'shop', name: 'checkout', createdAt: at };
const adot = { name: 'adot', version: 'v0.109.0-eksbuild.2', createdAt: at };
const collector = {
  apiVersion: 'opentelemetry.io/v1beta1',
  kind: 'OpenTelemetryCollector',
  plural: 'opentelemetrycollectors',
  namespace: 'shop',
  name: 'traces',
};
const clusterRole = { kind: 'ClusterRole', metadata: { name: 'reader' }, rules: [] };
const VIEW = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy';
const PREFIX = 'accounts[0].clusters[0].';
type Cluster = File['accounts'][0]['clusters'][0];
const extra = (variable: object) => (cluster: Cluster) => Object.assign(cluster.addons[0]!, { extraEnv: [variable] });
const modify =
  (...fields: string[]) =>
  (cluster: Cluster) =>
    Object.assign(cluster.addons[0]!, { modifiedFields: fields.map((field) => ({ field, manager: 'helm' })) });
const entries = (...policies: object[]) => ({ accessEntries: [{ principalArn: ROLE, policies }] });

describe('a cluster of a scenario', () => {
  const problems: Record<string, object | ((cluster: Cluster) => unknown)> = {
    "addons[0].name: the sandbox's catalogue has no add-on ebs. It has: ": (cluster) =>
      (cluster.addons[0]!.name = 'ebs'),
    'addons[0].version: the catalogue has no version v9 of aws-ebs-csi-driver. For Kubernetes 1.31 it has: v1.44.0-eksbuild.1, ':
      (cluster) => (cluster.addons[0]!.version = 'v9'),
    'associations[0].owner: the add-on vpc-cni is not installed on cluster dev.': (cluster) =>
      cluster.associations.push({ ...association, owner: 'vpc-cni' }),
    'addons[0].serviceAccountRoleArn: the role belongs to account 444455556666': (cluster) =>
      (cluster.addons[0]!.serviceAccountRoleArn = OTHER_ROLE),
    'serviceAccounts[1].name: the service account shop/web occurs twice': {
      serviceAccounts: [
        { namespace: 'shop', name: 'web' },
        { namespace: 'shop', name: 'web' },
      ],
    },
    'pods[0].roleArn: only pods with IRSA have a role of their own.': {
      pods: [
        { kind: 'Deployment', namespace: 'shop', workload: 'web', createdAt: at, identity: 'none', roleArn: ROLE },
      ],
    },
    'capabilities[1].type: a capability of type ACK occurs twice': {
      capabilities: [
        { name: 'ack', type: 'ACK' },
        { name: 'ack-2', type: 'ACK' },
      ],
    },
    'capabilities[0].roleArn: the role belongs to account 444455556666': {
      capabilities: [{ name: 'ack', type: 'ACK', roleArn: OTHER_ROLE }],
    },
    'controllers[0].name: there is no such add-on. There are: aws-ebs-csi-driver': {
      controllers: [{ tool: 'ack', owns: 'add-on', name: 'vpc-cni' }],
    },
    'controllers[0].name: there is no such association. There are: none.': {
      controllers: [{ tool: 'ack', owns: 'association', name: 'a-1' }],
    },
    'controllers[0].owns: flux puts back objects of the cluster. Change it to annotation.': {
      controllers: [{ tool: 'flux', owns: 'trust-policy', name: ROLE }],
    },
    'controllers[0].owns: ack puts back resources of AWS. Change it to add-on, association or trust-policy.': {
      controllers: [{ tool: 'ack', owns: 'annotation', name: 'shop/web' }],
    },
    'controllers[0].roleArn: the account has no such role.': {
      controllers: [{ tool: 'ack', owns: 'trust-policy', name: ROLE, roleArn: 'arn:aws:iam::111122223333:role/none' }],
    },
    'controllers[0].name: must be namespace/name of a service account.': {
      controllers: [{ tool: 'argo-cd', owns: 'annotation', name: 'web' }],
    },
    'addons[1].name: the add-on aws-ebs-csi-driver occurs twice': (cluster) =>
      cluster.addons.push({ ...cluster.addons[0]! }),
    'associations[1]: the association of kube-system/sa occurs twice': (cluster) =>
      cluster.associations.push(association, { ...association }),
    'associations[0].disableSessionTags: must be true if there is a policy': (cluster) =>
      cluster.associations.push({ ...association, policy: '{}' }),
    'associations[0].policy: the text is not JSON.': (cluster) =>
      cluster.associations.push({ ...association, policy: '{', disableSessionTags: true }),
    'addons[0].modifiedFields[0].field: must name kind, object and field as EKS does in a conflict':
      modify('.spec.replicas'),
    'addons[0].modifiedFields[0].field: aws-ebs-csi-driver has no Deployment.apps ebs-csi. It has: Deployment.apps ebs-csi-controller, DaemonSet.apps ebs-csi-node.':
      modify('Deployment.apps ebs-csi - .spec.replicas'),
    'addons[0].modifiedFields[1].field: the field ConfigMap c - .data.x occurs twice': modify(
      'ConfigMap c - .data.x',
      'ConfigMap c - .data.x',
    ),
    'workloads[0].kind: must be one of "Deployment"|"DaemonSet"|"StatefulSet"; it is "Job". Change it.': {
      workloads: [{ ...workload, kind: 'Job' }],
    },
    'workloads[0]: the add-on aws-ebs-csi-driver has a Deployment of that name.': {
      workloads: [{ ...workload, namespace: 'kube-system', name: 'ebs-csi-controller' }],
    },
    'workloads[0].replicas: a DaemonSet has one pod on each node.': {
      workloads: [{ ...workload, kind: 'DaemonSet', replicas: 2 }],
    },
    'workloads[0].paused: a StatefulSet cannot be paused.': {
      workloads: [{ ...workload, kind: 'StatefulSet', paused: true }],
    },
    'workloads[0].updateStrategy: a Deployment does not support this strategy.': {
      workloads: [{ ...workload, updateStrategy: 'OnDelete' }],
    },
    'workloads[0].updateStrategy: ': {
      workloads: [{ ...workload, kind: 'DaemonSet', updateStrategy: 'RollingUpdate' }],
    },
    'workloads[1]: the workload Deployment shop/checkout occurs twice': { workloads: [workload, workload] },
    'addons[0].modifiedFields[0].value: the sandbox has no ConfigMap c to set it in. Remove the value.': (cluster) =>
      Object.assign(cluster.addons[0]!, {
        modifiedFields: [{ field: 'ConfigMap c - .data.x', manager: 'helm', value: 'y' }],
      }),
    'nodes[0].compute: the cluster does not use Auto Mode.': { nodes: [{ count: 1, compute: 'auto' }] },
    'nodes[0].os: Auto Mode does not support Windows nodes.': { autoMode: true, nodes: [{ count: 1, os: 'windows' }] },
    'nodes[0].os: fargate does not support Windows nodes.': {
      nodes: [{ count: 1, os: 'windows', compute: 'fargate' }],
    },
    nodes: { nodes: [{ count: 1, compute: 'moon' }] },
    'fargateProfiles: the cluster has no Fargate nodes. Add a group to nodes': {
      fargateProfiles: [{ name: 'p', namespace: 'shop' }],
    },
    'fargateProfiles[1].name: the Fargate profile p occurs twice': {
      nodes: [{ count: 1, compute: 'fargate' }],
      fargateProfiles: [
        { name: 'p', namespace: 'a' },
        { name: 'p', namespace: 'b' },
      ],
    },
    'addons[0].extraEnv[0].workload: aws-ebs-csi-driver has no workload ebs. It has: ebs-csi-controller, ebs-csi-node.':
      extra({ workload: 'ebs', name: 'A', value: 'x' }),
    'addons[0].extraEnv[0].container: ebs-csi-node has no container csi-attacher. It has: ': extra({
      workload: 'ebs-csi-node',
      container: 'csi-attacher',
      name: 'A',
      value: 'x',
    }),
    'addons[0].extraEnv[0]: A needs either a value or a secret. Add one of them.': extra({ name: 'A' }),
    'addons[0].extraEnv[0]: A needs either a value or a secret. Remove one of them.': extra({
      name: 'A',
      value: 'x',
      secret: { name: 's', key: 'k' },
    }),
    'workloads[0].containers[0].env[0]: A needs either a value or a secret.': {
      workloads: [{ ...workload, containers: [{ name: 'c', image: 'i', env: [{ name: 'A' }] }] }],
    },
    'addons[0].extraEnv[0].name: must be the name of an environment variable': extra({ name: '1A', value: 'x' }),
    'customResources[0].apiVersion: must be group and version, such as opentelemetry.io/v1beta1; it is "v1". Change it.':
      { customResources: [{ ...collector, apiVersion: 'v1' }] },
    'customResources[0].kind: opentelemetrycollectors.opentelemetry.io, as adot defines them, are of kind OpenTelemetryCollector. Change it.':
      { addons: [adot], customResources: [{ ...collector, kind: 'Collector' }] },
    'customResources[0].apiVersion: opentelemetrycollectors.opentelemetry.io, as adot defines them, are served in opentelemetry.io/v1beta1, opentelemetry.io/v1alpha1. Change it.':
      { addons: [adot], customResources: [{ ...collector, apiVersion: 'opentelemetry.io/v2' }] },
    'customResources[0].namespace: opentelemetrycollectors.opentelemetry.io, as adot defines them, have a namespace. Add it.':
      { addons: [adot], customResources: [{ ...collector, namespace: undefined }] },
    'customResources[1].namespace: opentelemetrycollectors.opentelemetry.io, as item 0 of the list declares them, have a namespace. Add it.':
      { customResources: [collector, { ...collector, name: 'other', namespace: undefined }] },
    'customResources[1]: the custom resource opentelemetrycollectors.opentelemetry.io shop/traces occurs twice': {
      customResources: [collector, collector],
    },
    'tags.aws:x: ': { tags: { 'aws:x': 'y' } },
    'tags: must have at most 50 tags': {
      tags: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`t${index}`, ''])),
    },
    'apiServer: must be one of "reachable"|"unreachable"|"huge-answers"|"huge-objects"|"trickling"|"fatal"; it is "slow". Change it.':
      { apiServer: 'slow' },
    'accessEntries[0].principalArn: must be the ARN of an IAM role or user': {
      accessEntries: [{ principalArn: 'arn:aws:sts::111122223333:assumed-role/r/s' }],
    },
    [`accessEntries[1].principalArn: the access entry of ${ROLE} occurs twice`]: {
      accessEntries: [{ principalArn: ROLE }, { principalArn: ROLE }],
    },
    'accessEntries[0].type: an entry of type EC2_LINUX is for nodes': {
      accessEntries: [{ principalArn: ROLE, type: 'EC2_LINUX', kubernetesGroups: ['g'] }],
    },
    'accessEntries[0].policies[0].policyArn: must be the ARN of an access policy': entries({
      policyArn: 'AmazonEKSViewPolicy',
    }),
    [`accessEntries[0].policies[1].policyArn: the access policy ${VIEW} occurs twice`]: entries(
      { policyArn: VIEW },
      { policyArn: VIEW },
    ),
    'accessEntries[0].policies[0].accessScope.type: must be one of "cluster"|"namespace"; it is "all". Change it.':
      entries({ policyArn: VIEW, accessScope: { type: 'all' } }),
    'accessEntries[0].policies[0].accessScope.namespaces: is missing: must be of type array. Add it.': entries({
      policyArn: VIEW,
      accessScope: { type: 'namespace' },
    }),
    'rbac[0].kind: must be one of "Role"|"ClusterRole"|"RoleBinding"|"ClusterRoleBinding"; it is "ServiceAccount". Change it.':
      { rbac: [{ kind: 'ServiceAccount', metadata: { name: 'a' } }] },
    'rbac[0].metadata.namespace: is missing: must be of type string. Add it.': {
      rbac: [{ kind: 'Role', metadata: { name: 'a' }, rules: [] }],
    },
    'rbac[1].metadata.name: the ClusterRole reader occurs twice': { rbac: [clusterRole, clusterRole] },
  };
  it.each(Object.entries(problems))('reports %s', (line, change) => {
    const found = problemOf((file) => {
      const [cluster] = file.accounts[0]!.clusters;
      return typeof change === 'function' ? change(cluster!) : Object.assign(cluster!, change);
    });
    expect(found.replace(PREFIX, '').slice(0, line.length)).toBe(line);
    expect(found.startsWith(PREFIX)).toBe(true);
  });
});
