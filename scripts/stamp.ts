/** Locates the build's output, and checks whether it is up to date. Loads neither the CDK nor esbuild. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

export const DIST = join(ROOT, 'dist');
/**
 * The cloud assembly that the sandbox deploys. CDK's command line uses another folder, because its context may differ.
 */
export const ASSEMBLY = join(DIST, 'assembly');
/** The bundles of the Lambdas. */
export const LAMBDAS = join(DIST, 'lambda');
export const STAMP = join(DIST, 'stamp');
/** The files of the published package that are built. */
export const PACKAGE = join(DIST, 'package');
export const PACKAGE_STAMP = join(DIST, 'package-stamp');

/** All sources that the output depends on; the lockfile represents the dependencies. */
const SOURCES = ['bin', 'lib', 'lambdas', 'scripts', 'cdk.json', 'package-lock.json'];
/** Sources of the published package in addition to those. */
const PACKAGE_SOURCES = ['cli', 'sandbox', 'package.json', 'docs/configuration.schema.json', 'docs/openapi.json'];

const filesUnder = (path: string): string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : [path];

/** Returns the SHA-256 of the names and contents of all files in these places, in hex. */
function hashOf(sources: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of sources.flatMap((source) => filesUnder(join(ROOT, source))).sort()) {
    const content = readFileSync(file);
    hash.update(`${relative(ROOT, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** Returns the hash of the sources of the Lambdas and the assembly. */
export const hashSources = (): string => hashOf(SOURCES);

/** Returns the hash of the sources of the published package. */
export const hashPackageSources = (): string => hashOf([...SOURCES, ...PACKAGE_SOURCES]);

/** Returns whether the output exists, is complete, and was built from the sources with the hash. */
export const isFresh = (hash: string): boolean =>
  existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash && existsSync(ASSEMBLY) && existsSync(LAMBDAS);

/** How much of the published package is built. */
export type PackageExtent = 'running' | 'all';

/** Returns whether at least these files of the published package exist and were built from the sources with the hash. */
export const isPackageFresh = (hash: string, extent: PackageExtent): boolean => {
  if (!existsSync(PACKAGE_STAMP) || !existsSync(PACKAGE)) return false;
  const [built, of] = readFileSync(PACKAGE_STAMP, 'utf8').split(' ');
  return of === hash && (built === 'all' || built === extent);
};
