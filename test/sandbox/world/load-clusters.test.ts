import { describe, expect, it } from 'vitest';
import { ROLE } from '../support.ts';
import { add, type Change, problemOf, type File } from './problems.ts';

const OTHER_ROLE = 'arn:aws:iam::444455556666:role/r';
const association = {
  namespace: 'kube-system',
  serviceAccount: 'sa',
  roleArn: ROLE,
  createdAt: '2025-06-01T00:00:00.000Z',
};
const workload = { kind: 'Deployment', namespace: 'shop', name: 'checkout', createdAt: '2025-06-01T00:00:00.000Z' };
const adot = { name: 'adot', version: 'v0.109.0-eksbuild.2', createdAt: '2025-06-01T00:00:00.000Z' };
const collector = {
  apiVersion: 'opentelemetry.io/v1beta1',
  kind: 'OpenTelemetryCollector',
  plural: 'opentelemetrycollectors',
  namespace: 'shop',
  name: 'traces',
};
const clusterRole = { kind: 'ClusterRole', metadata: { name: 'reader' }, rules: [] };
const VIEW = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy';
const extra = (file: File, variable: object): void =>
  void Object.assign(file.accounts[0]!.clusters[0]!.addons[0]!, { extraEnv: [variable] });
const modify = (file: File, ...fields: string[]): void =>
  void Object.assign(file.accounts[0]!.clusters[0]!.addons[0]!, {
    modifiedFields: fields.map((field) => ({ field, manager: 'helm' })),
  });

