/** Images of software that AWS does not publish. */
import type { KnownImage } from './model.ts';
import { atTag, from, never, noCalls } from './sources.ts';

const NETWORKING_AND_SECURITY: readonly KnownImage[] = [
  from(
    'ExternalDNS',
    ['external-dns'],
    '0.14.1',
    atTag('kubernetes-sigs/external-dns', 'v0.14.1', 'aws-sdk-go 1.51.1', '0.14.0: 1.44.311'),
  ),
  from(
    'CoreDNS',
    ['coredns'],
    '1.11.3',
    atTag('coredns/coredns', 'v1.11.3', 'aws-sdk-go 1.51.25', '1.11.1: 1.44.322'),
    { note: 'Only its plugin `route53` calls AWS.' },
  ),
  from(
    'cert-manager',
    ['cert-manager-controller', 'bitnami/cert-manager'],
    '1.14.0',
    {
      url: 'https://github.com/cert-manager/cert-manager/pull/6519',
      says: '"Updates the AWS SDK for Go to 1.48.7 to support Amazon EKS Pod Identity"; "this will be part of the 1.14 release"',
    },
    { sure: 'certain' },
  ),
  noCalls(
    'cert-manager webhook, CA injector and ACME solver',
    ['cert-manager-webhook', 'cert-manager-cainjector', 'cert-manager-acmesolver'],
    {
      url: 'https://github.com/cert-manager/cert-manager/tree/v1.15.0/cmd',
      says: 'the go.mod of webhook, cainjector and acmesolver require no AWS SDK; that of controller does',
    },
  ),
  from(
    'External Secrets Operator',
    ['external-secrets/external-secrets', 'bitnami/external-secrets'],
    '0.9.10',
    atTag('external-secrets/external-secrets', 'v0.9.10', 'aws-sdk-go 1.48.16', '0.9.9: 1.47.3'),
    {
      backports: ['0.8.10'],
      note: 'A store with `auth.jwt` uses the token of another service account, for which there is no EKS Pod Identity at any version (external-secrets/external-secrets#2951).',
    },
  ),
  never(
    'Kubernetes External Secrets',
    ['external-secrets/kubernetes-external-secrets', 'godaddy/kubernetes-external-secrets'],
    '8.5.5',
    {
      url: 'https://github.com/external-secrets/kubernetes-external-secrets/blob/8.5.5/package.json',
      says: 'aws-sdk ^2.628.0, of May 2022, and its last release; JavaScript v2 needs 2.1550.0',
    },
    'It is archived; the External Secrets Operator replaces it.',
  ),
];

const AUTOSCALING_AND_DELIVERY: readonly KnownImage[] = [
  from(
    'Cluster Autoscaler',
    ['cluster-autoscaler'],
    '1.28.3',
    atTag(
      'kubernetes/autoscaler',
      'cluster-autoscaler-1.28.3',
      'aws-sdk-go 1.48.7',
      '1.28.2: 1.44.24',
      'cluster-autoscaler/cloudprovider/aws/aws-sdk-go/aws/version.go',
    ),
    { backports: ['1.26.7', '1.27.6'] },
  ),
  from(
    'KEDA operator',
    ['kedacore/keda'],
    '2.13.0',
    atTag('kedacore/keda', 'v2.13.0', 'aws-sdk-go-v2/config 1.26.4', '2.12.1: 1.18.42'),
  ),
  from(
    'Argo CD',
    ['argoproj/argocd', 'bitnami/argo-cd'],
    '2.10.2',
    atTag('argoproj/argo-cd', 'v2.10.2', 'aws-sdk-go 1.50.8', '2.10.1: 1.44.317'),
    { note: 'The secret of a cluster must not have `roleARN` then (argoproj/argo-cd#17064).' },
  ),
  from(
    'Argo Workflows',
    ['argoproj/workflow-controller', 'argoproj/argoexec', 'argoproj/argocli'],
    '3.6.2',
    atTag('argoproj/argo-workflows', 'v3.6.2', 'minio-go 7.0.77', '3.6.0: 7.0.66'),
  ),
  from(
    'Argo Rollouts',
    ['argoproj/argo-rollouts'],
    '1.7.0',
    atTag('argoproj/argo-rollouts', 'v1.7.0', 'aws-sdk-go-v2/config 1.27.10', '1.6.6: 1.19.1'),
  ),
  from(
    'Flux source controller',
    ['fluxcd/source-controller'],
    '1.3.0',
    atTag('fluxcd/source-controller', 'v1.3.0', 'minio-go 7.0.70'),
    { note: 'For repositories in Amazon ECR, 1.2.1 is enough: it requires aws-sdk-go-v2/config 1.25.11.' },
  ),
  from(
    'Flux kustomize controller',
    ['fluxcd/kustomize-controller'],
    '1.2.0',
    atTag('fluxcd/kustomize-controller', 'v1.2.0', 'aws-sdk-go-v2/config 1.26.1', '1.1.1: 1.18.36'),
  ),
  from(
    'Flux image reflector controller',
    ['fluxcd/image-reflector-controller'],
    '0.31.1',
    atTag('fluxcd/image-reflector-controller', 'v0.31.1', 'aws-sdk-go-v2/config 1.26.1', '0.31.0: 1.18.36'),
  ),
  from(
    'Crossplane provider for AWS (Upjet)',
    ['provider-aws-*', 'provider-family-aws'],
    '1.12.0',
    {
      url: 'https://github.com/crossplane-contrib/provider-upjet-aws/blob/v1.12.0/internal/clients/provider_config.go',
      says: 'has the source `PodIdentity` of a ProviderConfig, which 1.11.0 does not have',
    },
    { sure: 'certain', note: 'The ProviderConfig has to name the source `PodIdentity` instead of `IRSA`.' },
  ),
];

