import type { KubeObject } from '../objects/objects.ts';

/**
 * What was computed of objects, for as long as they have the same version: each write of an object gives it another. A
 * draft of a dry run has no version, and is computed each time.
 */
export class ByVersion<T> {
  private readonly known = new WeakMap<KubeObject, { version: string; value: T }>();

  /** Returns what is known of an object, or computes it. */
  of(object: KubeObject, compute: () => T): T {
    const version: string | undefined = object.metadata.resourceVersion;
    const found = this.known.get(object);
    if (found !== undefined && found.version === version) return found.value;
    const value = compute();
    if (version) this.known.set(object, { version, value });
    return value;
  }
}
