/** Defaults of workloads and ReplicaSets (k8s.io/kubernetes, pkg/apis/apps/v1/defaults.go). */
import type { Json } from '../../json.ts';
import type { KubeObject } from '../../objects/objects.ts';
import { change, fill } from './fill.ts';
import { withPodSpecDefaults } from './pod-spec.ts';

const ROLLING = 'RollingUpdate';
const REVISIONS = { revisionHistoryLimit: 10 };
const RETENTION = { whenDeleted: 'Retain', whenScaled: 'Retain' };

/** Returns a pod template with its defaults. Versions before 1.34 write the time that no template has. */
const template =
  (minor: number) =>
  (one: Json): Json =>
    change(
      minor < 34 ? { ...one, metadata: { creationTimestamp: null, ...(one['metadata'] as Json | undefined) } } : one,
      'spec',
      withPodSpecDefaults,
    );

const strategy = (given: unknown, rolling: Json): Json => {
  const filled = fill((given ?? {}) as Json, { type: ROLLING });
  return filled['type'] === ROLLING
    ? { ...filled, rollingUpdate: fill((filled['rollingUpdate'] ?? {}) as Json, rolling) }
    : filled;
};

const deployment = (spec: Json): Json => ({
  ...fill(spec, { replicas: 1, ...REVISIONS, progressDeadlineSeconds: 600 }),
  strategy: strategy(spec['strategy'], { maxUnavailable: '25%', maxSurge: '25%' }),
});

const daemonSet = (spec: Json): Json => ({
  ...fill(spec, REVISIONS),
  updateStrategy: strategy(spec['updateStrategy'], { maxUnavailable: 1, maxSurge: 0 }),
});

/** Returns the update strategy of a StatefulSet: a rolling one that says no more gets no `rollingUpdate`. */
const statefulStrategy = (given: unknown): Json => {
  const { type, rollingUpdate } = (given ?? {}) as { type?: string; rollingUpdate?: Json };
  if (type !== undefined && rollingUpdate === undefined) return { type };
  return strategy(given, { partition: 0 });
};

const statefulSet = (spec: Json, minor: number): Json => ({
  ...fill(spec, { replicas: 1, podManagementPolicy: 'OrderedReady', ...REVISIONS }),
  updateStrategy: statefulStrategy(spec['updateStrategy']),
  ...(minor < 27
    ? {}
    : {
        persistentVolumeClaimRetentionPolicy: fill(
          (spec['persistentVolumeClaimRetentionPolicy'] ?? {}) as Json,
          RETENTION,
        ),
      }),
});

const SPECS: Record<string, (spec: Json, minor: number) => Json> = {
  Deployment: deployment,
  DaemonSet: daemonSet,
  StatefulSet: statefulSet,
  ReplicaSet: (spec) => fill(spec, { replicas: 1 }),
};

/** Returns the specification of a workload or ReplicaSet with the defaults of a minor version. */
export const withWorkloadDefaults = ({ kind, spec = {} }: Pick<KubeObject, 'kind' | 'spec'>, minor: number): Json =>
  change(SPECS[kind]?.(spec, minor) ?? spec, 'template', template(minor));