const OBSERVABILITY: readonly KnownImage[] = [
  from(
    'Prometheus',
    ['prometheus/prometheus', 'prom/prometheus', 'bitnami/prometheus'],
    '2.49.0',
    atTag('prometheus/prometheus', 'v2.49.0', 'aws-sdk-go 1.48.14', '2.48.1: 1.45.25'),
  ),
  from(
    'Thanos',
    ['thanos/thanos', 'thanosio/thanos', 'bitnami/thanos'],
    '0.36.0',
    {
      url: 'https://github.com/thanos-io/thanos/pull/7335',
      says: '"Update minio-go to v7.0.70 which includes support for EKS Pod Identity", in the changelog of 0.36.0',
    },
    { sure: 'certain', note: 'With `aws_sdk_auth: true` in its object storage, 0.39.0: aws-sdk-go-v2/config 1.29.15.' },
  ),
  from(
    'Cortex',
    ['cortexproject/cortex'],
    '1.17.0',
    atTag('cortexproject/cortex', 'v1.17.0', 'aws-sdk-go 1.50.32 and minio-go 7.0.69', '1.16.1: 1.45.24'),
  ),
  from(
    'Grafana Loki',
    ['grafana/loki', 'bitnami/grafana-loki'],
    '3.0.0',
    atTag('grafana/loki', 'v3.0.0', 'aws-sdk-go 1.50.32', '2.9.17: 1.44.321'),
    { note: 'With `use_thanos_objstore: true`, 3.1.1: minio-go 7.0.72.' },
  ),
  from(
    'Grafana Tempo',
    ['grafana/tempo', 'bitnami/grafana-tempo'],
    '2.6.0',
    atTag('grafana/tempo', 'v2.6.0', 'minio-go 7.0.70', '2.5.0: 7.0.63'),
  ),
  from(
    'Grafana Alloy',
    ['grafana/alloy'],
    '1.0.0',
    atTag('grafana/alloy', 'v1.0.0', 'aws-sdk-go 1.50.27 and aws-sdk-go-v2/config 1.27.4', 'its first version'),
  ),
  from(
    'VictoriaMetrics and vmagent',
    ['victoriametrics/vmagent', 'victoriametrics/victoria-metrics'],
    '1.114.0',
    {
      url: 'https://docs.victoriametrics.com/victoriametrics/changelog/changelog_2025/#v11140',
      says: '"vmsingle and vmagent: support AWS EKS Pod Identity" (VictoriaMetrics/VictoriaMetrics#5780)',
    },
    { sure: 'certain' },
  ),
  from(
    'Fluent Bit',
    ['fluent-bit'],
    '3.2.10',
    {
      url: 'https://github.com/fluent/fluent-bit/pull/10115',
      says: '"aws: add support for EKS Pod Identity"; src/aws has AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE in v3.2.10 and v4.0.0, but not in v3.2.9',
    },
    { sure: 'certain' },
  ),
  from(
    'Vector',
    ['timberio/vector'],
    '0.46.0',
    atTag('vectordotdev/vector', 'v0.46.0', 'aws-config 1.5.18', '0.45.0: 1.0.1', 'Cargo.lock'),
  ),
  from(
    'YACE, the CloudWatch exporter',
    ['yet-another-cloudwatch-exporter'],
    '0.56.0',
    atTag(
      'prometheus-community/yet-another-cloudwatch-exporter',
      'v0.56.0',
      'aws-sdk-go 1.49.19 and aws-sdk-go-v2/config 1.26.3',
      '0.55.0: 1.45.7 and 1.18.39',
    ),
  ),
];

