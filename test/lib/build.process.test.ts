/** Real builds, by processes of their own: what they cost is too much for `npm test`. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { reportPage } from '../../lambdas/report-page/page.ts';
import { bundle, bundleOptions } from '../../scripts/bundle.ts';
import { fleetReport } from '../lambdas/domain/sweep-report-fixtures.ts';
import { lambdaDirectory } from './definition.ts';
import { textsIn } from './texts.ts';
import { words } from '../words.ts';

const ROOT = join(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'build-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('bundles', () => {
  it('are the same bytes each time', async () => {
    const again = join(scratch, 'again');
    await bundle(again);
    expect(textsIn(again)).toEqual(textsIn(lambdaDirectory));
  });
  it("have the style and the script of the report's page where its code reads them", async () => {
    const outdir = join(scratch, 'page');
    cpSync(join(lambdaDirectory, 'browser'), join(outdir, 'browser'), { recursive: true });
    await build({ ...bundleOptions(outdir), entryPoints: [{ in: 'lambdas/report-page/page.ts', out: 'report-page' }] });
    const bundled = (await import(join(outdir, 'report-page.mjs'))) as { reportPage: typeof reportPage };
    expect(bundled.reportPage(fleetReport())).toBe(reportPage(fleetReport()));
  });
});

it('build is made once more when a source has changed, also by two processes at once', async () => {
  const copy = join(scratch, 'project');
  for (const part of words`bin lib lambdas scripts cli/assembly.ts cdk.json package.json package-lock.json`) {
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const script = `
      import { readFileSync } from 'node:fs';
      import { ensureAssembly } from './cli/assembly.ts';
      let built = false;
      const { directory, lambdaDirectory } = await ensureAssembly(() => { built = true; });
      const template = readFileSync(directory + '/PodIdentityMigrator.template.json', 'utf8');
      const memory = /"MemorySize":(\\d+)/.exec(template)[1];
      console.log(JSON.stringify({ built, memory, plan: readFileSync(lambdaDirectory + '/plan.mjs', 'utf8').length > 0 }));`;
  const run = async (): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      cwd: copy,
    });
    return JSON.parse(stdout);
  };

  expect(await Promise.all([run(), run()])).toEqual([1, 2].map(() => ({ built: true, memory: '512', plan: true })));
  await expect(run()).resolves.toMatchObject({ built: false });

  const source = join(copy, 'lambdas/runtime/step.ts');
  writeFileSync(source, readFileSync(source, 'utf8').replace('memoryMb: 512', 'memoryMb: 1024'));
  await expect(run()).resolves.toEqual({ built: true, memory: '1024', plan: true });
  expect(readdirSync(join(copy, 'dist')).sort()).toEqual(['assembly', 'lambda', 'stamp']);
});
