/** Networking and security add-ons. */
import { containers, customKinds, everyNode, labels, podIdentity, versions } from './build.ts';
import type { CatalogueAddon } from './catalogue.ts';
import {
  anyObject,
  boolean,
  configurationSchema,
  generatedSchema,
  integer,
  list,
  object,
  oneOf,
  podSettings,
  replicas,
  resources,
  text,
  texts,
  variable,
} from './schemas.ts';

const aws = { publisher: 'eks', owner: 'aws' };

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
          tolerations: everyNode,
          serviceAccount: 'aws-node',
          // amazon-vpc-cni-k8s, charts/aws-vpc-cni/values.yaml.
          maxUnavailable: '10%',
          labels: { ...labels('aws-node', 'aws-node'), 'k8s-app': 'aws-node' },
          containers: containers({
            'aws-node': 'amazon-k8s-cni',
            'aws-eks-nodeagent': 'aws-network-policy-agent:v1.2.7-eksbuild.1',
          }),
          hostNetwork: true,
        },
      ],
      customKinds: [
        ...customKinds('crd.k8s.amazonaws.com', [['eniconfigs', 'ENIConfig', ['v1alpha1'], [], false]]),
        ...customKinds('networking.k8s.aws', [['policyendpoints', 'PolicyEndpoint', ['v1alpha1']]]),
      ],
    },
    irsaServiceAccounts: ['aws-node'],
    configurationSchema: generatedSchema('VpcCni', 'vpc-cni', {
      ...podSettings,
      enableNetworkPolicy: variable('boolean'),
      enableWindowsIpam: variable('boolean'),
      eniConfig: object({ create: boolean, region: text, subnets: anyObject }),
      // amazon-vpc-cni-k8s, README.md: "CNI Configuration Variables".
      env: object({
        AWS_VPC_CNI_NODE_PORT_SUPPORT: variable('boolean'),
        AWS_VPC_ENI_MTU: variable('integer'),
        AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG: variable('boolean'),
        AWS_VPC_K8S_CNI_EXTERNALSNAT: variable('boolean'),
        AWS_VPC_K8S_CNI_LOGLEVEL: variable(),
        ENABLE_IPv4: variable('boolean'),
        ENABLE_IPv6: variable('boolean'),
        ENABLE_POD_ENI: variable('boolean'),
        ENABLE_PREFIX_DELEGATION: variable('boolean'),
        ENI_CONFIG_LABEL_DEF: variable(),
        MAX_ENI: variable('integer'),
        MINIMUM_IP_TARGET: variable('integer'),
        POD_SECURITY_GROUP_ENFORCING_MODE: variable(),
        WARM_ENI_TARGET: variable('integer'),
        WARM_IP_TARGET: variable('integer'),
        WARM_PREFIX_TARGET: variable('integer'),
      }),
      init: object({
        env: object({ DISABLE_TCP_EARLY_DEMUX: variable('boolean'), ENABLE_V6_EGRESS: variable('boolean') }),
      }),
      livenessProbeTimeoutSeconds: integer,
      nodeAgent: object({
        enableCloudWatchLogs: variable('boolean'),
        enablePolicyEventLogs: variable('boolean'),
        resources,
      }),
    }),
    versions: versions(
      [
        ['v1.21.1-eksbuild.3', 33, 36, [35, 36], true],
        ['v1.20.4-eksbuild.2', 33, 35, [34], true],
        ['v1.19.5-eksbuild.1', 30, 33, [32, 33], true],
        ['v1.19.2-eksbuild.1', 29, 32, [30, 31], true],
        ['v1.18.3-eksbuild.1', 29, 31, [29], true],
        ['v1.15.5-eksbuild.1', 29, 29, [], true],
        // Associations are supported since v1.15.5-eksbuild.1.
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
    configurationSchema: generatedSchema('Coredns', 'coredns', {
      ...podSettings,
      autoScaling: object({ enabled: boolean, maxReplicas: integer, minReplicas: replicas() }),
      computeType: text,
      corefile: text,
      podDisruptionBudget: anyObject,
      replicaCount: integer,
      topologySpreadConstraints: list,
    }),
    versions: versions(
      [
        ['v1.13.2-eksbuild.1', 34, 36, [35, 36], false],
        ['v1.12.3-eksbuild.1', 33, 35, [34], false],
        ['v1.12.1-eksbuild.2', 33, 34, [33], false],
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
          tolerations: everyNode,
          serviceAccount: 'kube-proxy',
          maxUnavailable: '10%',
          labels: { ...labels('kube-proxy', 'kube-proxy'), 'k8s-app': 'kube-proxy' },
          containers: containers({ 'kube-proxy': 'kube-proxy' }),
          hostNetwork: true,
        },
      ],
    },
    irsaServiceAccounts: [],
    configurationSchema: generatedSchema('KubeProxy', 'kube-proxy', {
      ipvs: object({ scheduler: oneOf('rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'sh', 'dh', 'sed', 'nq') }),
      mode: oneOf('iptables', 'ipvs'),
      podAnnotations: texts,
      podLabels: texts,
      resources,
    }),
    versions: versions(
      [
        ['v1.36.0-eksbuild.13', 36, 36, [36], false],
        ['v1.35.0-eksbuild.2', 35, 36, [35], false],
        ['v1.34.0-eksbuild.2', 34, 35, [34], false],
        ['v1.33.0-eksbuild.2', 33, 35, [33], false],
        ['v1.32.3-eksbuild.7', 32, 34, [32], false],
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
          tolerations: everyNode,
          // The agent's chart creates a service account only for its optional probe.
          serviceAccount: 'default',
          // eks-pod-identity-agent, charts/eks-pod-identity-agent/values.yaml.
          maxUnavailable: '10%',
          labels: labels('eks-pod-identity-agent', 'eks-pod-identity-agent'),
          containers: containers({ 'eks-pod-identity-agent': 'eks-pod-identity-agent' }),
          hostNetwork: true,
        },
      ],
    },
    irsaServiceAccounts: [],
    configurationSchema: configurationSchema('Configurable parameters of the EKS Pod Identity Agent', {
      ...podSettings,
      agent: object({ additionalArgs: texts, livenessEndpointAddress: text, probePort: integer }),
      priorityClassName: text,
      updateStrategy: anyObject,
    }),
    versions: versions(
      [
        ['v1.3.10-eksbuild.2', 30, 36, [34, 35, 36], false],
        ['v1.3.8-eksbuild.2', 29, 34, [33], false],
        ['v1.3.4-eksbuild.1', 29, 33, [29, 30, 31, 32], false],
        ['v1.2.0-eksbuild.1', 29, 31, [], false],
      ],
      { requiresIamPermissions: false },
    ),
  },
  {
    // A community add-on: EKS publishes it, its community owns it. It does not support associations
    // (aws/containers-roadmap#2712).
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
        containers: containers({ [name]: name === 'cert-manager' ? 'cert-manager-controller' : name }),
      })),
      customKinds: [
        ...customKinds('cert-manager.io', [
          ['certificates', 'Certificate', ['v1'], ['cert', 'certs']],
          ['certificaterequests', 'CertificateRequest', ['v1'], ['cr', 'crs']],
          ['issuers', 'Issuer', ['v1']],
          ['clusterissuers', 'ClusterIssuer', ['v1'], [], false],
        ]),
        ...customKinds('acme.cert-manager.io', [
          ['challenges', 'Challenge', ['v1']],
          ['orders', 'Order', ['v1']],
        ]),
      ],
    },
    irsaServiceAccounts: ['cert-manager'],
    configurationSchema: configurationSchema('Configurable parameters of cert-manager', {
      ...podSettings,
      cainjector: anyObject,
      replicaCount: replicas(),
      webhook: anyObject,
    }),
    versions: versions(
      [
        ['v1.19.2-eksbuild.1', 33, 36, [34, 35, 36], false],
        ['v1.18.2-eksbuild.2', 29, 33, [31, 32, 33], false],
        ['v1.17.2-eksbuild.2', 29, 33, [29, 30], false],
        ['v1.17.1-eksbuild.1', 29, 32, [], false],
      ],
      { requiresIamPermissions: false },
    ),
  },
];
