/** `npm run build` creates the Lambdas' bundles and the cloud assembly in a single process. */
import { mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from '../lib/app.ts';
import { bundle } from './bundle.ts';
import { ASSEMBLY, DIST, hashSources, isFresh, LAMBDAS, STAMP } from './stamp.ts';

const LOCK = join(DIST, '.lock');
/**
 * Age at which a lock is stale. It is held only for a few renames, so an older lock was left behind by a process that
 * died.
 */
const LOCK_EXPIRES_AFTER = 10_000;

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

async function withLock(work: () => void): Promise<void> {
  for (;;) {
    try {
      mkdirSync(LOCK);
      break;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    const heldSince = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs;
    if (heldSince !== undefined && Date.now() - heldSince > LOCK_EXPIRES_AFTER)
      rmSync(LOCK, { recursive: true, force: true });
    else await sleep(20);
  }
  try {
    work();
  } finally {
    rmdirSync(LOCK);
  }
}

/**
 * Builds in a separate folder, then moves the output into place, with the stamp last. Does nothing if the output is up
 * to date, so that a process that reads it is not disturbed by another that builds the same sources. `hash` is the hash
 * of the sources before this module was loaded, if known, so that a source that is saved while it loads is built at the
 * next call. Returns whether it built. Throws the errors of esbuild and the CDK.
 */
export async function build(hash = hashSources()): Promise<boolean> {
  if (isFresh(hash)) return false;
  mkdirSync(DIST, { recursive: true });
  const work = mkdtempSync(join(DIST, '.build-'));
  try {
    const lambdas = join(work, 'lambda');
    const assembly = join(work, 'assembly');
    await bundle(lambdas);
    // With every optional feature, for every role. The sandbox refuses what AWS would not accept.
    createApp({ outdir: assembly, lambdaDirectory: lambdas, everyRole: true }).synth();
    writeFileSync(join(work, 'stamp'), hash);
    await withLock(() => {
      if (isFresh(hash)) return;
      rmSync(STAMP, { force: true });
      for (const [made, path] of [
        [lambdas, LAMBDAS],
        [assembly, ASSEMBLY],
      ] as const) {
        rmSync(path, { recursive: true, force: true });
        renameSync(made, path);
      }
      renameSync(join(work, 'stamp'), STAMP);
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return true;
}

if (import.meta.main) {
  const built = await build();
  const paths = [LAMBDAS, ASSEMBLY].map((path) => relative(process.cwd(), path)).join(' and ');
  console.log(built ? `Built ${paths}.` : `Nothing to do: ${paths} are up to date.`);
}
