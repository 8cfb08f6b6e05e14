import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, buildSync } from 'esbuild';
import { stepSchemas } from '../lambdas/steps/schemas.ts';

const ROOT = join(import.meta.dirname, '..');
/** Files that `lambdas/report-page/assets.ts` reads: they are copied, under the name by which it finds them. */
const PAGE = join(ROOT, 'lambdas/report-page/browser');

/**
 * How every step's Lambda is bundled, as `<step>.mjs` beside the chunks that they share. One call with splitting: a
 * handler then loads the SDK's rarely used parts (credential providers above all) only when it needs them, which makes
 * a cold start about 40 % shorter than one file each. The same sources give the same bytes.
 */
export const bundleOptions = (outdir: string) =>
  ({
    absWorkingDir: ROOT,
    entryPoints: Object.keys(stepSchemas).map((step) => ({ in: `lambdas/steps/${step}/main.ts`, out: step })),
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    // Dependencies in CommonJS call `require`, which an ES module does not have.
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    logLevel: 'warning',
  }) satisfies BuildOptions;

/** Bundles every step's Lambda into `outdir`, with the files of the report's page. */
export function bundle(outdir: string): void {
  // Chunks are named by their content: those of an earlier build would stay and change the asset's hash.
  rmSync(outdir, { recursive: true, force: true });
  buildSync(bundleOptions(outdir));
  cpSync(PAGE, join(outdir, 'browser'), { recursive: true, filter: (file) => !file.endsWith('tsconfig.json') });
}
