/** What the controllers of workloads share. */
import { isDeepStrictEqual } from 'node:util';
import type { KubeState } from './kube-state.ts';
import type { KubeObject, PodTemplate } from './objects.ts';
import { NAME_ALPHABET, touch } from './store.ts';
import type { ControlPlane } from './pods.ts';

/** One look of a controller at one workload. */
export interface Sync extends ControlPlane {
  /** When what is created now was created: milliseconds since 1970. */
  at: number;
  /** Pods are ready from the start: the workload was there before the sandbox opened. */
  instant: boolean;
  /** Has the controller look again soon. */
  again: () => void;
}

const hashOf = (text: string): string => {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return [...Buffer.from(String(hash))].map((byte) => NAME_ALPHABET[byte % NAME_ALPHABET.length]).join('');
};

/** Controllers look at the same templates again and again. */
const MOST_REMEMBERED = 500;
const remembered = new Map<string, string>();

/** Kubernetes' hash of a pod template, as labels carry it: FNV-1a over its JSON, in the alphabet of generated names. */
export const templateHash = (template: PodTemplate): string => {
  const text = JSON.stringify(template);
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const hash = hashOf(text);
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  remembered.set(text, hash);
  return hash;
};

/** A count, or a percentage of `total` such as `25%`. */
export const countOf = (
  value: number | string | undefined,
  total: number,
  round: (value: number) => number,
  otherwise: number | string,
): number => {
  const given = value ?? otherwise;
  return typeof given === 'number' ? given : round((Number.parseInt(given, 10) * total) / 100);
};

/** Leaves out what is 0, as the API does for optional counts. */
export const nonZero = (counts: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));

export const setStatus = (kube: KubeState, object: KubeObject, status: Record<string, unknown>): void => {
  if (isDeepStrictEqual(object.status, status)) return;
  object.status = status;
  touch(kube, object);
};
