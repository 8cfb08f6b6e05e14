/** A role in IAM, with the caller's own credentials. */
import { IAMClient } from '@aws-sdk/client-iam';
import { AwsRoles } from '../../lambdas/adapters/aws-roles.ts';
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import type { Target } from '../../lambdas/domain/migration/model.ts';
import type { Roles } from '../../lambdas/ports/roles.ts';
import { awsError } from '../deployed.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';

/** What IAM, or the way to it, answered instead of what was asked for. */
export const iamError = (error: unknown): CliError => {
  if (!isMigrationError(error, 'AccessDenied')) return awsError(error);
  const hint =
    'Check whose credentials these are (aws sts get-caller-identity), that they are still valid, and that they may call it on this role';
  return new CliError('AwsError', `AWS refused: ${error.message}`, hint, EXIT_CODES.unexpected, { cause: error });
};

/**
 * By the SDK's own ways to credentials and endpoint; it may retry by itself. The region says which partition's IAM it
 * is.
 */
export const iamOf = ({ region }: Target): Roles => new AwsRoles(new IAMClient({ region }));

/** The role's trust policy. Throws a CliError where there is no such role, or IAM does not answer. */
export const trustPolicyOf = async (arn: string, roles: Roles): Promise<string> => {
  const role = await roles.getRole(arn).catch((error: unknown) => {
    throw iamError(error);
  });
  if (role) return role.trustPolicy;
  throw new CliError(
    'UnknownRole',
    `there is no role ${arn} in the account of these credentials`,
    'Check the ARN with its path, and whose credentials these are (aws sts get-caller-identity). Without --sandbox and --state, IAM itself is asked.',
  );
};
