/**
 * The one place to add an add-on. What DescribeAddonConfiguration answers goes before all of it; this registry adds
 * what the API does not say. Source: EKS User Guide, "AWS add-ons" and "IAM roles for Amazon EKS add-ons".
 */
export interface KnownAddon {
  /** Where its service accounts live, unless the add-on was created with a namespaceConfig. */
  namespace: string;
  /** `networking`: without its DaemonSet new pods get no address, so it is never deleted without preserve. */
  risk: 'ordinary' | 'networking';
  /** False for add-ons that call no AWS API and so have nothing to migrate. */
  needsIam: boolean;
}

const ordinary = (namespace = 'kube-system'): KnownAddon => ({ namespace, risk: 'ordinary', needsIam: true });
const withoutIam = (risk: KnownAddon['risk'] = 'ordinary', namespace = 'kube-system'): KnownAddon => ({ namespace, risk, needsIam: false });

const registry: Record<string, KnownAddon> = {
  'aws-ebs-csi-driver': ordinary(),
  'aws-efs-csi-driver': ordinary(),
  'aws-fsx-csi-driver': ordinary(),
  'aws-mountpoint-s3-csi-driver': ordinary(),
  'vpc-cni': { namespace: 'kube-system', risk: 'networking', needsIam: true },
  adot: ordinary('opentelemetry-operator-system'),
  'amazon-cloudwatch-observability': ordinary('amazon-cloudwatch'),
  'aws-network-flow-monitoring-agent': ordinary('amazon-network-flow-monitor'),
  'aws-privateca-connector-for-kubernetes': ordinary('aws-privateca-issuer'),
  coredns: withoutIam('networking'),
  'kube-proxy': withoutIam('networking'),
  'eks-pod-identity-agent': withoutIam(),
  'eks-node-monitoring-agent': withoutIam(),
  'snapshot-controller': withoutIam(),
  'metrics-server': withoutIam(),
  'kube-state-metrics': withoutIam('ordinary', 'kube-state-metrics'),
  'prometheus-node-exporter': withoutIam('ordinary', 'prometheus-node-exporter'),
};

/** The add-on that runs the Pod Identity agent, and the DaemonSet of the same name that it makes. */
export const AGENT_ADDON = 'eks-pod-identity-agent';

export const knownAddon = (name: string): KnownAddon | undefined => (Object.hasOwn(registry, name) ? registry[name] : undefined);
