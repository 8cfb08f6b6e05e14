import { describe, expect, it } from 'vitest';
import { migrationReport } from '../../lambdas/domain/migration/model.ts';
import { runProcess } from './child.ts';
import { words } from './fixtures.ts';

// All other tests run main in this process; further tests of the program as a process are in child.process.test.ts.
describe('the program as a process', () => {
  it('migrates with one JSON document on stdout, nothing on stderr and exit code 0, and exits without being stopped', () => {
    const { code, out, err } = runProcess(
      ...words`migrate --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox
        sandbox/scenarios/ebs-csi-irsa.json --json`,
    );
    expect(err).toBe('');
    expect(migrationReport.parse(JSON.parse(out)).outcome).toBe('migrated');
    expect(code).toBe(0);
  });

  it('refuses wrong input with exit code 2 and no stack trace', () => {
    const { code, out, err } = runProcess(
      ...words`migrate --cluster demo --addon aws-ebs-csi-driver --role-arn nonsense --sandbox x.json`,
    );
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('--role-arn "nonsense" must be an IAM role ARN');
    expect(err).not.toMatch(/\n {4}at /);
  });
});
