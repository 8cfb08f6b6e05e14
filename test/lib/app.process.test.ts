/** The app as CDK's command line runs it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { REQUIRED } from './synthesised.ts';

const scratch = mkdtempSync(join(tmpdir(), 'app-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('bin/app.ts', () => {
  const run = (context: object) =>
    spawnSync(process.execPath, [join(import.meta.dirname, '../../bin/app.ts')], {
      cwd: join(import.meta.dirname, '../..'),
      encoding: 'utf8',
      env: { ...process.env, CDK_OUTDIR: join(scratch, 'cdk.out'), CDK_CONTEXT_JSON: JSON.stringify(context) },
    });

  it('synthesises what the command line asks for', () => {
    const { status, stderr } = run(REQUIRED);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(readFileSync(join(scratch, 'cdk.out/PodIdentityMigrator.template.json'), 'utf8')).toContain(
      ':role/eks-addons/*',
    );
  });

  it('fails without named roles, and says what to set', () => {
    const { status, stderr } = run({});
    expect(status).not.toBe(0);
    expect(stderr).toContain('passableRoleArns: must name the roles');
  });
});
