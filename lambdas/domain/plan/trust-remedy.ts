/** The remedies for roles that a service account cannot use through EKS Pod Identity. */
import { clusterArn } from '../aws/arn.ts';
import type { Target } from '../terms/subject.ts';
import { shellCommand } from '../text/shell.ts';
import { GUIDE } from '../terms/check.ts';

export const TRUST_SOURCE = `${GUIDE}, "Create IAM role with trust policy required by EKS Pod Identity"`;

/** Returns a command that shows what is missing and changes nothing. */
export const trustRemedy = (
  target: Target,
  { roleArn, namespace, serviceAccount }: { roleArn: string; namespace: string; serviceAccount: string },
): string =>
  `Show what is missing: ${shellCommand(
    ['pod-identity', 'trust', 'repair', '--dry-run'],
    ['--role-arn', roleArn],
    ['--cluster-arn', clusterArn(target)],
    ['--namespace', namespace],
    ['--service-account', serviceAccount],
  )}`;

/** Returns the command that prints what a role of another account needs, as policies and commands. */
export const targetRoleCommand = (
  target: Target,
  { roleArn, namespace, serviceAccount }: { roleArn: string; namespace: string; serviceAccount: string },
): string =>
  shellCommand(
    ['pod-identity', 'trust', 'target-role'],
    ['--role-arn', roleArn],
    ['--cluster-arn', clusterArn(target)],
    ['--namespace', namespace],
    ['--service-account', serviceAccount],
  );
