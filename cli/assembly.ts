import { ASSEMBLY, hashSources, isFresh, LAMBDAS } from '../scripts/stamp.ts';

export interface Assembly {
  /** The cloud assembly: templates and assets. */
  directory: string;
  /** The bundles of the Lambdas, `<step>.mjs`. */
  lambdaDirectory: string;
}

/**
 * Hash of the sources whose build this process has found. A process keeps using the code that it has loaded, so it
 * hashes the sources again (10 ms for each sandbox) only after another process has built others.
 */
let known: string | undefined;

/**
 * Returns the synthesised application, after building it if it is missing or older than the sources that this process
 * started with; calls `onBuild` before a build, which takes a few seconds. Loads the CDK only for a build. Two processes
 * may call this at once. Throws the errors of esbuild or the CDK for sources that cannot be built.
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
