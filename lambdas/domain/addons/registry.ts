/**
 * The registry of known add-ons. To support another add-on, add it here. The response of DescribeAddonConfiguration
 * takes
 * precedence; the registry adds what the API does not return. Source: EKS User Guide, "AWS add-ons" and "IAM roles for
 * Amazon EKS add-ons"; the custom resource definitions are those of the add-ons' charts.
 */
import type { CustomResourceKind } from '../kubernetes/objects.ts';

/** A custom resource whose definition is installed and deleted with an add-on. */
export interface OwnedKind {
  group: string;
  plural: string;
  /**
   * Versions that the releases of the add-on serve. They are tried in turn, since a version that is not served looks
   * like
   * a missing definition.
   */
  versions: string[];
  /** Names of the instances that the add-on itself creates in its namespace, and creates again after a deletion. */
  madeByAddon?: string[];
}

export interface KnownAddon {
  /** Namespace of its service accounts, unless the add-on has a namespaceConfig or EKS returns another one. */
  namespace: string;
  /** `networking`: without its DaemonSet new pods get no IP address, so it is never deleted without preserve. */
  risk: 'ordinary' | 'networking';
  /** False for add-ons that call no AWS API, and therefore have nothing to migrate. */
  needsIam: boolean;
  /** Definitions that are deleted with the add-on unless it is preserved, together with all instances. */
  customResources: OwnedKind[];
}

const ordinary = (namespace = 'kube-system', customResources: OwnedKind[] = []): KnownAddon => ({
  namespace,
  risk: 'ordinary',
  needsIam: true,
  customResources,
});
const withoutIam = (
  risk: KnownAddon['risk'] = 'ordinary',
  namespace = 'kube-system',
  customResources: OwnedKind[] = [],
): KnownAddon => ({ namespace, risk, needsIam: false, customResources });

const kinds = (group: string, versions: string[], plurals: Record<string, string[]>): OwnedKind[] =>
  Object.entries(plurals).map(([plural, made]) => ({
    group,
    plural,
    versions,
    ...(made.length > 0 ? { madeByAddon: made } : {}),
  }));

const registry: Record<string, KnownAddon> = {
  'aws-ebs-csi-driver': ordinary(),
  'aws-efs-csi-driver': ordinary(),
  'aws-fsx-csi-driver': ordinary(),
  // One instance per volume that a pod has mounted. github.com/awslabs/mountpoint-s3-csi-driver, charts.
  'aws-mountpoint-s3-csi-driver': ordinary(
    'kube-system',
    kinds('s3.csi.aws.com', ['v2', 'v2beta', 'v1'], { mountpoints3podattachments: [] }),
  ),
  'vpc-cni': {
    namespace: 'kube-system',
    risk: 'networking',
    needsIam: true,
    // github.com/aws/amazon-vpc-cni-k8s, charts/aws-vpc-cni/crds.
    customResources: [
      ...kinds('crd.k8s.amazonaws.com', ['v1alpha1'], { eniconfigs: [] }),
      ...kinds('networking.k8s.aws', ['v1alpha1'], { policyendpoints: [] }),
    ],
  },
  // github.com/open-telemetry/opentelemetry-operator, config/crd. The add-on creates the collectors of its
  // configuration
  // values.
  adot: ordinary(
    'opentelemetry-operator-system',
    kinds('opentelemetry.io', ['v1alpha1'], {
      opentelemetrycollectors: ['adot-col-prom-metrics', 'adot-col-otlp-ingest', 'adot-col-container-logs'],
      instrumentations: [],
      opampbridges: [],
      targetallocators: [],
    }),
  ),
  // github.com/aws-observability/helm-charts, charts/amazon-cloudwatch-observability.
  'amazon-cloudwatch-observability': ordinary(
    'amazon-cloudwatch',
    kinds('cloudwatch.aws.amazon.com', ['v1alpha1'], {
      amazoncloudwatchagents: [
        'cloudwatch-agent',
        'cloudwatch-agent-windows',
        'cloudwatch-agent-windows-container-insights',
      ],
      dcgmexporters: ['dcgm-exporter'],
      instrumentations: [],
      neuronmonitors: ['neuron-monitor'],
    }),
  ),
  'aws-network-flow-monitoring-agent': ordinary('amazon-network-flow-monitor'),
  // github.com/cert-manager/aws-privateca-issuer, config/crd.
  'aws-privateca-connector-for-kubernetes': ordinary(
    'aws-privateca-issuer',
    kinds('awspca.cert-manager.io', ['v1beta1'], { awspcaissuers: [], awspcaclusterissuers: [] }),
  ),
  // kubernetes-sigs/external-dns, charts/external-dns/crds.
  'external-dns': ordinary('external-dns', kinds('externaldns.k8s.io', ['v1alpha1'], { dnsendpoints: [] })),
  coredns: withoutIam('networking'),
  'kube-proxy': withoutIam('networking'),
  'eks-pod-identity-agent': withoutIam(),
  'eks-node-monitoring-agent': withoutIam(),
  // github.com/kubernetes-csi/external-snapshotter, client/config/crd.
  'snapshot-controller': withoutIam('ordinary', 'kube-system', [
    ...kinds('snapshot.storage.k8s.io', ['v1'], {
      volumesnapshots: [],
      volumesnapshotclasses: [],
      volumesnapshotcontents: [],
    }),
    ...kinds('groupsnapshot.storage.k8s.io', ['v1beta2', 'v1beta1', 'v1alpha1'], {
      volumegroupsnapshots: [],
      volumegroupsnapshotclasses: [],
      volumegroupsnapshotcontents: [],
    }),
  ]),
  'metrics-server': withoutIam(),
  'kube-state-metrics': withoutIam('ordinary', 'kube-state-metrics'),
  'prometheus-node-exporter': withoutIam('ordinary', 'prometheus-node-exporter'),
};

