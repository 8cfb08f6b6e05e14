/**
 * What the proofs of rights are of: the sandbox's deployment, with a window, and one sweep that is started by the clock,
 * which only a file can ask for.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { createApp } from '../../lib/app.ts';

/** The only sweep of the clock's: at a time of the day at which no other run is under way. */
export const SCHEDULED_AT = '04:00';
const sweeps = [{ name: 'nightly', schedule: 'cron(0 4 * * ? *)', request: { mode: 'inventory' } }];

/** Closed for one hour of the day, in which a reinstatement needs an approval. */
const changeWindow = { schedule: '0 6 * * *', durationMinutes: 23 * 60, timeZone: 'UTC' };

/** Folder of its cloud assembly, which is gone when the tests of the file are over. */
export const deployWithSchedule = async (): Promise<string> => {
  const { lambdaDirectory } = await ensureAssembly();
  const directory = mkdtempSync(join(tmpdir(), 'permissions-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const config = join(directory, 'settings.json');
  writeFileSync(config, JSON.stringify({ sweeps, changeWindow }));
  const outdir = join(directory, 'assembly');
  // No asset is copied: the sandbox reads the settings, and runs the sources.
  const context = { config, 'aws:cdk:disable-asset-staging': true };
  createApp({ outdir, lambdaDirectory, everyRole: true, context }).synth();
  return outdir;
};
