/** Bundles the command line for the published package, as JavaScript that needs no other package. */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { build, type BuildOptions, type BuildResult, type Plugin } from 'esbuild';
import { GRAMMAR_WASM, PARSER_WASM } from '../../cli/hand-off/terraform/wasm.ts';
import { cdkInMemory } from './cdk.ts';
import { onlyEnglish } from './only-english.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The oldest Node that the package supports, as package.json states it; its syntax is the bundle's. */
const TARGET = 'node20.18';

/** `NAME.packed.ts` takes the place of the `NAME.ts` next to it. */
const packedModules: Plugin = {
  name: 'modules of the published package',
  setup: (bundling) => {
    bundling.onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ path, resolveDir }) => {
      const packed = resolve(resolveDir, path.replace(/\.ts$/, '.packed.ts'));
      return existsSync(packed) ? { path: packed } : undefined;
    });
  },
};

/** Of package.json, the command line uses the name and the version. The names of development packages would only mislead scanners. */
const onlyNameAndVersion: Plugin = {
  name: 'package.json with name and version only',
  setup: (bundling) => {
    bundling.onLoad({ filter: /\/package\.json$/ }, ({ path }) => {
      if (path !== join(ROOT, 'package.json')) return undefined;
      const { name, version } = JSON.parse(readFileSync(path, 'utf8')) as { name: string; version: string };
      return { contents: JSON.stringify({ name, version }), loader: 'json' };
    });
  },
};

/** dynalite's two storages, which the sandbox replaces by its own; one of them has a part that is compiled for a platform. */
const withoutLevel: Plugin = {
  name: 'dynalite without its storages',
  setup: (bundling) => {
    bundling.onResolve({ filter: /^(level|memory-level)$/ }, ({ path }) => ({ path, namespace: 'without' }));
    bundling.onLoad({ filter: /./, namespace: 'without' }, () => ({ contents: 'module.exports = {};', loader: 'js' }));
  },
};

/** Options that all bundles of the package share. */
const COMMON = {
  absWorkingDir: ROOT,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  target: TARGET,
  mainFields: ['module', 'main'],
  logLevel: 'warning',
  metafile: true,
} satisfies BuildOptions;

/**
 * Options for the command line as `pod-identity.mjs`, and `host.mjs`, in which its sandbox runs a Lambda. With splitting,
 * a command loads only what it needs.
 */
const commandLine = (outdir: string) =>
  ({
    ...COMMON,
    entryPoints: { 'pod-identity': 'bin/pod-identity.ts', host: 'sandbox/lambda/host.ts' },
    outdir,
    splitting: true,
    plugins: [packedModules, onlyNameAndVersion, onlyEnglish, withoutLevel],
    inject: [join(ROOT, 'scripts/package/polyfills.ts')],
    // CommonJS dependencies call `require`, which an ES module does not have.
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  }) satisfies BuildOptions;

/** Options for the evaluator of trust policies as a library. */
const trust = (outdir: string) =>
  ({
    ...COMMON,
    entryPoints: { index: 'scripts/package/trust.ts' },
    outdir,
    minify: false,
  }) satisfies BuildOptions;

/** A bundle of the package, with the report of what it contains. */
export type PackageBundle = BuildResult<{ metafile: true }>;

/** Files of packages that the command line reads next to its parts: the parser of Terraform's language. */
export const COPIED_FILES: readonly string[] = [PARSER_WASM, GRAMMAR_WASM];

/** Bundles the command line into a folder, with the files of packages that it reads. */
export async function bundleCommandLine(outdir: string): Promise<PackageBundle> {
  const bundled = await build(commandLine(outdir));
  for (const file of COPIED_FILES) copyFileSync(file, join(outdir, basename(file)));
  return bundled;
}

/** Bundles the evaluator of trust policies into a folder. */
export const bundleTrust = (outdir: string): Promise<PackageBundle> => build(trust(outdir));

/** Bundles in memory everything that the package contains and the Lambdas don't, for the checks of licences. */
export const packageInMemory = (): Promise<PackageBundle[]> =>
  Promise.all([
    ...[commandLine, trust].map((options) => build({ ...options(join(ROOT, 'dist/none')), write: false })),
    cdkInMemory(),
  ]);
