/**
 * Builds the published package's files after `npm ci` on a Node that does not run the sources, so that the command line
 * starts at once. `--always` builds them on any Node, for `npm pack`. JavaScript, because any supported Node must run it.
 */
import { ensurePackage } from './old-node/ensure-package.mjs';
import { runsSources } from './old-node/runs-sources.mjs';

/** npm installs a package from a Git repository by `npm install` in a temporary folder, and packs what that leaves. */
const isInstalledFromGit = process.env._PACOTE_NO_PREPARE_ !== undefined;

if (!runsSources || isInstalledFromGit || process.argv.includes('--always')) await ensurePackage();
