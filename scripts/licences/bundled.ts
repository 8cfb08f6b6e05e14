/** Which packages end up in what is deployed: asked of esbuild, not guessed from the imports. */
import { join } from 'node:path';
import { buildSync, type BuildResult } from 'esbuild';
import { bundleOptions } from '../bundle.ts';
import { placeOf } from './lockfile.ts';

const ROOT = join(import.meta.dirname, '../..');

type Bundled = BuildResult<{ metafile: true; write: false }>;
let bundled: Bundled | undefined;

/** The Lambdas' bundles, made in memory, once in a process: that takes a second. Throws what esbuild has to say. */
export const bundleInMemory = (): Bundled =>
  (bundled ??= buildSync({ ...bundleOptions(join(ROOT, 'dist', 'lambda')), metafile: true, write: false }));

/**
 * Places in the lockfile of the packages that have code in the Lambdas' bundles; what was shaken out whole isn't among
 * them.
 */
export const bundledPlaces = (): ReadonlySet<string> => {
  const { outputs } = bundleInMemory().metafile;
  const files = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
  );
  return new Set(files.map(([file]) => placeOf(file)).filter((place) => place !== undefined));
};
