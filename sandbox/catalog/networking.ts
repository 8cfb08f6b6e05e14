/** Networking and security add-ons. */
import { anyObject, boolean, configurationSchema, containers, integer, labels, list, object, podIdentity, text, versions } from './build.ts';
import type { CatalogueAddon } from './catalogue.ts';

const aws = { publisher: 'eks', owner: 'aws' };
const podSettings = { affinity: anyObject, nodeSelector: anyObject, podAnnotations: anyObject, podLabels: anyObject, resources: anyObject, tolerations: list };

export const networking: CatalogueAddon[] = [
  {
    ...aws,
    name: 'vpc-cni',
    type: 'networking',
    objects: {
      namespace: 'kube-system',
      serviceAccounts: ['aws-node'],
      workloads: [
        {
          kind: 'DaemonSet',
          name: 'aws-node',
          serviceAccount: 'aws-node',
          labels: { ...labels('aws-node', 'aws-node'), 'k8s-app': 'aws-node' },
          containers: containers({ 'aws-node': 'amazon-k8s-cni', 'aws-eks-nodeagent': 'amazon/aws-network-policy-agent' }),
          hostNetwork: true,
        },
      ],
    },
    irsaServiceAccounts: ['aws-node'],
    configurationSchema: configurationSchema('Configurable parameters of the Amazon VPC CNI plugin', {
      ...podSettings,
      enableNetworkPolicy: text,
      enableWindowsIpam: text,
      eniConfig: anyObject,
      env: anyObject,
      init: object({ env: anyObject }),
      livenessProbeTimeoutSeconds: integer,
      nodeAgent: anyObject,
    }),
    versions: versions(
      [
        ['v1.19.5-eksbuild.1', 30, 33, [32, 33], true],
        ['v1.19.2-eksbuild.1', 29, 32, [30, 31], true],
        ['v1.18.3-eksbuild.1', 29, 31, [29], true],
        ['v1.15.5-eksbuild.1', 29, 29, [], true],
        // Associations came with v1.15.5-eksbuild.1.
        ['v1.15.4-eksbuild.1', 29, 29, [], false],
      ],
      { requiresIamPermissions: true, podIdentity: podIdentity({ 'aws-node': ['AmazonEKS_CNI_Policy'] }) },
    ),
  },
  {
    ...aws,
    name: 'coredns',
    type: 'networking',
    objects: {
      namespace: 'kube-system',
      serviceAccounts: ['coredns'],
      workloads: [
        {
          kind: 'Deployment',
          name: 'coredns',
          serviceAccount: 'coredns',
          replicas: 2,
          labels: { ...labels('coredns', 'kube-dns'), 'k8s-app': 'kube-dns' },
          containers: containers({ coredns: 'coredns' }),
        },
      ],
    },
    irsaServiceAccounts: [],
    configurationSchema: configurationSchema('Configurable parameters of CoreDNS', {
      ...podSettings,
      autoScaling: object({ enabled: boolean, maxReplicas: integer, minReplicas: integer }),
      computeType: text,
      corefile: text,
      podDisruptionBudget: anyObject,
      replicaCount: integer,
      topologySpreadConstraints: list,
    }),
    versions: versions(
      [
        ['v1.12.1-eksbuild.2', 33, 33, [33], false],
        ['v1.11.4-eksbuild.2', 29, 33, [31, 32], false],
        ['v1.11.1-eksbuild.8', 29, 31, [29, 30], false],
      ],
      { requiresIamPermissions: false },
    ),
  },
  {
    ...aws,
    name: 'kube-proxy',
    type: 'networking',
    objects: {
      namespace: 'kube-system',
      serviceAccounts: ['kube-proxy'],
      workloads: [
        {
          kind: 'DaemonSet',
          name: 'kube-proxy',
          serviceAccount: 'kube-proxy',
          labels: { ...labels('kube-proxy', 'kube-proxy'), 'k8s-app': 'kube-proxy' },
          containers: containers({ 'kube-proxy': 'kube-proxy' }),
          hostNetwork: true,
        },
      ],
    },
    irsaServiceAccounts: [],
    configurationSchema: configurationSchema('Configurable parameters of kube-proxy', {
      ipvs: object({ scheduler: text }),
      mode: text,
      podAnnotations: anyObject,
      podLabels: anyObject,
      resources: anyObject,
    }),
    versions: versions(
      [
        ['v1.33.0-eksbuild.2', 33, 33, [33], false],
        ['v1.32.3-eksbuild.7', 32, 33, [32], false],
        ['v1.31.7-eksbuild.7', 31, 33, [31], false],
        ['v1.30.11-eksbuild.5', 30, 32, [30], false],
        ['v1.29.15-eksbuild.2', 29, 31, [29], false],
      ],
      { requiresIamPermissions: false },
    ),
  },
  {
    ...aws,
    name: 'eks-pod-identity-agent',
    type: 'security',
    objects: {
      namespace: 'kube-system',
      serviceAccounts: [],
      workloads: [
        {
          kind: 'DaemonSet',
          name: 'eks-pod-identity-agent',
          // The agent's chart makes a service account of its own only for its optional probe.
          serviceAccount: 'default',
          labels: labels('eks-pod-identity-agent', 'eks-pod-identity-agent'),
          containers: containers({ 'eks-pod-identity-agent': 'eks-pod-identity-agent' }),
          hostNetwork: true,
        },
      ],
    },
    irsaServiceAccounts: [],
    configurationSchema: configurationSchema('Configurable parameters of the EKS Pod Identity Agent', {
      ...podSettings,
      agent: object({ additionalArgs: anyObject, livenessEndpointAddress: text, probePort: integer }),
      priorityClassName: text,
      updateStrategy: anyObject,
    }),
    versions: versions(
      [
        ['v1.3.8-eksbuild.2', 29, 33, [33], false],
        ['v1.3.4-eksbuild.1', 29, 33, [29, 30, 31, 32], false],
        ['v1.2.0-eksbuild.1', 29, 31, [], false],
      ],
      { requiresIamPermissions: false },
    ),
  },
  {
    // A community add-on: EKS publishes it, its community owns it. It refuses associations (aws/containers-roadmap#2712).
    publisher: 'eks',
    owner: 'community',
    name: 'cert-manager',
    type: 'security',
    objects: {
      namespace: 'cert-manager',
      serviceAccounts: ['cert-manager', 'cert-manager-cainjector', 'cert-manager-webhook'],
      workloads: ['cert-manager', 'cert-manager-cainjector', 'cert-manager-webhook'].map((name) => ({
        kind: 'Deployment' as const,
        name,
        serviceAccount: name,
        replicas: 1,
        labels: labels('cert-manager', name),
        containers: containers({ [name]: `cert-manager/${name}` }),
      })),
    },
    irsaServiceAccounts: ['cert-manager'],
    configurationSchema: configurationSchema('Configurable parameters of cert-manager', { ...podSettings, cainjector: anyObject, replicaCount: integer, webhook: anyObject }),
    versions: versions(
      [
        ['v1.18.2-eksbuild.2', 29, 33, [31, 32, 33], false],
        ['v1.17.2-eksbuild.2', 29, 33, [29, 30], false],
        ['v1.17.1-eksbuild.1', 29, 32, [], false],
      ],
      { requiresIamPermissions: false },
    ),
  },
];
