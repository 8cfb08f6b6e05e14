/** Finds the packages that are deployed or published: esbuild reports them, so no import is missed. */
import { join } from 'node:path';
import { build, type BuildResult, type Metafile } from 'esbuild';
import { bundleOptions } from '../bundle.ts';
import { COPIED_FILES, type PackageBundle, packageInMemory } from '../package/bundle.ts';
import { pathOf } from './lockfile.ts';

const ROOT = join(import.meta.dirname, '../..');

type Bundled = BuildResult<{ metafile: true; write: false }>;
let bundled: Promise<Bundled> | undefined;

/**
 * Bundles the Lambdas in memory, once in a process, because that takes a second. Rejects with esbuild's error if they
 * can't be bundled.
 */
export const bundleInMemory = (): Promise<Bundled> =>
  (bundled ??= build({ ...bundleOptions(join(ROOT, 'dist', 'lambda')), metafile: true, write: false }));

const placesIn = ({ outputs }: Metafile): string[] =>
  Object.values(outputs)
    .flatMap(({ inputs }) => Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0))
    .map(([file]) => pathOf(file))
    .filter((path) => path !== undefined);

/**
 * Returns the folders of the packages that have code in the Lambdas' bundles. A package that tree shaking removed
 * completely is not among them.
 */
export const bundledPlaces = async (): Promise<ReadonlySet<string>> =>
  new Set(placesIn((await bundleInMemory()).metafile));

let packed: Promise<readonly PackageBundle[]> | undefined;

const copiedPlaces = COPIED_FILES.map((file) => pathOf(file)).filter((path) => path !== undefined);

/**
 * Returns the folders of the packages that have code in the published package's own parts, such as the command line:
 * bundled, or as files that are copied. `bundles` are the bundles of these parts, if they have just been built.
 */
export const packedPlaces = async (bundles?: readonly PackageBundle[]): Promise<ReadonlySet<string>> => {
  const built = bundles ?? (await (packed ??= packageInMemory()));
  return new Set([...copiedPlaces, ...built.flatMap(({ metafile }) => placesIn(metafile))]);
};

/**
 * Returns the folders of the packages that ship, in the Lambdas or in the published package's own bundles. `bundles` is
 * as in `packedPlaces`.
 */
export const shippedPlaces = async (bundles?: readonly PackageBundle[]): Promise<ReadonlySet<string>> =>
  new Set([...(await bundledPlaces()), ...(await packedPlaces(bundles))]);