describe('a cluster of a scenario', () => {
  it.each<[string, Change, string]>([
    [
      'an unknown add-on',
      (file) => (file.accounts[0]!.clusters[0]!.addons[0]!.name = 'ebs'),
      "accounts[0].clusters[0].addons[0].name: the sandbox's catalogue has no add-on ebs. It has: ",
    ],
    [
      'an unknown version',
      (file) => (file.accounts[0]!.clusters[0]!.addons[0]!.version = 'v9'),
      'accounts[0].clusters[0].addons[0].version: the catalogue has no version v9 of aws-ebs-csi-driver. For Kubernetes 1.31 it has: v1.44.0-eksbuild.1, ',
    ],
    [
      'an owner that is not installed',
      (file) => file.accounts[0]!.clusters[0]!.associations.push({ ...association, owner: 'vpc-cni' }),
      'accounts[0].clusters[0].associations[0].owner: the add-on vpc-cni is not installed on cluster dev.',
    ],
    [
      "an add-on's role in another account",
      (file) => (file.accounts[0]!.clusters[0]!.addons[0]!.serviceAccountRoleArn = OTHER_ROLE),
      'accounts[0].clusters[0].addons[0].serviceAccountRoleArn: the role belongs to account 444455556666',
    ],
    [
      'a repeated service account',
      (file) =>
        void Object.assign(file.accounts[0]!.clusters[0]!, {
          serviceAccounts: [
            { namespace: 'shop', name: 'web' },
            { namespace: 'shop', name: 'web' },
          ],
        }),
      'accounts[0].clusters[0].serviceAccounts[1].name: the service account shop/web occurs twice',
    ],
    [
      'pods with a role and no IRSA',
      (file) =>
        void Object.assign(file.accounts[0]!.clusters[0]!, {
          pods: [
            {
              kind: 'Deployment',
              namespace: 'shop',
              workload: 'web',
              createdAt: '2025-06-01T00:00:00.000Z',
              identity: 'none',
              roleArn: ROLE,
            },
          ],
        }),
      'accounts[0].clusters[0].pods[0].roleArn: only pods with IRSA have a role of their own.',
    ],
    [
      'two capabilities of a type',
      (file) =>
        void Object.assign(file.accounts[0]!.clusters[0]!, {
          capabilities: [
            { name: 'ack', type: 'ACK' },
            { name: 'ack-2', type: 'ACK' },
          ],
        }),
      'accounts[0].clusters[0].capabilities[1].type: a capability of type ACK occurs twice',
    ],
    [
      'a capability with a role of another account',
      (file) =>
        void Object.assign(file.accounts[0]!.clusters[0]!, {
          capabilities: [{ name: 'ack', type: 'ACK', roleArn: OTHER_ROLE }],
        }),
      'accounts[0].clusters[0].capabilities[0].roleArn: the role belongs to account 444455556666',
    ],
    [
      'a controller of an add-on that the cluster does not have',
      (file) => add(file, { controllers: [{ tool: 'ack', owns: 'add-on', name: 'vpc-cni' }] }),
      'accounts[0].clusters[0].controllers[0].name: there is no such add-on. There are: aws-ebs-csi-driver',
    ],
    [
      'a controller of an association without an id',
      (file) => add(file, { controllers: [{ tool: 'ack', owns: 'association', name: 'a-1' }] }),
      'accounts[0].clusters[0].controllers[0].name: there is no such association. There are: none.',
    ],
    [
      'a controller in the cluster of a resource of AWS',
      (file) => add(file, { controllers: [{ tool: 'flux', owns: 'trust-policy', name: ROLE }] }),
      'accounts[0].clusters[0].controllers[0].owns: flux puts back objects of the cluster. Change it to annotation.',
    ],
    [
      'a controller of AWS that owns an annotation',
      (file) => add(file, { controllers: [{ tool: 'ack', owns: 'annotation', name: 'shop/web' }] }),
      'accounts[0].clusters[0].controllers[0].owns: ack puts back resources of AWS. Change it to add-on, association or trust-policy.',
    ],
    [
      'a controller with a role that does not exist',
      (file) =>
        add(file, {
          controllers: [
            { tool: 'ack', owns: 'trust-policy', name: ROLE, roleArn: 'arn:aws:iam::111122223333:role/none' },
          ],
        }),
      'accounts[0].clusters[0].controllers[0].roleArn: the account has no such role.',
    ],
    [
      'a controller of an annotation without a namespace',
      (file) => add(file, { controllers: [{ tool: 'argo-cd', owns: 'annotation', name: 'web' }] }),
      'accounts[0].clusters[0].controllers[0].name: must be namespace/name of a service account.',
    ],
    [
      'a repeated add-on',
      (file) => file.accounts[0]!.clusters[0]!.addons.push({ ...file.accounts[0]!.clusters[0]!.addons[0]! }),
      'accounts[0].clusters[0].addons[1].name: the add-on aws-ebs-csi-driver occurs twice',
    ],
    [
      'a repeated association',
      (file) => file.accounts[0]!.clusters[0]!.associations.push(association, { ...association }),
      'accounts[0].clusters[0].associations[1]: the association of kube-system/sa occurs twice',
    ],
    [
      'a session policy without disableSessionTags',
      (file) => file.accounts[0]!.clusters[0]!.associations.push({ ...association, policy: '{}' }),
      'accounts[0].clusters[0].associations[0].disableSessionTags: must be true if there is a policy',
    ],
    [
      'a session policy that is not JSON',
      (file) =>
        file.accounts[0]!.clusters[0]!.associations.push({ ...association, policy: '{', disableSessionTags: true }),
      'accounts[0].clusters[0].associations[0].policy: the text is not JSON.',
    ],
    [
      "a field that is not in EKS's format",
      (file) => modify(file, '.spec.replicas'),
      'accounts[0].clusters[0].addons[0].modifiedFields[0].field: must name kind, object and field as EKS does in a conflict',
    ],
    [
      'a field of a workload that the add-on does not have',
      (file) => modify(file, 'Deployment.apps ebs-csi - .spec.replicas'),
      'accounts[0].clusters[0].addons[0].modifiedFields[0].field: aws-ebs-csi-driver has no Deployment.apps ebs-csi. It has: Deployment.apps ebs-csi-controller, DaemonSet.apps ebs-csi-node.',
    ],
    [
      'a repeated field',
      (file) => modify(file, 'ConfigMap c - .data.x', 'ConfigMap c - .data.x'),
      'accounts[0].clusters[0].addons[0].modifiedFields[1].field: the field ConfigMap c - .data.x occurs twice',
    ],
    [
      'a workload of an unknown kind',
      (file) => add(file, { workloads: [{ ...workload, kind: 'Job' }] }),
      'accounts[0].clusters[0].workloads[0].kind: must be one of "Deployment"|"DaemonSet"|"StatefulSet"; it is "Job". Change it.',
    ],
    [
      'a workload that an add-on owns',
      (file) => add(file, { workloads: [{ ...workload, namespace: 'kube-system', name: 'ebs-csi-controller' }] }),
      'accounts[0].clusters[0].workloads[0]: the add-on aws-ebs-csi-driver has a Deployment of that name.',
    ],
    [
      'replicas of a DaemonSet',
      (file) => add(file, { workloads: [{ ...workload, kind: 'DaemonSet', replicas: 2 }] }),
      'accounts[0].clusters[0].workloads[0].replicas: a DaemonSet has one pod on each node.',
    ],
    [
      'a paused StatefulSet',
      (file) => add(file, { workloads: [{ ...workload, kind: 'StatefulSet', paused: true }] }),
      'accounts[0].clusters[0].workloads[0].paused: a StatefulSet cannot be paused.',
    ],
    [
      'OnDelete of a Deployment',
      (file) => add(file, { workloads: [{ ...workload, updateStrategy: 'OnDelete' }] }),
      'accounts[0].clusters[0].workloads[0].updateStrategy: a Deployment does not support this strategy.',
    ],
    [
      'the default as an update strategy',
      (file) => add(file, { workloads: [{ ...workload, kind: 'DaemonSet', updateStrategy: 'RollingUpdate' }] }),
      'accounts[0].clusters[0].workloads[0].updateStrategy: ',
    ],
    [
      'a repeated workload',
      (file) => add(file, { workloads: [workload, workload] }),
      'accounts[0].clusters[0].workloads[1]: the workload Deployment shop/checkout occurs twice',
    ],
    [
      'a value for an object that the sandbox does not have',
      (file) =>
        Object.assign(file.accounts[0]!.clusters[0]!.addons[0]!, {
          modifiedFields: [{ field: 'ConfigMap c - .data.x', manager: 'helm', value: 'y' }],
        }),
      'accounts[0].clusters[0].addons[0].modifiedFields[0].value: the sandbox has no ConfigMap c to set it in. Remove the value.',
    ],
    [
      'nodes of Auto Mode in a cluster without it',
      (file) => add(file, { nodes: [{ count: 1, compute: 'auto' }] }),
      'accounts[0].clusters[0].nodes[0].compute: the cluster does not use Auto Mode.',
    ],
    [
      'Windows nodes on Auto Mode',
      (file) => add(file, { autoMode: true, nodes: [{ count: 1, os: 'windows' }] }),
      'accounts[0].clusters[0].nodes[0].os: Auto Mode does not support Windows nodes.',
    ],
    [
      'Windows nodes on Fargate',
      (file) => add(file, { nodes: [{ count: 1, os: 'windows', compute: 'fargate' }] }),
      'accounts[0].clusters[0].nodes[0].os: fargate does not support Windows nodes.',
    ],
    [
      'nodes of an unknown kind',
      (file) => add(file, { nodes: [{ count: 1, compute: 'moon' }] }),
      'accounts[0].clusters[0].nodes',
    ],
    [
      'Fargate profiles without nodes',
      (file) => add(file, { fargateProfiles: [{ name: 'p', namespace: 'shop' }] }),
      'accounts[0].clusters[0].fargateProfiles: the cluster has no Fargate nodes. Add a group to nodes',
    ],
    [
      'a repeated Fargate profile',
      (file) =>
        add(file, {
          nodes: [{ count: 1, compute: 'fargate' }],
          fargateProfiles: [
            { name: 'p', namespace: 'a' },
            { name: 'p', namespace: 'b' },
          ],
        }),
      'accounts[0].clusters[0].fargateProfiles[1].name: the Fargate profile p occurs twice',
    ],
    [
      'a variable of a workload that the add-on does not have',
      (file) => extra(file, { workload: 'ebs', name: 'A', value: 'x' }),
      'accounts[0].clusters[0].addons[0].extraEnv[0].workload: aws-ebs-csi-driver has no workload ebs. It has: ebs-csi-controller, ebs-csi-node.',
    ],
    [
      'a variable of a container that the workload does not have',
      (file) => extra(file, { workload: 'ebs-csi-node', container: 'csi-attacher', name: 'A', value: 'x' }),
      'accounts[0].clusters[0].addons[0].extraEnv[0].container: ebs-csi-node has no container csi-attacher. It has: ',
    ],
    [
      'a variable without a value',
      (file) => extra(file, { name: 'A' }),
      'accounts[0].clusters[0].addons[0].extraEnv[0]: A needs either a value or a secret. Add one of them.',
    ],
    [
      'a variable with value and secret',
      (file) => extra(file, { name: 'A', value: 'x', secret: { name: 's', key: 'k' } }),
      'accounts[0].clusters[0].addons[0].extraEnv[0]: A needs either a value or a secret. Remove one of them.',
    ],
    [
      "a workload's variable without a value",
      (file) =>
        add(file, { workloads: [{ ...workload, containers: [{ name: 'c', image: 'i', env: [{ name: 'A' }] }] }] }),
      'accounts[0].clusters[0].workloads[0].containers[0].env[0]: A needs either a value or a secret.',
    ],
    [
      'a variable with an invalid name',
      (file) => extra(file, { name: '1A', value: 'x' }),
      'accounts[0].clusters[0].addons[0].extraEnv[0].name: must be the name of an environment variable',
    ],
    [
      'a custom resource without a group',
      (file) => add(file, { customResources: [{ ...collector, apiVersion: 'v1' }] }),
      'accounts[0].clusters[0].customResources[0].apiVersion: must be group and version, such as opentelemetry.io/v1beta1; it is "v1". Change it.',
    ],
    [
      'a custom resource of another kind',
      (file) => add(file, { addons: [adot], customResources: [{ ...collector, kind: 'Collector' }] }),
      'accounts[0].clusters[0].customResources[0].kind: opentelemetrycollectors.opentelemetry.io, as adot defines them, are of kind OpenTelemetryCollector. Change it.',
    ],
    [
      'a custom resource of another version',
      (file) => add(file, { addons: [adot], customResources: [{ ...collector, apiVersion: 'opentelemetry.io/v2' }] }),
      'accounts[0].clusters[0].customResources[0].apiVersion: opentelemetrycollectors.opentelemetry.io, as adot defines them, are served in opentelemetry.io/v1beta1, opentelemetry.io/v1alpha1. Change it.',
    ],
    [
      'a custom resource without a namespace',
      (file) => add(file, { addons: [adot], customResources: [{ ...collector, namespace: undefined }] }),
      'accounts[0].clusters[0].customResources[0].namespace: opentelemetrycollectors.opentelemetry.io, as adot defines them, have a namespace. Add it.',
    ],
    [
      'custom resources of different kinds',
      (file) => add(file, { customResources: [collector, { ...collector, name: 'other', namespace: undefined }] }),
      'accounts[0].clusters[0].customResources[1].namespace: opentelemetrycollectors.opentelemetry.io, as item 0 of the list declares them, have a namespace. Add it.',
    ],
    [
      'a repeated custom resource',
      (file) => add(file, { customResources: [collector, collector] }),
      'accounts[0].clusters[0].customResources[1]: the custom resource opentelemetrycollectors.opentelemetry.io shop/traces occurs twice',
    ],
    ['a tag reserved by AWS', (file) => add(file, { tags: { 'aws:x': 'y' } }), 'accounts[0].clusters[0].tags.aws:x: '],
    [
      'too many tags',
      (file) => add(file, { tags: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`t${index}`, ''])) }),
      'accounts[0].clusters[0].tags: must have at most 50 tags',
    ],
    [
      'an API server in an unknown state',
      (file) => add(file, { apiServer: 'slow' }),
      'accounts[0].clusters[0].apiServer: must be one of "reachable"|"unreachable"; it is "slow". Change it.',
    ],
    [
      'an access entry of an assumed role',
      (file) => add(file, { accessEntries: [{ principalArn: 'arn:aws:sts::111122223333:assumed-role/r/s' }] }),
      'accounts[0].clusters[0].accessEntries[0].principalArn: must be the ARN of an IAM role or user',
    ],
    [
      'a repeated access entry',
      (file) => add(file, { accessEntries: [{ principalArn: ROLE }, { principalArn: ROLE }] }),
      `accounts[0].clusters[0].accessEntries[1].principalArn: the access entry of ${ROLE} occurs twice`,
    ],
    [
      "a node's access entry with groups",
      (file) => add(file, { accessEntries: [{ principalArn: ROLE, type: 'EC2_LINUX', kubernetesGroups: ['g'] }] }),
      'accounts[0].clusters[0].accessEntries[0].type: an entry of type EC2_LINUX is for nodes',
    ],
    [
      'an invalid access policy',
      (file) =>
        add(file, { accessEntries: [{ principalArn: ROLE, policies: [{ policyArn: 'AmazonEKSViewPolicy' }] }] }),
      'accounts[0].clusters[0].accessEntries[0].policies[0].policyArn: must be the ARN of an access policy',
    ],
    [
      'a repeated access policy',
      (file) =>
        add(file, { accessEntries: [{ principalArn: ROLE, policies: [{ policyArn: VIEW }, { policyArn: VIEW }] }] }),
      `accounts[0].clusters[0].accessEntries[0].policies[1].policyArn: the access policy ${VIEW} occurs twice`,
    ],
    [
      'a scope of an unknown type',
      (file) =>
        add(file, {
          accessEntries: [{ principalArn: ROLE, policies: [{ policyArn: VIEW, accessScope: { type: 'all' } }] }],
        }),
      'accounts[0].clusters[0].accessEntries[0].policies[0].accessScope.type: must be one of "cluster"|"namespace"; it is "all". Change it.',
    ],
    [
      'a scope without namespaces',
      (file) =>
        add(file, {
          accessEntries: [{ principalArn: ROLE, policies: [{ policyArn: VIEW, accessScope: { type: 'namespace' } }] }],
        }),
      'accounts[0].clusters[0].accessEntries[0].policies[0].accessScope.namespaces: is missing: must be of type array. Add it.',
    ],
    [
      'an RBAC object of an unknown kind',
      (file) => add(file, { rbac: [{ kind: 'ServiceAccount', metadata: { name: 'a' } }] }),
      'accounts[0].clusters[0].rbac[0].kind: must be one of "Role"|"ClusterRole"|"RoleBinding"|"ClusterRoleBinding"; it is "ServiceAccount". Change it.',
    ],
    [
      'a Role without a namespace',
      (file) => add(file, { rbac: [{ kind: 'Role', metadata: { name: 'a' }, rules: [] }] }),
      'accounts[0].clusters[0].rbac[0].metadata.namespace: is missing: must be of type string. Add it.',
    ],
    [
      'a repeated RBAC object',
      (file) => add(file, { rbac: [clusterRole, clusterRole] }),
      'accounts[0].clusters[0].rbac[1].metadata.name: the ClusterRole reader occurs twice',
    ],
  ])('reports %s', (_what, change, line) => {
    expect(problemOf(change).slice(0, line.length)).toBe(line);
  });
});
