/** An add-on's objects as EKS would apply them. */
import type { DaemonSetSpec, DeploymentSpec, PodTemplate, WorkloadTemplate } from './objects.ts';

const podTemplate = (workload: WorkloadTemplate): PodTemplate => ({
  metadata: { labels: { ...workload.labels }, ...(workload.podAnnotations ? { annotations: { ...workload.podAnnotations } } : {}) },
  spec: {
    serviceAccountName: workload.serviceAccount,
    ...(workload.hostNetwork === true ? { hostNetwork: true } : {}),
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    ...(workload.initContainers ? { initContainers: workload.initContainers.map((container) => ({ ...container })) } : {}),
    containers: workload.containers.map((container) => ({ ...container })),
  },
});

export const deploymentSpec = (workload: WorkloadTemplate): DeploymentSpec => ({
  replicas: workload.replicas ?? 1,
  revisionHistoryLimit: 10,
  selector: { matchLabels: { ...workload.labels } },
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
  template: podTemplate(workload),
});

export const daemonSetSpec = (workload: WorkloadTemplate): DaemonSetSpec => ({
  selector: { matchLabels: { ...workload.labels } },
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
  template: podTemplate(workload),
});

/** All that EKS sets of a workload, beside its name. */
export const manifestOf = (workload: WorkloadTemplate): { metadata: { labels: Record<string, string> }; spec: DeploymentSpec | DaemonSetSpec } => ({
  metadata: { labels: { ...workload.labels } },
  spec: workload.kind === 'Deployment' ? deploymentSpec(workload) : daemonSetSpec(workload),
});
