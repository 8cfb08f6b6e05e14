import { describe, expect, it } from 'vitest';
import { migrationReport } from '../../lambdas/domain/record/migration.ts';
import { runProcess } from './child.ts';

// Other exit codes, as that of a blocked plan, are what main returns: migrate.test.ts.
describe('the program as a process', () => {
  it('migrates with one JSON document on stdout, nothing on stderr and exit code 0, and exits without being stopped', () => {
    const { code, out, err } = runProcess(
      'migrate',
      '--cluster',
      'reliability-dev',
      '--addon',
      'aws-ebs-csi-driver',
      '--sandbox',
      'sandbox/scenarios/ebs-csi-irsa.json',
      '--json',
    );
    expect([err, migrationReport.parse(JSON.parse(out)).outcome, code]).toEqual(['', 'migrated', 0]);
  });

  it('refuses wrong input with exit code 2 and no stack trace', () => {
    const { code, out, err } = runProcess(
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
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('--role-arn "nonsense" must be an IAM role ARN');
    expect(err).not.toMatch(/\n {4}at /);
  });

  it('demonstrates the refusal by AWS, then every pod on Pod Identity', () => {
    const { code, out } = runProcess('demo');
    expect(out).toContain('AccessDeniedException: Cross-account pass role is not allowed.');
    expect(out).toContain('unchanged');
    expect(out).toMatch(/✔ aws-ebs-csi-driver is ACTIVE and on EKS Pod Identity; 2 of 2 pods/);
    expect(code).toBe(0);
  });
});
