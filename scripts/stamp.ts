/**
 * Where the build's output lies, and whether it is that of the sources as they are. Loads neither the CDK nor esbuild.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

export const DIST = join(ROOT, 'dist');
/** The cloud assembly that the sandbox deploys. Not the folder of CDK's command line, whose context may be another. */
export const ASSEMBLY = join(DIST, 'assembly');
/** The bundles of the Lambdas. */
export const LAMBDAS = join(DIST, 'lambda');
export const STAMP = join(DIST, 'stamp');

/** Everything that the output depends on; the lockfile stands for the dependencies. */
const SOURCES = ['bin', 'lib', 'lambdas', 'scripts', 'cdk.json', 'package-lock.json'];

const filesUnder = (path: string): string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : [path];

/** SHA-256 over the names and contents of all sources, hex. */
export function hashSources(): string {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap((source) => filesUnder(join(ROOT, source))).sort()) {
    const content = readFileSync(file);
    hash.update(`${relative(ROOT, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** True when the output is there, whole, and of the sources with that hash. */
export const isFresh = (hash: string): boolean =>
  existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash && existsSync(ASSEMBLY) && existsSync(LAMBDAS);
