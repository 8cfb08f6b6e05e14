import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { migrationReport } from '../../lambdas/domain/model.ts';

const ROOT = join(import.meta.dirname, '../..');

const run = (...argv: string[]): { code: number | null; out: string; err: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/pod-identity.ts', ...argv], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return { code: status, out: stdout, err: stderr };
};

describe('the program as a process', () => {
  it('migrates: one JSON document on stdout, nothing on stderr, exit code 0, and it ends by itself', () => {
    const { code, out, err } = run(
      'migrate',
      '--cluster',
      'reliability-dev',
      '--addon',
      'aws-ebs-csi-driver',
      '--sandbox',
      'sandbox/scenarios/ebs-csi-irsa.json',
      '--json',
    );
    expect(err).toBe('');
    expect(migrationReport.parse(JSON.parse(out)).outcome).toBe('migrated');
    expect(code).toBe(0);
  });

  it('is blocked by an unknown cluster: exit code 3', () => {
    const { code, err } = run(
      'migrate',
      '--cluster',
      'nowhere',
      '--addon',
      'aws-ebs-csi-driver',
      '--sandbox',
      'sandbox/scenarios/ebs-csi-irsa.json',
    );
    expect(code).toBe(3);
    expect(err).not.toMatch(/\n {4}at /);
  });

  it('refuses wrong input: exit code 2 and no stack trace', () => {
    const { code, out, err } = run(
      'migrate',
      '--cluster',
      'demo',
      '--addon',
      'aws-ebs-csi-driver',
      '--role-arn',
      'nonsense',
      '--sandbox',
      'x.json',
    );
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('--role-arn "nonsense" must be an IAM role ARN');
    expect(err).not.toMatch(/\n {4}at /);
  });

  it('tells its story: the refusal of AWS, then every pod on Pod Identity', () => {
    const { code, out } = run('demo');
    expect(out).toContain('AccessDeniedException: Cross-account pass role is not allowed.');
    expect(out).toContain('exactly as they were');
    expect(out).toMatch(/✔ aws-ebs-csi-driver is ACTIVE and on EKS Pod Identity, and so are all 2 pods/);
    expect(code).toBe(0);
  });
});
