/**
 * `npm run package` builds what the published package contains besides its manifest, README, CHANGELOG and licence:
 * `dist/package`. docs/package.md describes it.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, relative } from 'node:path';
import { build } from './build.ts';
import { writeClientTypes } from './client-types.ts';
import { bundleCommandLine, bundleTrust, type PackageBundle } from './package/bundle.ts';
import { packageCdk } from './package/cdk.ts';
import { emitDeclarations } from './package/declarations.ts';
import { writeNotices } from './package/notices.ts';
import {
  ASSEMBLY,
  DIST,
  hashPackageSources,
  isPackageFresh,
  PACKAGE,
  PACKAGE_STAMP,
  type PackageExtent,
} from './stamp.ts';

const ROOT = join(import.meta.dirname, '..');

/** Builds one part of the package in its folder, and returns its bundle, if it has one. No part depends on another. */
type Part = (folder: string) => Promise<PackageBundle> | void;

/** The command line, with the files that its modules read from the folders next to theirs. */
const commandLine: Part = async (folder) => {
  const bundled = await bundleCommandLine(join(folder, 'cli'));
  cpSync(join(ROOT, 'lambdas/report-page/browser'), join(folder, 'cli/browser'), {
    recursive: true,
    filter: (file) => basename(file) !== 'tsconfig.json',
  });
  return bundled;
};

const scenarios: Part = (folder) =>
  cpSync(join(ROOT, 'sandbox/scenarios'), join(folder, 'sandbox/scenarios'), { recursive: true });

/** Files of the cloud assembly that only CDK's own command line reads; they repeat the paths of all constructs. */
const isUnread = (name: string): boolean => name.endsWith('.metadata.json') || name === '.settings';

/** The cloud assembly that the sandbox deploys. The Lambdas' asset, which it names by its hash, is the folder `lambda`. */
const assembly: Part = (folder) => {
  const to = join(folder, 'assembly');
  cpSync(ASSEMBLY, to, { recursive: true, filter: (file) => !isUnread(basename(file)) });
  const file = join(to, 'PodIdentityMigrator.assets.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as { files: Record<string, { source: { path: string } }> };
  const code = Object.values(manifest.files).find(({ source }) => existsSync(join(to, source.path, 'plan.mjs')));
  if (code === undefined) throw new Error(`${file} names no asset with the Lambdas' bundles.`);
  renameSync(join(to, code.source.path), join(folder, 'lambda'));
  code.source.path = '../lambda';
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
};

const schemas: Part = (folder) => {
  mkdirSync(join(folder, 'schemas'), { recursive: true });
  for (const file of ['sandbox/scenario.schema.json', 'docs/configuration.schema.json'])
    copyFileSync(join(ROOT, file), join(folder, 'schemas', basename(file)));
};

/** The export `./trust`. */
const trust: Part = async (folder) => {
  const bundled = await bundleTrust(join(folder, 'trust'));
  emitDeclarations('scripts/package/trust.ts', join(folder, 'trust'));
  return bundled;
};

/** The export `./api`: the types of the HTTP API, and no code. */
const api: Part = (folder) => writeClientTypes(join(folder, 'api/index.d.ts'));

/** The export `./cdk`, whose constructs deploy the folder `lambda`. */
const cdk: Part = (folder) => packageCdk(join(folder, 'cdk'));

/** What the command line needs to run. */
const RUNNING: readonly Part[] = [commandLine, scenarios, assembly];
const ALL: readonly Part[] = [...RUNNING, schemas, trust, cdk, api];

/**
 * Builds in a separate folder, then moves the output to `dist/package`, with the stamp last. Does nothing if the output
 * is up to date. `extent` is `all`, or `running` for what the command line needs to run, which takes no compiler.
 * Returns whether it built. Throws the errors of esbuild, the CDK and the compiler.
 */
export async function buildPackage(extent: PackageExtent = 'all'): Promise<boolean> {
  const hash = hashPackageSources();
  if (isPackageFresh(hash, extent)) return false;
  await build();
  const work = mkdtempSync(join(DIST, '.package-'));
  try {
    const folder = join(work, 'package');
    mkdirSync(folder);
    const bundles: PackageBundle[] = [];
    for (const part of extent === 'all' ? ALL : RUNNING) {
      const bundled = await part(folder);
      if (bundled) bundles.push(bundled);
    }
    if (extent === 'all') await writeNotices(folder, bundles);
    rmSync(PACKAGE_STAMP, { force: true });
    rmSync(PACKAGE, { recursive: true, force: true });
    renameSync(folder, PACKAGE);
    writeFileSync(PACKAGE_STAMP, `${extent} ${hash}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return true;
}

if (import.meta.main) {
  const path = relative(process.cwd(), PACKAGE);
  console.log((await buildPackage()) ? `Built ${path}.` : `Nothing to do: ${path} is up to date.`);
}
