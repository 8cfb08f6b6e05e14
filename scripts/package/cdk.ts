/** Builds the export `./cdk` of the published package: the constructs, as one module with its declarations. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions, type BuildResult } from 'esbuild';
import { settingsTypes } from '../settings-types.ts';
import { emitDeclarations } from './declarations.ts';
import { onlyEnglish } from './only-english.ts';

const ROOT = join(import.meta.dirname, '../..');
const ENTRY = 'lib/index.ts';
/** Scripts of the runbook, which its module reads from its own folder. */
const RUNBOOK = join(ROOT, 'lib/runbook');
/** Packages that the user's app has: there must be only one of each in an app. */
const PEERS = ['aws-cdk-lib', 'constructs'];

/** Where the package has the Lambdas' bundles, relative to the module. */
const LAMBDAS = '../lambda';

type Bundled = BuildResult<{ metafile: true }>;

const options = (outdir: string, lambdas: string) =>
  ({
    absWorkingDir: ROOT,
    entryPoints: { index: ENTRY },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    // A name in a stack trace of the user's synthesis is that of the source.
    keepNames: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    external: PEERS.flatMap((name) => [name, `${name}/*`]),
    plugins: [onlyEnglish],
    define: { PACKAGED_LAMBDAS: JSON.stringify(lambdas) },
    // CommonJS dependencies call `require`, which an ES module does not have.
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    metafile: true,
    logLevel: 'warning',
  }) satisfies BuildOptions;

/** Bundles the constructs in memory, for the checks of licences. */
export const cdkInMemory = (): Promise<Bundled> =>
  build({ ...options(join(ROOT, 'dist/none'), LAMBDAS), write: false });

/**
 * Writes `index.mjs`, with the files that it reads, and `index.d.ts` into the folder. `lambdas` is the folder with the
 * Lambdas' bundles in the package, relative to it. Throws the errors of esbuild and the compiler.
 */
export async function packageCdk(outdir: string, lambdas = LAMBDAS): Promise<Bundled> {
  mkdirSync(outdir, { recursive: true });
  const bundled = await build(options(outdir, lambdas));
  for (const name of readdirSync(RUNBOOK).filter((file) => file.endsWith('.py')))
    copyFileSync(join(RUNBOOK, name), join(outdir, name));
  emitDeclarations(ENTRY, outdir, PEERS, { 'lib/settings-types.d.ts': settingsTypes() });
  return bundled;
}
