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

/** All sources that the output depends on; the lockfile represents the dependencies. */
const SOURCES = ['bin', 'lib', 'lambdas', 'scripts', 'cdk.json', 'package-lock.json'];

const filesUnder = (path: string): string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : [path];

/** Returns the SHA-256 of the names and contents of all sources, in hex. */
export function hashSources(): string {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap((source) => filesUnder(join(ROOT, source))).sort()) {
    const content = readFileSync(file);
    hash.update(`${relative(ROOT, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** Returns whether the output exists, is complete, and was built from the sources with the hash. */
export const isFresh = (hash: string): boolean =>
  existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash && existsSync(ASSEMBLY) && existsSync(LAMBDAS);