const DATA: readonly KnownImage[] = [
  from(
    'Velero',
    ['velero/velero', 'bitnami/velero'],
    '1.14.0',
    atTag('vmware-tanzu/velero', 'v1.14.0', 'aws-sdk-go-v2/config 1.26.3', '1.13.2: 1.18.42'),
  ),
  from(
    'Velero plugin for AWS',
    ['velero-plugin-for-aws'],
    '1.10.0',
    atTag('vmware-tanzu/velero-plugin-for-aws', 'v1.10.0', 'aws-sdk-go-v2/config 1.26.3', '1.9.2: 1.18.42'),
  ),
  from(
    'Litestream',
    ['litestream/litestream'],
    '0.5.0',
    atTag('benbjohnson/litestream', 'v0.5.0', 'aws-sdk-go-v2/config 1.30.2', '0.3.14: aws-sdk-go 1.44.318'),
  ),
  from(
    'Distribution (registry)',
    ['library/registry', 'distribution/distribution'],
    '3.0.0',
    atTag('distribution/distribution', 'v3.0.0', 'aws-sdk-go 1.55.5', '2.8.3 vendors 1.15.11'),
  ),
  never(
    'Harbor registry',
    ['goharbor/registry-photon'],
    '2.12.4',
    {
      url: 'https://github.com/goharbor/harbor/blob/v2.12.4/Makefile',
      says: 'builds Distribution v2.8.3 (REGISTRY_SRC_TAG), which vendors aws-sdk-go 1.15.11',
    },
    'Later versions build a branch, which was not read.',
  ),
  from(
    'Harbor core and job service',
    ['goharbor/harbor-core', 'goharbor/harbor-jobservice'],
    '2.11.0',
    atTag('goharbor/harbor', 'v2.11.0', 'aws-sdk-go 1.50.24', '2.10.3: 1.34.28', 'src/go.mod'),
  ),
  from(
    'ChartMuseum',
    ['chartmuseum'],
    '0.16.2',
    atTag('helm/chartmuseum', 'v0.16.2', 'aws-sdk-go 1.47.11', '0.16.1: 1.44.288'),
  ),
  from(
    'OpenCost',
    ['opencost/opencost'],
    '1.109.0',
    atTag(
      'opencost/opencost',
      'v1.109.0',
      'aws-sdk-go 1.50.8 and aws-sdk-go-v2/config 1.26.6',
      '1.108.1: 1.44.153 and 1.13.1',
    ),
  ),
  never('s5cmd', ['peakcom/s5cmd'], '2.3.0', {
    url: 'https://github.com/peak/s5cmd/blob/v2.3.0/go.mod',
    says: 'aws-sdk-go 1.44.298, in its newest version',
  }),
  never('Vroom (Sentry)', ['getsentry/vroom'], '26.7.1', {
    url: 'https://github.com/getsentry/vroom/blob/26.7.1/go.mod',
    says: 'aws-sdk-go 1.44.200 and aws-sdk-go-v2/config 1.18.12, in its newest version',
  }),
];

export const COMMUNITY_IMAGES: readonly KnownImage[] = [
  ...NETWORKING_AND_SECURITY,
  ...AUTOSCALING_AND_DELIVERY,
  ...OBSERVABILITY,
  ...DATA,
];