/** The name of the add-on that runs the Pod Identity agent, and of the DaemonSet that it creates. */
export const AGENT_ADDON = 'eks-pod-identity-agent';

export const knownAddon = (name: string): KnownAddon | undefined =>
  Object.hasOwn(registry, name) ? registry[name] : undefined;

/** An add-on's name, with its namespace if DescribeAddon returns one. */
type Placed = { name: string; namespace?: string | undefined };

/**
 * Returns the namespace of an installed add-on's service accounts: the one of DescribeAddon, else the default namespace
 * of DescribeAddonVersions, else the one of the registry. Returns `undefined` if none of them has it, since an
 * association
 * in a guessed namespace would not give any pod an identity.
 */
export const namespaceOf = ({ name, namespace }: Placed, defaultNamespace?: string): string | undefined =>
  namespace ?? defaultNamespace ?? knownAddon(name)?.namespace;

/**
 * Returns the namespace to pass to CreateAddon: the add-on's namespace, if it differs from the default. DescribeAddon
 * returns a namespace even if none was chosen, and EKS may refuse it for an add-on with a fixed namespace. If the
 * default
 * is not known, the namespace may have been chosen, and is passed.
 */
export const chosenNamespace = ({ name, namespace }: Placed, defaultNamespace?: string): string | undefined =>
  namespace === (defaultNamespace ?? knownAddon(name)?.namespace) ? undefined : namespace;

/** Returns whether DescribeAddon returns a namespace that may have been chosen, since the default is not known. */
export const mayHaveChosenNamespace = ({ name, namespace }: Placed, defaultNamespace?: string): boolean =>
  namespace !== undefined && (defaultNamespace ?? knownAddon(name)?.namespace) === undefined;

/** Why an add-on's namespace is not known, for messages. */
export const NAMESPACE_UNKNOWN =
  'DescribeAddon returns no namespaceConfig, DescribeAddonVersions returns no defaultNamespace, and this release does not know the add-on';

/** Returns whether new pods get no network without the add-on. */
export const isNetworking = (name: string): boolean => knownAddon(name)?.risk === 'networking';

/** Returns the custom resources to list to find the instances of an add-on's own kinds. */
export const ownedKinds = (name: string): CustomResourceKind[] =>
  (knownAddon(name)?.customResources ?? []).flatMap(({ group, plural, versions }) =>
    versions.map((version) => ({ group, version, plural })),
  );

/** Returns the names of the instances of a kind that the add-on itself creates. */
export const madeByAddon = (name: string, { group, plural }: Pick<CustomResourceKind, 'group' | 'plural'>): string[] =>
  knownAddon(name)?.customResources.find((one) => one.group === group && one.plural === plural)?.madeByAddon ?? [];
