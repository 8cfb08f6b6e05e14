import { ASSEMBLY, hashSources, isFresh, LAMBDAS } from '../scripts/stamp.ts';

export interface Assembly {
  /** The cloud assembly: templates and assets. */
  directory: string;
  /** The bundles of the Lambdas, `<step>.mjs`. */
  lambdaDirectory: string;
}

/**
 * The synthesised application, built first where it is missing or older than the sources; `onBuild` is called then,
 * because a build takes a few seconds. The CDK is loaded for a build only. Two processes may call this at once.
 * Throws what esbuild or the CDK have to say about sources that can't be built.
 */
export async function ensureAssembly(onBuild?: () => void): Promise<Assembly> {
  const hash = hashSources();
  if (!isFresh(hash)) {
    onBuild?.();
    const { build } = await import('../scripts/build.ts');
    await build(hash);
  }
  return { directory: ASSEMBLY, lambdaDirectory: LAMBDAS };
}
