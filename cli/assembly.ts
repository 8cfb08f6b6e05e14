import { ASSEMBLY, hashSources, isFresh, LAMBDAS } from '../scripts/stamp.ts';

export interface Assembly {
  /** The cloud assembly: templates and assets. */
  directory: string;
  /** The bundles of the Lambdas, `<step>.mjs`. */
  lambdaDirectory: string;
}

/**
 * Hash of the sources that this process has found built. A process goes on with the code that it has loaded, so it
 * does not hash them again, which takes 10 ms of each sandbox that is opened, until another process has built others.
 */
let known: string | undefined;

/**
 * The synthesised application, built first where it is missing or older than the sources that this process began with;
 * `onBuild` is called then, because a build takes a few seconds. The CDK is loaded for a build only. Two processes may
 * call this at once. Throws what esbuild or the CDK have to say about sources that can't be built.
 */
export async function ensureAssembly(onBuild?: () => void): Promise<Assembly> {
  if (known === undefined || !isFresh(known)) {
    const hash = hashSources();
    if (!isFresh(hash)) {
      onBuild?.();
      const { build } = await import('../scripts/build.ts');
      await build(hash);
    }
    known = hash;
  }
  return { directory: ASSEMBLY, lambdaDirectory: LAMBDAS };
}
