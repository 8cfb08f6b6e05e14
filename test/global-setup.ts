import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureAssembly } from '../cli/assembly.ts';
import { RUN_FOLDER } from './once-per-run.ts';

/**
 * Bundles and synthesises once, before the tests that run the definition and the bundles. Returns the teardown, which
 * removes what the processes of this run shared.
 */
export default async function setUp(): Promise<() => void> {
  // Called for each project of a run.
  const folder = (process.env[RUN_FOLDER] ??= mkdtempSync(join(tmpdir(), 'test-run-')));
  await ensureAssembly();
  return () => rmSync(folder, { recursive: true, force: true });
}
