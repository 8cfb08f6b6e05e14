import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runsSources } from './runs-sources.mjs';

const TOOLS = join(import.meta.dirname, '../../node_modules/esbuild');

/**
 * Builds the published package's files if they are missing or older than their sources. `extent` is `all`, or `running`
 * for what the command line needs to run. Returns false, after an explanation on stderr, if what it needs is not installed.
 */
export const ensurePackage = async (extent) => {
  if (!existsSync(TOOLS)) {
    console.error('The sources must be compiled, and the packages that do it are not installed.\nRun: npm ci');
    process.exitCode = 1;
    return false;
  }
  if (!runsSources) {
    await import('./register.mjs');
    await import('../package/polyfills.ts');
  }
  const { hashPackageSources, isPackageFresh } = await import('../stamp.ts');
  if (isPackageFresh(hashPackageSources(), extent)) return true;
  console.error('Compiling the sources; this takes some seconds.');
  const { buildPackage } = await import('../package.ts');
  await buildPackage(extent);
  return true;
};
