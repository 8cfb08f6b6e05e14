/**
 * Containers whose software needs AWS credentials and exits without them: the kubelet restarts them, with growing
 * pauses (Kubernetes documentation, "Pod Lifecycle", "Container restarts"; k8s.io/kubernetes,
 * pkg/kubelet/kuberuntime, and k8s.io/client-go, util/flowcontrol/backoff.go).
 */
import { containerCredentials } from '../credentials/sessions.ts';
import { containerSourcesOf } from '../credentials/sources.ts';
import { untilTick } from '../clock/ticks.ts';
import type { ClusterState, World } from '../world/world.ts';
import { canRun } from '../world/nodes.ts';
import type { Pod } from '../objects/objects.ts';
import { setContainerStatus } from './pod-status.ts';
import { timestamp, touch } from '../objects/store.ts';

/** Time until the kubelet notices that a container has exited, and restarts it for the first time. */
const NOTICED_MS = 1000;
const SHORTEST_MS = 10_000;
const LONGEST_MS = 300_000;

/**
 * Returns the milliseconds from a container's exit to its restart. `restarts`: how often it was restarted before. The
 * first restart is immediate; after six hours the pauses grow further, so that days of virtual time stay cheap.
 */
export const pauseBefore = (restarts: number): number => {
  if (restarts === 0) return NOTICED_MS;
  const doubled = SHORTEST_MS * 2 ** Math.min(restarts - 1, 10);
  return doubled < LONGEST_MS ? doubled : untilTick({ kind: 'virtual' }, LONGEST_MS, restarts);
};

/** Like `ControlPlane`, without the import of a file that imports this one. */
interface Plane {
  world: World;
  cluster: ClusterState;
}

/** One container of a pod that runs, and what is to be called when the pod becomes ready or unready. */
interface Running extends Plane {
  pod: Pod;
  container: string;
  readinessChanged: (ready: boolean) => void;
}

const lives = ({ cluster, pod }: Running): boolean =>
  pod.metadata.deletionTimestamp === undefined && canRun(cluster.kube, pod);

/** Returns whether the container has no credentials now. */
const hasNone = ({ world, cluster, pod, container }: Running): boolean =>
  containerCredentials(world, cluster, pod).some(
    (one) => one.container === container && !one.isInit && one.refused !== undefined && one.roleArn === undefined,
  );

/** Writes the status of the container, and reports the pod's readiness if that changes. */
const write = ({ cluster, pod, container, readinessChanged }: Running, at: number, status: object): void => {
  const ready = setContainerStatus(pod, container, at, status);
  touch(cluster.kube, pod);
  if (ready !== undefined) readinessChanged(ready);
};

/** Returns a duration as Go prints it: `10s`, `2m40s`, `5m0s`. */
const durationOf = (milliseconds: number): string => {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
};

/** The part of a container's status that its next restart needs. */
interface RunningStatus {
  name: string;
  restartCount: number;
  state: { running?: { startedAt: string } };
}

/** One run of a container: how often it was restarted before, and when the run began and ended. */
interface Run {
  restarts: number;
  startedAt: number;
  endedAt: number;
}

const endOf = ({ startedAt, endedAt }: Run): object => ({
  terminated: { exitCode: 1, reason: 'Error', startedAt: timestamp(startedAt), finishedAt: timestamp(endedAt) },
});

/** Writes that the container runs, with the end of its last run if it was restarted. */
const writeRunning = (running: Running, last: Run, at: number): void =>
  write(running, at, {
    ready: true,
    started: true,
    state: { running: { startedAt: timestamp(at) } },
    lastState: endOf(last),
    restartCount: last.restarts + 1,
  });

