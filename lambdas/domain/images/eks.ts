/** Images of EKS add-ons and of AWS's own controllers. */
import type { KnownAddonVersion, KnownImage } from './model.ts';
import { atTag, from, guideSdks, guideTable, noCalls } from './sources.ts';

/** The EKS User Guide's table of add-ons. Its "No" for the Mountpoint driver is older than that driver's version 2. */
export const ADDON_VERSIONS: readonly KnownAddonVersion[] = [
  ['aws-ebs-csi-driver', 'Amazon EBS CSI Driver', 'v1.26.0-eksbuild.1'],
  ['vpc-cni', 'Amazon VPC CNI', 'v1.15.5-eksbuild.1'],
  ['aws-efs-csi-driver', 'Amazon EFS CSI Driver', 'v2.0.5-eksbuild.1'],
  ['adot', 'AWS Distro for OpenTelemetry', 'v0.94.1-eksbuild.1'],
  ['amazon-cloudwatch-observability', 'Amazon CloudWatch Observability agent', 'v3.1.0-eksbuild.1'],
].map(([addon = '', title = '', minimum = '']) => ({ addon, minimum, source: guideTable(title, minimum) }));

const CERTAIN = { sure: 'certain' } as const;

const STORAGE: readonly KnownImage[] = [
  from(
    'Amazon EBS CSI driver',
    ['aws-ebs-csi-driver'],
    '1.26.0',
    guideTable('Amazon EBS CSI Driver', 'v1.26.0-eksbuild.1'),
    CERTAIN,
  ),
  from(
    'Amazon EFS CSI driver',
    ['aws-efs-csi-driver'],
    '2.0.5',
    guideTable('Amazon EFS CSI Driver', 'v2.0.5-eksbuild.1'),
    CERTAIN,
  ),
  from(
    'Amazon FSx CSI driver',
    ['aws-fsx-csi-driver'],
    '1.2.0',
    atTag('kubernetes-sigs/aws-fsx-csi-driver', 'v1.2.0', 'aws-sdk-go 1.50.21', '1.1.0: 1.47.4'),
  ),
  from(
    'Mountpoint for Amazon S3 CSI driver',
    ['aws-mountpoint-s3-csi-driver', 'aws-s3-csi-driver'],
    '2.0.0',
    {
      url: 'https://github.com/awslabs/mountpoint-s3-csi-driver/blob/v2.0.0/docs/CONFIGURATION.md',
      says: '"Driver-Level Credentials with EKS Pod Identity", which version 2 introduces',
    },
    CERTAIN,
  ),
];

const NETWORKING: readonly KnownImage[] = [
  from(
    'Amazon VPC CNI',
    ['amazon-k8s-cni', 'amazon-k8s-cni-init'],
    '1.15.5',
    guideTable('Amazon VPC CNI', 'v1.15.5-eksbuild.1'),
    CERTAIN,
  ),
  from(
    'Amazon VPC network policy agent',
    ['aws-network-policy-agent'],
    '1.0.8',
    atTag('aws/aws-network-policy-agent', 'v1.0.8', 'aws-sdk-go 1.50.9', '1.0.7: 1.47.5'),
  ),
  from(
    'AWS Load Balancer Controller',
    ['aws-load-balancer-controller'],
    '2.7.0',
    atTag('kubernetes-sigs/aws-load-balancer-controller', 'v2.7.0', 'aws-sdk-go 1.50.8', '2.6.2: 1.44.294'),
  ),
  from(
    'AWS Gateway API Controller',
    ['aws-gateway-controller'],
    '1.0.4',
    atTag('aws/aws-application-networking-k8s', 'v1.0.4', 'aws-sdk-go 1.50.3', '1.0.3: 1.44.321'),
  ),
];

const OBSERVABILITY: readonly KnownImage[] = [
  from(
    'CloudWatch agent',
    ['cloudwatch-agent'],
    '1.300032.0',
    atTag('aws/amazon-cloudwatch-agent', 'v1.300032.0', 'aws-sdk-go 1.48.6', '1.300031.1: 1.45.24'),
  ),
  from(
    'AWS Distro for OpenTelemetry collector',
    ['aws-otel-collector'],
    '0.36.0',
    atTag('aws-observability/aws-otel-collector', 'v0.36.0', 'aws-sdk-go 1.48.5', '0.35.1: 1.45.26'),
  ),
  from(
    'AWS for Fluent Bit',
    ['aws-for-fluent-bit'],
    '2.32.5',
    {
      url: 'https://github.com/aws/aws-for-fluent-bit/pull/888',
      says: '"Release 2.32.5: Adds Pod Identity feature to Fluent Bit"',
    },
    CERTAIN,
  ),
  from(
    'AWS SigV4 proxy',
    ['aws-sigv4-proxy'],
    '1.9.0',
    atTag('awslabs/aws-sigv4-proxy', 'v1.9', 'aws-sdk-go 1.54.19', '1.8: 1.44.233'),
  ),
];

