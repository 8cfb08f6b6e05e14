/** Builds the manifests of an add-on's objects, as EKS applies them. */
import { copyOf } from '../json.ts';
import type {
  AddonObjects,
  Container,
  ContainerTemplate,
  DaemonSetSpec,
  DeploymentSpec,
  PodSettings,
  PodTemplate,
  StatefulSetSpec,
  Workload,
  WorkloadTemplate,
} from '../objects/objects.ts';
import type { PodPlacement } from '../world/nodes.ts';
import type { MountedVolume } from '../objects/volumes.ts';

const containerOf = (
  { sdk: _sdk, ...container }: ContainerTemplate,
  volumes: readonly MountedVolume[] = [],
): Container => {
  const mounts = volumes.map(({ volume: { name }, mountPath }) => ({ name, mountPath }));
  return { ...copyOf(container), ...(mounts.length > 0 ? { volumeMounts: mounts } : {}) };
};

/** Returns the part of a pod template that decides on which nodes the pods can be. */
export const placementOf = (workload: WorkloadTemplate): PodPlacement => ({
  metadata: { labels: { ...workload.labels } },
  spec: {
    ...(workload.hostNetwork === true ? { hostNetwork: true } : {}),
    nodeSelector: { 'kubernetes.io/os': 'linux', ...workload.nodeSelector },
    ...(workload.tolerations ? { tolerations: copyOf(workload.tolerations) } : {}),
  },
});

const podTemplate = (workload: WorkloadTemplate): PodTemplate => ({
  metadata: {
    labels: { ...workload.labels },
    ...(workload.podAnnotations ? { annotations: { ...workload.podAnnotations } } : {}),
  },
  spec: {
    serviceAccountName: workload.serviceAccount,
    ...placementOf(workload).spec,
    ...(workload.initContainers
      ? { initContainers: workload.initContainers.map((each) => containerOf(each, workload.volumes)) }
      : {}),
    containers: workload.containers.map((each) => containerOf(each, workload.volumes)),
    ...(workload.volumes ? { volumes: workload.volumes.map(({ volume }) => copyOf(volume)) } : {}),
  },
});

const minReadySecondsOf = ({ minReadySeconds }: WorkloadTemplate): { minReadySeconds?: number } =>
  minReadySeconds === undefined ? {} : { minReadySeconds };

const deploymentSpec = (workload: WorkloadTemplate): DeploymentSpec => ({
  replicas: workload.replicas ?? 1,
  ...minReadySecondsOf(workload),
  revisionHistoryLimit: 10,
  selector: { matchLabels: { ...workload.labels } },
  strategy:
    workload.updateStrategy === 'Recreate'
      ? { type: 'Recreate' }
      : {
          type: 'RollingUpdate',
          rollingUpdate: { maxSurge: workload.maxSurge ?? '25%', maxUnavailable: workload.maxUnavailable ?? '25%' },
        },
  template: podTemplate(workload),
  ...(workload.paused === true ? { paused: true } : {}),
});

const updateStrategyOf = <T>(
  { updateStrategy }: WorkloadTemplate,
  rollingUpdate: T,
): { type: string; rollingUpdate?: T } =>
  updateStrategy === undefined ? { type: 'RollingUpdate', rollingUpdate } : { type: updateStrategy };

const daemonSetSpec = (workload: WorkloadTemplate): DaemonSetSpec => ({
  ...minReadySecondsOf(workload),
  selector: { matchLabels: { ...workload.labels } },
  updateStrategy: updateStrategyOf(workload, { maxSurge: 0, maxUnavailable: workload.maxUnavailable ?? 1 }),
  template: podTemplate(workload),
});

const statefulSetSpec = (workload: WorkloadTemplate): StatefulSetSpec => ({
  replicas: workload.replicas ?? 1,
  ...minReadySecondsOf(workload),
  revisionHistoryLimit: 10,
  serviceName: workload.name,
  podManagementPolicy: 'OrderedReady',
  selector: { matchLabels: { ...workload.labels } },
  updateStrategy: updateStrategyOf(workload, { partition: 0 }),
  template: podTemplate(workload),
});

const SPECS: { [K in Workload['kind']]: (workload: WorkloadTemplate) => Extract<Workload, { kind: K }>['spec'] } = {
  Deployment: deploymentSpec,
  DaemonSet: daemonSetSpec,
  StatefulSet: statefulSetSpec,
};

/** Returns everything that EKS sets of a workload except its name. */
export const manifestOf = (
  workload: WorkloadTemplate,
): { metadata: { labels: Record<string, string>; annotations?: Record<string, string> }; spec: Workload['spec'] } => ({
  metadata: {
    labels: { ...workload.labels },
    ...(workload.annotations ? { annotations: { ...workload.annotations } } : {}),
  },
  spec: SPECS[workload.kind](workload),
});

/**
 * Returns an add-on's objects with the user's pod settings applied. A node selector does not apply to DaemonSets, which
 * run on every node.
 */
export const withPodSettings = (objects: AddonObjects, settings: PodSettings | undefined): AddonObjects => {
  if (!settings) return objects;
  const configured = (workload: WorkloadTemplate, container: ContainerTemplate): ContainerTemplate => {
    const isFor = (setting: { workload?: string; container?: string }): boolean =>
      (setting.workload ?? workload.name) === workload.name && (setting.container ?? container.name) === container.name;
    const added = settings.env.filter(isFor);
    const replaced = settings.software.filter(isFor);
    if (added.length === 0 && replaced.length === 0) return container;
    const env = [
      ...(container.env ?? []),
      ...added.map(({ workload: _workload, container: _container, ...variable }) => variable),
    ];
    return {
      ...container,
      ...(env.length > 0 ? { env } : {}),
      ...Object.assign({}, ...replaced.map(({ workload: _workload, container: _container, ...software }) => software)),
    };
  };
  const { replicas, maxUnavailable, readySeconds } = settings;
  return {
    ...objects,
    workloads: objects.workloads.map((workload) => ({
      ...workload,
      ...(replicas === undefined || workload.kind === 'DaemonSet' ? {} : { replicas }),
      ...(maxUnavailable === undefined || workload.kind !== 'DaemonSet' ? {} : { maxUnavailable }),
      ...(readySeconds === undefined ? {} : { readySeconds }),
      containers: workload.containers.map((container) => configured(workload, container)),
      ...(workload.kind !== 'DaemonSet' && settings.nodeSelector
        ? { nodeSelector: { ...workload.nodeSelector, ...settings.nodeSelector } }
        : {}),
    })),
  };
};
