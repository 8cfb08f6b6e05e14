/** Pods that no workload of `apps/v1` creates: those of Jobs and of custom resources, and pods without an owner. */
import { credentialsOfPod } from '../credentials/sessions.ts';
import type { KubeObject, Pod } from '../objects/objects.ts';
import { type ControlPlane, createPod, isActive } from './pods.ts';
import { listObjects, newMetadata, timestamp, touch } from '../objects/store.ts';

export interface ThirdPartyPod {
  namespace: string;
  serviceAccount: string;
  /** Absent for a pod without an owner. */
  owner?: { apiVersion: string; kind: string; name: string };
  /** The pod's name. Generated from the owner's if absent. */
  name?: string;
  /** After how many seconds the pod ends with success; absent if it runs until it is deleted. */
  seconds?: number;
  /** The limit in the pod's spec, which the service reads. */
  activeDeadlineSeconds?: number;
}

/** Ends a pod as the kubelet reports it: its containers have exited with 0. The pod stays until it is deleted. */
const complete = (plane: ControlPlane, pod: Pod): void => {
  if (!isActive(pod)) return;
  const conditions = pod.status.conditions.map((condition) =>
    condition.type.endsWith('Ready')
      ? {
          ...condition,
          status: 'False' as const,
          reason: 'PodCompleted',
          lastTransitionTime: timestamp(plane.world.schedule.now()),
        }
      : condition,
  );
  pod.status = { ...pod.status, phase: 'Succeeded', conditions };
  touch(plane.cluster.kube, pod);
};

/** Creates the pod on a node of the cluster, through the webhook, and returns it. */
export const startPod = (plane: ControlPlane, of: ThirdPartyPod): Pod => {
  const { kube } = plane.cluster;
  const { schedule } = plane.world;
  const { namespace, serviceAccount, owner, seconds, activeDeadlineSeconds } = of;
  const metadata = newMetadata(kube, schedule.now(), { namespace, name: owner?.name ?? of.name ?? 'pod' });
  const controller: KubeObject = { apiVersion: owner?.apiVersion ?? 'v1', kind: owner?.kind ?? 'Pod', metadata };
  const [node] = listObjects(kube, 'Node');
  const pod = createPod(
    plane,
    {
      owner: controller,
      ...(of.name === undefined ? {} : { name: of.name }),
      template: {
        metadata: { labels: {} },
        spec: {
          serviceAccountName: serviceAccount,
          containers: [{ name: 'main', image: 'example.com/task:1.0.0' }],
          ...(activeDeadlineSeconds === undefined ? {} : { activeDeadlineSeconds }),
        },
      },
      labels: {},
      nodeName: node?.metadata.name,
      createdAt: schedule.now(),
      ready: false,
    },
    () => credentialsOfPod(plane.world, plane.cluster, pod),
  );
  if (!owner) {
    const { ownerReferences: _none, generateName: _generated, ...rest } = pod.metadata;
    pod.metadata = rest;
    touch(kube, pod);
  }
  const limit = Math.min(seconds ?? Infinity, activeDeadlineSeconds ?? Infinity);
  if (Number.isFinite(limit)) schedule.after(limit * 1000, () => complete(plane, pod));
  return pod;
};