const SECURITY_AND_NODES: readonly KnownImage[] = [
  from(
    'AWS Private CA issuer',
    ['cert-manager-aws-privateca-issuer', 'aws-privateca-issuer'],
    '1.2.7',
    atTag('cert-manager/aws-privateca-issuer', 'v1.2.7', 'aws-sdk-go-v2/config 1.26.2', '1.2.6: 1.19.0'),
  ),
  from(
    'AWS provider for the Secrets Store CSI driver',
    ['secrets-store-csi-driver-provider-aws'],
    '2.0.0',
    {
      url: 'https://github.com/aws/secrets-store-csi-driver-provider-aws/pull/416',
      says: 'adds EKS Pod Identity, merged on 2025-02-10; 2.0.0 is of 2025-07-23',
    },
    {
      sure: 'certain',
      note: 'Builds with tags such as `1.0.r2-80-…` of February 2025 or later have it too; these tags are not versions, and count as unknown. It also needs `usePodIdentity` in the SecretProviderClass.',
    },
  ),
  from(
    'Karpenter',
    ['karpenter/controller'],
    '0.32.2',
    atTag('aws/karpenter-provider-aws', 'v0.32.2', 'aws-sdk-go 1.48.0', '0.32.1: 1.46.7'),
  ),
  from(
    'AWS Node Termination Handler',
    ['aws-node-termination-handler'],
    '1.21.0',
    atTag('aws/aws-node-termination-handler', 'v1.21.0', 'aws-sdk-go 1.50.30', '1.20.0: 1.44.284'),
  ),
  from(
    'Cluster API Provider AWS',
    ['cluster-api-aws-controller'],
    '2.5.0',
    atTag('kubernetes-sigs/cluster-api-provider-aws', 'v2.5.0', 'aws-sdk-go 1.51.17', '2.4.2: 1.45.26'),
  ),
  from('AWS CLI', ['aws-cli/aws-cli', 'amazon/aws-cli'], '2.15.0', guideSdks('AWS CLI v2: 2.15.0'), CERTAIN),
];

const ackController = (service: string, minimum: string, sdk: string, before: string): KnownImage =>
  from(
    `ACK controller for ${service}`,
    [`aws-controllers-k8s/${service.toLowerCase()}-controller`],
    minimum,
    atTag(`aws-controllers-k8s/${service.toLowerCase()}-controller`, `v${minimum}`, `aws-sdk-go ${sdk}`, before),
  );

const ACK: readonly KnownImage[] = [
  ackController('S3', '1.0.7', '1.49.0', '1.0.6: 1.44.93'),
  ackController('IAM', '1.3.2', '1.49.0', '1.3.1: 1.44.93'),
  ackController('RDS', '1.1.9', '1.49.0', '1.1.8: 1.44.232'),
  ackController('EC2', '1.1.2', '1.49.0', '1.1.1: 1.44.93'),
  ackController('DynamoDB', '1.2.6', '1.49.0', '1.2.5: 1.45.3'),
  ackController('EKS', '1.1.0', '1.48.4', '1.0.5: 1.44.195'),
  ackController('SQS', '1.0.7', '1.49.0', '1.0.6: 1.44.93'),
];

const csi = (component: string, repositories: readonly string[], project: string, tag: string): KnownImage =>
  noCalls(component, repositories, {
    url: `https://github.com/${project}/blob/${tag}/go.mod`,
    says: 'requires no AWS SDK',
  });

/** Containers next to a driver or a controller, which talk to the API server and to their neighbour only. */
const SIDECARS: readonly KnownImage[] = [
  csi(
    'CSI provisioner',
    ['csi-provisioner', 'kubernetes-csi/external-provisioner'],
    'kubernetes-csi/external-provisioner',
    'v6.3.0',
  ),
  csi(
    'CSI attacher',
    ['csi-attacher', 'kubernetes-csi/external-attacher'],
    'kubernetes-csi/external-attacher',
    'v4.12.0',
  ),
  csi('CSI resizer', ['csi-resizer', 'kubernetes-csi/external-resizer'], 'kubernetes-csi/external-resizer', 'v2.2.1'),
  csi(
    'CSI snapshotter and snapshot controller',
    ['csi-snapshotter', 'snapshot-controller'],
    'kubernetes-csi/external-snapshotter',
    'v8.6.0',
  ),
  csi('CSI liveness probe', ['livenessprobe'], 'kubernetes-csi/livenessprobe', 'v2.19.0'),
  csi(
    'CSI node driver registrar',
    ['csi-node-driver-registrar', 'kubernetes-csi/node-driver-registrar'],
    'kubernetes-csi/node-driver-registrar',
    'v2.17.0',
  ),
  csi('volume modifier', ['volume-modifier-for-k8s'], 'awslabs/volume-modifier-for-k8s', 'v0.9.5'),
  csi('kube-rbac-proxy', ['kube-rbac-proxy'], 'brancz/kube-rbac-proxy', 'v0.21.0'),
];

export const EKS_IMAGES: readonly KnownImage[] = [
  ...STORAGE,
  ...NETWORKING,
  ...OBSERVABILITY,
  ...SECURITY_AND_NODES,
  ...ACK,
  ...SIDECARS,
];