/** Writes that the container has exited, and starts it again after a pause. */
const restartLater = (running: Running, run: Run): void => {
  const { world, pod, container } = running;
  const { namespace = 'default', name, uid } = pod.metadata;
  const { restarts, endedAt } = run;
  const pause = pauseBefore(restarts);
  const message = `back-off ${durationOf(pause)} restarting failed container=${container} pod=${name}_${namespace}(${uid})`;
  write(running, endedAt, {
    ready: false,
    started: false,
    restartCount: restarts,
    ...(restarts === 0
      ? { state: endOf(run) }
      : { state: { waiting: { reason: 'CrashLoopBackOff', message } }, lastState: endOf(run) }),
  });
  world.schedule.at(endedAt + pause, (at) => {
    if (!lives(running)) return;
    writeRunning(running, run, at);
    exitLater(running, restarts + 1, at);
  });
};

/** Has the container use AWS a little after its start, and exit if it has no credentials then. */
const exitLater = (running: Running, restarts: number, startedAt: number): void => {
  const { schedule, knobs } = running.world;
  // Software that was restarted for any other reason goes on as before, too.
  if (knobs.softwareWithoutCredentials === 'logs') return;
  schedule.at(startedAt + knobs.firstCallSeconds * 1000, (endedAt) => {
    if (lives(running) && hasNone(running)) restartLater(running, { restarts, startedAt, endedAt });
  });
};

/**
 * Returns the containers of a pod that exit without credentials. `always`: only those that never get any, whatever
 * EKS Auth and STS answer.
 */
const mortal = (plane: Plane, pod: Pod, readinessChanged: Running['readinessChanged'], always: boolean): Running[] => {
  const { softwareWithoutCredentials } = plane.world.knobs;
  if (softwareWithoutCredentials === 'logs') return [];
  return containerSourcesOf(plane.cluster.kube, pod).flatMap(({ container, isInit, source, sdk }) => {
    const never = source !== undefined && 'problem' in source;
    const counts = softwareWithoutCredentials === 'crashes' ? never || !always : never && sdk !== undefined;
    return source && !isInit && counts ? [{ ...plane, pod, container, readinessChanged }] : [];
  });
};

/** Runs the containers of a pod that has just become ready: those that get no credentials will exit. */
export const runContainers = (
  plane: Plane,
  pod: Pod,
  startedAt: number,
  readinessChanged: Running['readinessChanged'],
): void => {
  for (const running of mortal(plane, pod, readinessChanged, false)) exitLater(running, 0, startedAt);
};

/**
 * Has a container of a pod exit now for any other reason, such as a lack of memory. `restarts`: how often it was
 * restarted before; its own count if undefined.
 */
export const exitContainer = (
  plane: Plane,
  pod: Pod,
  readinessChanged: Running['readinessChanged'],
  restarts?: number,
): void => {
  const [{ name, restartCount, state }] = pod.status.containerStatuses as [RunningStatus];
  const startedAt = Date.parse(state.running?.startedAt ?? pod.metadata.creationTimestamp);
  const run = { restarts: restarts ?? restartCount, startedAt, endedAt: plane.world.schedule.now() };
  restartLater({ ...plane, pod, container: name, readinessChanged }, run);
};

/**
 * Runs the containers of a pod that became ready before the sandbox opened: they have exited and been restarted since.
 * What EKS Auth and STS answered then is not known, so that only those count that never get credentials.
 */
export const resumeContainers = (
  plane: Plane,
  pod: Pod,
  readyAt: number,
  readinessChanged: Running['readinessChanged'],
): void => {
  const now = plane.world.schedule.now();
  for (const running of mortal(plane, pod, readinessChanged, true)) {
    let last: Run | undefined;
    for (;;) {
      const startedAt: number = last ? last.endedAt + pauseBefore(last.restarts) : readyAt;
      if (last && startedAt > now) {
        restartLater(running, last);
        break;
      }
      const endedAt = startedAt + plane.world.knobs.firstCallSeconds * 1000;
      const restarts: number = last ? last.restarts + 1 : 0;
      if (endedAt > now) {
        if (last) writeRunning(running, last, startedAt);
        exitLater(running, restarts, startedAt);
        break;
      }
      last = { restarts, startedAt, endedAt };
    }
  }
};
