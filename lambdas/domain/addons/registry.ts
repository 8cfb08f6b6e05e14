/**
 * The one place to add an add-on. What DescribeAddonConfiguration answers goes before all of it; this registry adds
 * what the API does not say. Source: EKS User Guide, "AWS add-ons" and "IAM roles for Amazon EKS add-ons"; the custom
 * resource definitions are those of the charts that each add-on is made from.
 */
import type { CustomResourceKind } from '../kubernetes/objects.ts';

/** A custom resource whose definition comes, and goes, with an add-on. */
export interface OwnedKind {
  group: string;
  plural: string;
  /**
   * Versions that one release or another serves: asked for in turn, since a version that is not served answers like no
   * definition.
   */
  versions: string[];
  /** Names of the instances that the add-on makes itself, in its own namespace: it makes them again. */
  madeByAddon?: string[];
}

export interface KnownAddon {
  /** Where its service accounts live, unless the add-on was created with a namespaceConfig or EKS names another. */
  namespace: string;
  /** `networking`: without its DaemonSet new pods get no address, so it is never deleted without preserve. */
  risk: 'ordinary' | 'networking';
  /** False for add-ons that call no AWS API and so have nothing to migrate. */
  needsIam: boolean;
  /** Deleted with the add-on unless it is preserved, and every instance with them. */
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
  // One for each volume that a pod has mounted. github.com/awslabs/mountpoint-s3-csi-driver, charts.
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
  // github.com/open-telemetry/opentelemetry-operator, config/crd. The collectors of the configuration values are the
  // add-on's own.
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

/** The add-on that runs the Pod Identity agent, and the DaemonSet of the same name that it makes. */
export const AGENT_ADDON = 'eks-pod-identity-agent';

export const knownAddon = (name: string): KnownAddon | undefined =>
  Object.hasOwn(registry, name) ? registry[name] : undefined;

/** An add-on by its name, with the namespace that DescribeAddon shows for it, where it shows one. */
type Placed = { name: string; namespace?: string | undefined };

/**
 * Where an installed add-on's service accounts are: what DescribeAddon shows, else the default namespace that
 * DescribeAddonVersions names, else the registry's. Undefined where none of them says so: an association in a guessed
 * namespace would give no pod an identity.
 */
export const namespaceOf = ({ name, namespace }: Placed, defaultNamespace?: string): string | undefined =>
  namespace ?? defaultNamespace ?? knownAddon(name)?.namespace;

/**
 * The namespace to name in CreateAddon: the one that the add-on has, where it differs from the add-on's default.
 * DescribeAddon shows a namespace also where nobody chose one, and EKS may refuse it for an add-on whose namespace is
 * fixed. Where no default is known, what is shown may have been chosen, and is named.
 */
export const chosenNamespace = ({ name, namespace }: Placed, defaultNamespace?: string): string | undefined =>
  namespace === (defaultNamespace ?? knownAddon(name)?.namespace) ? undefined : namespace;

/** Whether DescribeAddon shows a namespace of which nobody can say whether it was chosen. */
export const mayHaveChosenNamespace = ({ name, namespace }: Placed, defaultNamespace?: string): boolean =>
  namespace !== undefined && (defaultNamespace ?? knownAddon(name)?.namespace) === undefined;

/** For messages: why an add-on's namespace is not known. */
export const NAMESPACE_UNKNOWN =
  'DescribeAddon shows no namespaceConfig, DescribeAddonVersions no defaultNamespace, and this release does not know the add-on';

/** Without it new pods get no network. */
export const isNetworking = (name: string): boolean => knownAddon(name)?.risk === 'networking';

/** What to list to find the instances of an add-on's own kinds. */
export const ownedKinds = (name: string): CustomResourceKind[] =>
  (knownAddon(name)?.customResources ?? []).flatMap(({ group, plural, versions }) =>
    versions.map((version) => ({ group, version, plural })),
  );

/** Names of the instances of a kind that the add-on makes itself. */
export const madeByAddon = (name: string, { group, plural }: Pick<CustomResourceKind, 'group' | 'plural'>): string[] =>
  knownAddon(name)?.customResources.find((one) => one.group === group && one.plural === plural)?.madeByAddon ?? [];
