import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';
import { exportOf, STEP_NAMES, type StepName, stepSchemas } from '../lambdas/steps/schemas.ts';

const ROOT = join(import.meta.dirname, '..');
/** Files that `lambdas/report-page/assets.ts` reads, which are copied under the names that it expects. */
const PAGE = join(ROOT, 'lambdas/report-page/browser');

const ENTRY = 'step:';

/** Returns whether a step uses the bucket. Only the bundles of these steps include S3's client. */
const keepsDocuments = (step: StepName): boolean => 'BUCKET_NAME' in stepSchemas[step].environment.shape;

/** Returns the source of a step's entry point: the handler that Lambda calls, with the adapters that the step needs. */
const entryOf = (step: StepName): string =>
  [
    ...(keepsDocuments(step) ? ["import { s3Documents } from './lambdas/adapters/s3-documents.ts';"] : []),
    "import { lambdaHandler } from './lambdas/runtime/lambda.ts';",
    `import { ${exportOf(step)} as step } from './lambdas/steps/${step}/handler.ts';`,
    `export const handler = lambdaHandler(step${keepsDocuments(step) ? ', { documentsOf: s3Documents }' : ''});`,
  ].join('\n');

/** Generates the entry point of each step, `step:<name>`. */
const entries: Plugin = {
  name: 'entry points of the steps',
  setup: (bundling) => {
    bundling.onResolve({ filter: new RegExp(`^${ENTRY}`) }, ({ path }) => ({
      path: path.slice(ENTRY.length),
      namespace: 'step',
    }));
    bundling.onLoad({ filter: /./, namespace: 'step' }, ({ path }) => ({
      contents: entryOf(path as StepName),
      resolveDir: ROOT,
      loader: 'ts',
    }));
  },
};

/**
 * Options for bundling every step's Lambda as `<step>.mjs`, next to shared chunks. With splitting, a handler loads
 * rarely used parts of the SDK, mainly credential providers, only when it needs them, which makes a cold start about 40
 * % shorter than with a single file for each. The same sources result in the same bytes.
 */
export const bundleOptions = (outdir: string) =>
  ({
    absWorkingDir: ROOT,
    entryPoints: STEP_NAMES.map((step) => ({ in: `${ENTRY}${step}`, out: step })),
    plugins: [entries],
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    // CommonJS dependencies call `require`, which an ES module does not have.
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    logLevel: 'warning',
  }) satisfies BuildOptions;

/** Bundles every step's Lambda into `outdir`, with the files of the report's page. */
export async function bundle(outdir: string): Promise<void> {
  // Chunks are named by their content, so those of an earlier build would remain and change the asset's hash.
  rmSync(outdir, { recursive: true, force: true });
  await build(bundleOptions(outdir));
  cpSync(PAGE, join(outdir, 'browser'), { recursive: true, filter: (file) => !file.endsWith('tsconfig.json') });
}
