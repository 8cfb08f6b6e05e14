import { shellCommand } from '../../lambdas/domain/text/shell.ts';

/** Returns the command that shows the trust policy of a role. */
export const lookAt = (arn: string): string =>
  `To show it: ${shellCommand(['aws', 'iam', 'get-role', '--role-name', arn.split('/').at(-1) ?? arn, '--query', 'Role.AssumeRolePolicyDocument'])}`;
