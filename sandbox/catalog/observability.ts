/** Observability add-ons; each has its own namespace. */
import { containers, customKinds, everyNode, labels, podIdentity, versions } from './build.ts';
import type { CatalogueAddon } from './catalogue.ts';
import {
  affinity,
  anyObject,
  boolean,
  configurationSchema,
  object,
  replicas,
  resources,
  text,
  texts,
  tolerations,
} from './schemas.ts';

const aws = { type: 'observability', publisher: 'eks', owner: 'aws' };
const serviceAccount = object({ annotations: texts, create: boolean, name: text });
const collector = object({ exporters: anyObject, pipelines: anyObject, resources, serviceAccount, tolerations });

export const observability: CatalogueAddon[] = [
  {
    ...aws,
    name: 'adot',
    objects: {
      namespace: 'opentelemetry-operator-system',
      serviceAccounts: [
        'opentelemetry-operator',
        'adot-col-prom-metrics',
        'adot-col-otlp-ingest',
        'adot-col-container-logs',
      ],
      workloads: [
        {
          kind: 'Deployment',
          name: 'opentelemetry-operator',
          serviceAccount: 'opentelemetry-operator',
          replicas: 1,
          labels: labels('adot', 'controller-manager'),
          containers: containers({ manager: 'adot-operator' }),
        },
        {
          kind: 'Deployment',
          name: 'adot-col-prom-metrics-collector',
          serviceAccount: 'adot-col-prom-metrics',
          replicas: 1,
          labels: labels('adot', 'adot-col-prom-metrics'),
          containers: containers({ 'otc-container': 'aws-otel-collector:v0.43.1' }),
        },
        {
          kind: 'Deployment',
          name: 'adot-col-otlp-ingest-collector',
          serviceAccount: 'adot-col-otlp-ingest',
          replicas: 1,
          labels: labels('adot', 'adot-col-otlp-ingest'),
          containers: containers({ 'otc-container': 'aws-otel-collector:v0.43.1' }),
        },
        {
          kind: 'DaemonSet',
          name: 'adot-col-container-logs-collector',
          serviceAccount: 'adot-col-container-logs',
          labels: labels('adot', 'adot-col-container-logs'),
          containers: containers({ 'otc-container': 'aws-otel-collector:v0.43.1' }),
        },
      ],
      customKinds: customKinds('opentelemetry.io', [
        ['opentelemetrycollectors', 'OpenTelemetryCollector', ['v1beta1', 'v1alpha1'], ['otelcol', 'otelcols']],
        ['instrumentations', 'Instrumentation', ['v1alpha1'], ['otelinst', 'otelinsts']],
        ['opampbridges', 'OpAMPBridge', ['v1alpha1']],
        ['targetallocators', 'TargetAllocator', ['v1alpha1']],
      ]),
      customResources: ['adot-col-prom-metrics', 'adot-col-otlp-ingest', 'adot-col-container-logs'].map((name) => ({
        group: 'opentelemetry.io',
        plural: 'opentelemetrycollectors',
        name,
      })),
    },
    // With IRSA, one role serves all three; with associations, each has its own.
    irsaServiceAccounts: ['adot-col-prom-metrics', 'adot-col-otlp-ingest', 'adot-col-container-logs'],
    configurationSchema: configurationSchema('Configurable parameters of the AWS Distro for OpenTelemetry operator', {
      affinity,
      collector: object({ containerLogs: collector, otlpIngest: collector, prometheusMetrics: collector }),
      manager: object({ env: texts, resources }),
      nodeSelector: texts,
      replicaCount: replicas(),
      tolerations,
    }),
    versions: versions(
      [
        ['v0.141.0-eksbuild.1', 33, 36, [34, 35, 36], true],
        ['v0.117.0-eksbuild.1', 30, 33, [32, 33], true],
        ['v0.109.0-eksbuild.2', 29, 32, [29, 30, 31], true],
        ['v0.94.1-eksbuild.1', 29, 30, [], true],
        ['v0.92.1-eksbuild.1', 29, 29, [], false],
      ],
      {
        requiresIamPermissions: true,
        podIdentity: podIdentity({
          'adot-col-prom-metrics': ['AmazonPrometheusRemoteWriteAccess'],
          'adot-col-otlp-ingest': ['AWSXrayWriteOnlyAccess'],
          'adot-col-container-logs': ['CloudWatchAgentServerPolicy'],
        }),
      },
    ),
  },
  {
    ...aws,
    name: 'amazon-cloudwatch-observability',
    objects: {
      namespace: 'amazon-cloudwatch',
      serviceAccounts: ['cloudwatch-agent', 'amazon-cloudwatch-observability-controller-manager'],
      workloads: [
        {
          kind: 'Deployment',
          name: 'amazon-cloudwatch-observability-controller-manager',
          serviceAccount: 'amazon-cloudwatch-observability-controller-manager',
          replicas: 1,
          labels: labels('amazon-cloudwatch-observability', 'controller-manager'),
          containers: containers({ manager: 'observability/cloudwatch-agent-operator:3.6.0' }),
        },
        {
          kind: 'DaemonSet',
          name: 'cloudwatch-agent',
          tolerations: everyNode,
          serviceAccount: 'cloudwatch-agent',
          labels: labels('cloudwatch-agent', 'amazon-cloudwatch-agent'),
          containers: containers({ 'otc-container': 'observability/cloudwatch-agent:1.300071.0' }),
        },
        {
          kind: 'DaemonSet',
          name: 'fluent-bit',
          tolerations: everyNode,
          serviceAccount: 'cloudwatch-agent',
          labels: { ...labels('fluent-bit', 'fluent-bit'), 'k8s-app': 'fluent-bit' },
          containers: containers({ 'fluent-bit': 'observability/aws-for-fluent-bit:2.32.5' }),
        },
      ],
      customKinds: customKinds('cloudwatch.aws.amazon.com', [
        ['amazoncloudwatchagents', 'AmazonCloudWatchAgent', ['v1alpha1'], ['otelcol', 'otelcols']],
        ['instrumentations', 'Instrumentation', ['v1alpha1'], ['otelinst', 'otelinsts']],
        ['dcgmexporters', 'DcgmExporter', ['v1alpha1']],
        ['neuronmonitors', 'NeuronMonitor', ['v1alpha1']],
      ]),
      customResources: [
        { group: 'cloudwatch.aws.amazon.com', plural: 'amazoncloudwatchagents', name: 'cloudwatch-agent' },
        { group: 'cloudwatch.aws.amazon.com', plural: 'dcgmexporters', name: 'dcgm-exporter' },
        { group: 'cloudwatch.aws.amazon.com', plural: 'neuronmonitors', name: 'neuron-monitor' },
      ],
    },
    irsaServiceAccounts: ['cloudwatch-agent'],
    configurationSchema: configurationSchema('Configurable parameters of the Amazon CloudWatch Observability add-on', {
      affinity,
      agent: object({
        config: anyObject,
        enabled: boolean,
        priorityClassName: text,
        resources,
        serviceAccount,
        tolerations,
      }),
      containerLogs: object({ enabled: boolean, fluentBit: object({ config: anyObject, resources }) }),
      manager: object({ applicationSignals: anyObject, resources, tolerations }),
      nodeSelector: texts,
      priorityClassName: text,
      tolerations,
    }),
    versions: versions(
      [
        ['v4.10.2-eksbuild.1', 33, 36, [34, 35, 36], true],
        ['v4.1.0-eksbuild.1', 30, 33, [32, 33], true],
        ['v3.6.0-eksbuild.2', 29, 32, [30, 31], true],
        ['v3.1.0-eksbuild.1', 29, 31, [29], true],
        ['v2.1.2-eksbuild.1', 29, 30, [], false],
      ],
      {
        requiresIamPermissions: true,
        podIdentity: podIdentity({ 'cloudwatch-agent': ['CloudWatchAgentServerPolicy', 'AWSXrayWriteOnlyAccess'] }),
      },
    ),
  },
];
