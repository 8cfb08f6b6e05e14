/** Helpers shared by the workload controllers. */
import { isDeepStrictEqual } from 'node:util';
import type { KubeState } from './kube-state.ts';
import type { KubeObject, PodTemplate } from './objects.ts';
import { NAME_ALPHABET, touch } from './store.ts';
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

/** Hashes are cached, because controllers hash the same templates repeatedly. */
const MOST_REMEMBERED = 500;
const remembered = new Map<string, string>();

/** Returns the hash of a pod template for labels: FNV-1a over its JSON, in the alphabet of generated names. */
export const templateHash = (template: PodTemplate): string => {
  const text = JSON.stringify(template);
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const hash = hashOf(text);
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  remembered.set(text, hash);
  return hash;
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

export const setStatus = (kube: KubeState, object: KubeObject, status: Record<string, unknown>): void => {
  if (isDeepStrictEqual(object.status, status)) return;
  object.status = status;
  touch(kube, object);
};
