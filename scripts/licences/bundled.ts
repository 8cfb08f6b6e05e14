/** Finds the packages that are deployed: esbuild reports them, so no import is missed. */
import { join } from 'node:path';
import { buildSync, type BuildResult } from 'esbuild';
import { bundleOptions } from '../bundle.ts';
import { placeOf } from './lockfile.ts';

const ROOT = join(import.meta.dirname, '../..');

type Bundled = BuildResult<{ metafile: true; write: false }>;
let bundled: Bundled | undefined;

/** Builds the Lambdas' bundles in memory, once per process, since a build takes a second. Throws esbuild's errors. */
export const bundleInMemory = (): Bundled =>
  (bundled ??= buildSync({ ...bundleOptions(join(ROOT, 'dist', 'lambda')), metafile: true, write: false }));

/**
 * Returns the folders of the packages that have code in the Lambdas' bundles. A package that tree shaking removed
 * completely is not among them.
 */
export const bundledPlaces = (): ReadonlySet<string> => {
  const { outputs } = bundleInMemory().metafile;
  const files = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
  );
  return new Set(files.map(([file]) => placeOf(file)).filter((place) => place !== undefined));
};
