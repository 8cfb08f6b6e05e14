/** The resources whose objects may be consumers. The access that `grant-access` gives for them is made from this list. */
/** A resource whose objects may be consumers. */
export interface ConsumerResource {
  /** Empty for the core group. */
  group: string;
  plural: string;
  /** Versions that the service can read, the preferred one first. */
  versions: readonly string[];
  /** The fields of the spec by which consumers are found. */
  fields: readonly string[];
  /** Why it is read: a clause for the access that is granted. */
  why: string;
}

const FLUX_WHY = 'names a service account for AWS in Flux (serviceAccountName)';

/** In the order of the documentation. The versions that the software serves or has served, the newest first. */
export const CONSUMER_RESOURCES: readonly ConsumerResource[] = [
  {
    group: 'external-secrets.io',
    plural: 'secretstores',
    versions: ['v1', 'v1beta1', 'v1alpha1'],
    fields: ['provider'],
    why: 'names a service account whose token External Secrets uses',
  },
  {
    group: 'external-secrets.io',
    plural: 'clustersecretstores',
    versions: ['v1', 'v1beta1', 'v1alpha1'],
    fields: ['provider'],
    why: 'names a service account whose token External Secrets uses',
  },
  {
    group: 'external-secrets.io',
    plural: 'externalsecrets',
    versions: ['v1', 'v1beta1', 'v1alpha1'],
    fields: ['secretStoreRef', 'data', 'dataFrom'],
    why: 'decides in which namespace a cluster-wide store finds its service account',
  },
  {
    group: 'external-secrets.io',
    plural: 'pushsecrets',
    versions: ['v1alpha1'],
    fields: ['secretStoreRefs', 'dataTo', 'selector', 'data'],
    why: 'decides in which namespace a cluster-wide store finds its service account',
  },
  {
    group: 'generators.external-secrets.io',
    plural: 'ecrauthorizationtokens',
    versions: ['v1alpha1'],
    fields: ['auth'],
    why: 'names a service account whose token External Secrets uses',
  },
  {
    group: 'generators.external-secrets.io',
    plural: 'codeartifactauthorizationtokens',
    versions: ['v1alpha1'],
    fields: ['auth'],
    why: 'names a service account whose token External Secrets uses',
  },
  {
    group: 'generators.external-secrets.io',
    plural: 'vaultdynamicsecrets',
    versions: ['v1alpha1'],
    fields: ['provider'],
    why: 'names a service account whose token External Secrets uses',
  },
  {
    group: 'generators.external-secrets.io',
    plural: 'clustergenerators',
    versions: ['v1alpha1'],
    fields: ['generator'],
    why: 'names a service account whose token External Secrets uses',
  },
  {
    group: 'cert-manager.io',
    plural: 'issuers',
    versions: ['v1'],
    fields: ['acme', 'vault'],
    why: 'names a service account whose token cert-manager uses for Route 53',
  },
  {
    group: 'cert-manager.io',
    plural: 'clusterissuers',
    versions: ['v1'],
    fields: ['acme', 'vault'],
    why: 'names a service account whose token cert-manager uses for Route 53',
  },
  {
    group: 'secrets.hashicorp.com',
    plural: 'vaultauths',
    versions: ['v1beta1'],
    fields: ['aws', 'allowedNamespaces'],
    why: 'names a service account whose token the Vault Secrets Operator uses',
  },
  {
    group: 'secrets.hashicorp.com',
    plural: 'vaultauthglobals',
    versions: ['v1beta1'],
    fields: ['aws'],
    why: 'names a service account whose token the Vault Secrets Operator uses',
  },
  {
    group: 'source.toolkit.fluxcd.io',
    plural: 'gitrepositories',
    versions: ['v1', 'v1beta2', 'v1beta1'],
    fields: ['provider', 'serviceAccountName'],
    why: FLUX_WHY,
  },
  {
    group: 'source.toolkit.fluxcd.io',
    plural: 'ocirepositories',
    versions: ['v1', 'v1beta2'],
    fields: ['provider', 'serviceAccountName'],
    why: FLUX_WHY,
  },
  {
    group: 'source.toolkit.fluxcd.io',
    plural: 'buckets',
    versions: ['v1', 'v1beta2', 'v1beta1'],
    fields: ['provider', 'serviceAccountName'],
    why: FLUX_WHY,
  },
  {
    group: 'image.toolkit.fluxcd.io',
    plural: 'imagerepositories',
    versions: ['v1', 'v1beta2', 'v1beta1'],
    fields: ['provider', 'serviceAccountName'],
    why: FLUX_WHY,
  },
  {
    group: 'kustomize.toolkit.fluxcd.io',
    plural: 'kustomizations',
    versions: ['v1', 'v1beta2', 'v1beta1'],
    fields: ['decryption', 'kubeConfig'],
    why: 'names a service account for AWS KMS in Flux (decryption.serviceAccountName)',
  },
  {
    group: 'helm.toolkit.fluxcd.io',
    plural: 'helmreleases',
    versions: ['v2', 'v2beta2', 'v2beta1'],
    fields: ['kubeConfig'],
    why: 'refers to a service account for a remote EKS cluster in Flux (kubeConfig)',
  },
  {
    group: 'fluxcd.controlplane.io',
    plural: 'resourcesetinputproviders',
    versions: ['v1'],
    fields: ['type', 'serviceAccountName'],
    why: FLUX_WHY,
  },
  {
    group: 'keda.sh',
    plural: 'triggerauthentications',
    versions: ['v1alpha1'],
    fields: ['podIdentity', 'awsSecretManager'],
    why: 'makes KEDA use the role of the scaled workload',
  },
  {
    group: 'keda.sh',
    plural: 'clustertriggerauthentications',
    versions: ['v1alpha1'],
    fields: ['podIdentity', 'awsSecretManager'],
    why: 'makes KEDA use the role of the scaled workload',
  },
  {
    group: 'keda.sh',
    plural: 'scaledobjects',
    versions: ['v1alpha1'],
    fields: ['scaleTargetRef', 'triggers'],
    why: 'connects a trigger authentication of KEDA with a workload',
  },
  {
    group: 'keda.sh',
    plural: 'scaledjobs',
    versions: ['v1alpha1'],
    fields: ['jobTargetRef', 'triggers'],
    why: 'connects a trigger authentication of KEDA with a service account',
  },
  {
    group: 'aws.upbound.io',
    plural: 'providerconfigs',
    versions: ['v1beta1'],
    fields: ['credentials'],
    why: 'decides from where a Crossplane provider gets its credentials',
  },
  {
    group: 'aws.m.upbound.io',
    plural: 'providerconfigs',
    versions: ['v1beta1'],
    fields: ['credentials'],
    why: 'decides from where a Crossplane provider gets its credentials',
  },
  {
    group: 'aws.m.upbound.io',
    plural: 'clusterproviderconfigs',
    versions: ['v1beta1'],
    fields: ['credentials'],
    why: 'decides from where a Crossplane provider gets its credentials',
  },
  {
    group: 'aws.crossplane.io',
    plural: 'providerconfigs',
    versions: ['v1beta1'],
    fields: ['credentials', 'assumeRole', 'assumeRoleARN', 'assumeRoleWithWebIdentity'],
    why: 'decides from where a Crossplane provider gets its credentials',
  },
  {
    group: '',
    plural: 'persistentvolumes',
    versions: ['v1'],
    fields: ['claimRef', 'csi'],
    why: 'shows which volumes of Amazon S3 use the service account of their pods',
  },
  {
    group: 'secrets-store.csi.x-k8s.io',
    plural: 'secretproviderclasses',
    versions: ['v1', 'v1alpha1'],
    fields: ['provider', 'parameters'],
    why: 'shows which mounted secrets of AWS use the service account of their pods',
  },
];
