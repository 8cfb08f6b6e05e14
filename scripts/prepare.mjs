/**
 * Builds the published package's files after `npm ci` on a Node that does not run the sources, so that the command line
 * starts at once. `--pack` builds all of them on any Node, for `npm pack`. JavaScript, because any supported Node must
 * run it.
 */
import { ensurePackage } from './old-node/ensure-package.mjs';
import { runsSources } from './old-node/runs-sources.mjs';

/** npm installs a package from a Git repository by `npm install` in a temporary folder, and packs what that leaves. */
const isPacked = process.argv.includes('--pack') || Object.hasOwn(process.env, '_PACOTE_NO_PREPARE_');

if (isPacked) await ensurePackage('all');
else if (!runsSources) {
  try {
    await ensurePackage('running');
  } catch (error) {
    // The installation is complete without it, and the command line compiles when it is started.
    console.error(`The sources could not be compiled: ${error instanceof Error ? error.message : String(error)}`);
  }
}
