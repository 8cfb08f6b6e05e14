/** `npm run build`: the Lambdas' bundles and the cloud assembly, in one process. */
import { mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from '../lib/app.ts';
import { bundle } from './bundle.ts';
import { ASSEMBLY, DIST, hashSources, isFresh, LAMBDAS, STAMP } from './stamp.ts';

const LOCK = join(DIST, '.lock');
/** The lock is held for some renames; one that is this old was left behind by a process that died. */
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
 * Builds beside the output, then puts it in place, with the stamp last. Does nothing when the output is that of the
 * sources already: a process that reads it is never disturbed by another that builds the same. `hash`: of the sources
 * as they were before this module was loaded, where that is known: what is saved while it loads is then built at the
 * next call. Answers whether something was built. Throws what esbuild or the CDK have to say.
 */
export async function build(hash = hashSources()): Promise<boolean> {
  if (isFresh(hash)) return false;
  mkdirSync(DIST, { recursive: true });
  const work = mkdtempSync(join(DIST, '.build-'));
  try {
    const lambdas = join(work, 'lambda');
    const assembly = join(work, 'assembly');
    await bundle(lambdas);
    // With everything that can be switched on, for every role. The sandbox refuses what AWS would not take of it.
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
  console.log(built ? `Built ${paths}.` : `Nothing to do: ${paths} are of these sources.`);
}
