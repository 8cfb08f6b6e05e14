#!/usr/bin/env node
/**
 * Runs the command line from a checkout on any supported Node: the sources where this Node runs them, and otherwise the
 * bundle of the published package, which `npm ci` builds on such a Node.
 */
import { runsSources } from '../scripts/old-node/runs-sources.mjs';

if (runsSources) await import('./pod-identity.ts');
else {
  const { ensurePackage } = await import('../scripts/old-node/ensure-package.mjs');
  if (await ensurePackage('running')) await import('../dist/package/cli/pod-identity.mjs');
}
