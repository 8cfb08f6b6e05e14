import { describe, expect, it } from 'vitest';
import { runProcess } from './child.ts';

describe('the program as a process', () => {
  it('is blocked by an unknown cluster: exit code 3', () => {
    const { code, err } = runProcess(
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

  it('demonstrates the refusal by AWS, then every pod on Pod Identity', () => {
    const { code, out } = runProcess('demo');
    expect(out).toContain('AccessDeniedException: Cross-account pass role is not allowed.');
    expect(out).toContain('unchanged');
    expect(out).toMatch(/✔ aws-ebs-csi-driver is ACTIVE and on EKS Pod Identity; 2 of 2 pods/);
    expect(code).toBe(0);
  });
});
