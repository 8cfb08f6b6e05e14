/**
 * HorizontalPodAutoscalers under changing load. Metrics are not simulated: each time, an autoscaler draws a new number
 * of pods from the seed. It writes the number as kube-controller-manager does, through the subresource `scale`.
 */
import { Random } from '../random.ts';
import type { ScenarioAutoscaler } from '../scenario/scenario-churn.ts';
import { replaceObject } from './controllers.ts';
import { noteWrite } from './managed-fields.ts';
import type { ControlPlane } from './pods.ts';
import { getObject } from '../objects/store.ts';

const OWNER = { manager: 'kube-controller-manager', subresource: 'scale' } as const;

const scale = (
  { world, cluster }: ControlPlane,
  { kind, namespace, name }: ScenarioAutoscaler,
  replicas: number,
  at: number,
): void => {
  const workload = getObject(cluster.kube, kind, namespace, name);
  // An autoscaler is disabled while its workload has 0 replicas (Kubernetes documentation, "Horizontal Pod
  // Autoscaling").
  if (!workload || workload.spec.replicas === 0 || workload.spec.replicas === replicas) return;
  const before = { ...workload };
  replaceObject(world, cluster, workload, { ...workload, spec: { ...workload.spec, replicas } });
  noteWrite(cluster, before, workload, OWNER, at);
};

/** Starts the autoscalers, each with its own random generator. */
export const scheduleAutoscalers = (plane: ControlPlane, autoscalers: readonly ScenarioAutoscaler[]): void => {
  const { schedule, seed } = plane.world;
  for (const [index, autoscaler] of autoscalers.entries()) {
    const { minReplicas, maxReplicas, everySeconds } = autoscaler;
    const random = new Random(seed + index + 1);
    const tick = (at: number): void => {
      scale(plane, autoscaler, minReplicas + random.integer(maxReplicas - minReplicas + 1), at);
      schedule.after(everySeconds * 1000, tick);
    };
    schedule.after(everySeconds * 1000, tick);
  }
};
