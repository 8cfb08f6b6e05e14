/** Helpers shared by the workload controllers. */
import { isDeepStrictEqual } from 'node:util';
import { isObject, type Json } from '../json.ts';
import { withPodSpecDefaults } from './defaults/pod-spec.ts';
import type { KubeState } from '../objects/kube-state.ts';
import { noteStatus } from './status-writes.ts';
import type { KubeObject, PodTemplate } from '../objects/objects.ts';
import { NAME_ALPHABET, touch } from '../objects/store.ts';
import type { ControlPlane } from './pods.ts';

/** Delay from a change until a controller sees it: short, but not zero. A placeholder, not a measurement. */
export const CONTROLLER_LAG = 50;

/** One reconciliation of a workload by its controller. */
export interface Sync extends ControlPlane {
  /** Creation time of objects that are created now: milliseconds since 1970. */
  at: number;
  /** True if pods are ready from the start, because the workload existed before the sandbox opened. */
  instant: boolean;
  /** Schedules another reconciliation. */
  again: () => void;
}

const hashOf = (text: string): string => {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return [...Buffer.from(String(hash))].map((byte) => NAME_ALPHABET[byte % NAME_ALPHABET.length]).join('');
};

/** Returns JSON with the members of each object in alphabetical order. */
const sortedJson = (value: unknown): string =>
  JSON.stringify(value, (_key, one: unknown) =>
    isObject(one) ? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1))) : one,
  );

/** What controllers hash repeatedly is cached, by the template's JSON. */
const MOST_REMEMBERED = 500;
const remembered = new Map<string, { hash: string; meaning: string }>();

/**
 * Returns the hash of a pod template for labels: FNV-1a over its JSON, in the alphabet of generated names. Templates of
 * a cluster that mean the same have the same hash: those that a client has read, with the API's defaults, and writes
 * back.
 */
export const templateHash = ({ templateHashes }: KubeState, template: PodTemplate): string => {
  const text = JSON.stringify(template);
  let known = remembered.get(text);
  if (known === undefined) {
    const { creationTimestamp: _never, ...metadata } = template.metadata as Json;
    const meaning = sortedJson({ ...template, metadata, spec: withPodSpecDefaults(template.spec) });
    known = { hash: hashOf(text), meaning };
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(text, known);
  }
  const earlier = templateHashes.get(known.meaning);
  if (earlier === undefined) templateHashes.set(known.meaning, known.hash);
  return earlier ?? known.hash;
};

/** Resolves a count, or a percentage of `total` such as `25%`. */
export const countOf = (
  value: number | string | undefined,
  total: number,
  round: (value: number) => number,
  otherwise: number | string,
): number => {
  const given = value ?? otherwise;
  return typeof given === 'number' ? given : round((Number.parseInt(given, 10) * total) / 100);
};

/** Omits counts of 0, as the API does for optional counts. */
export const nonZero = (counts: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));

/** Writes the status of an object, as its controller. `at`: milliseconds since 1970. */
export const setStatus = (kube: KubeState, object: KubeObject, status: Record<string, unknown>, at: number): void => {
  if (isDeepStrictEqual(object.status, status)) return;
  object.status = status;
  noteStatus(kube, object, at);
  touch(kube, object);
};
