/** Helpers to start rolling restarts and to count the pods of each template. */
import { isActive, isReady } from '../../../sandbox/kubernetes/pods.ts';
import { restartPatch, strategic, type Lab } from './support.ts';

export const restart = (lab: Lab, path: string, value = 'once') =>
  lab.call('PATCH', path, { headers: strategic, body: restartPatch(value) });

/** Counts a workload's pods: with the template's newest value, without it, and terminating. */
export const podCounts = (lab: Lab, app: string, value = 'once') => {
  const pods = lab.pods(app);
  const active = pods.filter(isActive);
  const isNew = (pod: (typeof pods)[number]) => pod.metadata.annotations?.['restarted'] === value;
  return {
    old: active.filter((pod) => !isNew(pod)).length,
    new: active.filter(isNew).length,
    newReady: active.filter((pod) => isNew(pod) && isReady(pod)).length,
    ready: active.filter(isReady).length,
    terminating: pods.length - active.length,
  };
};
