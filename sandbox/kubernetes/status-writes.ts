/** Remembers what the managedFields of a status need to know, which the status itself does not show. */
import type { KubeState } from '../objects/kube-state.ts';
import type { KubeObject } from '../objects/objects.ts';

/** Counts of a budget that are there from the start: nobody owns one that has always been 0. */
const COUNTS = ['currentHealthy', 'desiredHealthy', 'disruptionsAllowed', 'expectedPods'];

/** Records that a controller has written the status that an object has now. */
export const noteStatus = ({ statusWrites }: KubeState, { kind, metadata, status }: KubeObject, at: number): void => {
  const known = statusWrites.get(metadata.uid);
  if (kind !== 'PodDisruptionBudget') {
    if (known) known.at = at;
    else statusWrites.set(metadata.uid, { at });
    return;
  }
  const counts = known?.counts ?? new Set<string>();
  for (const name of COUNTS) if (status?.[name] !== 0) counts.add(name);
  statusWrites.set(metadata.uid, { at, counts });
};

/** Returns whether a count of a status is only there because it cannot be omitted. */
export const isUnwritten = ({ statusWrites }: KubeState, { kind, metadata }: KubeObject, name: string): boolean =>
  kind === 'PodDisruptionBudget'
    ? COUNTS.includes(name) && statusWrites.get(metadata.uid)?.counts?.has(name) !== true
    : name === 'numberMisscheduled';
