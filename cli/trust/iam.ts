/** Reads a role in IAM, with the caller's own credentials. */
import { IAMClient } from '@aws-sdk/client-iam';
import { AwsRoles } from '../../lambdas/adapters/aws-roles.ts';
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import type { Roles } from '../../lambdas/ports/roles.ts';
import { awsError } from '../deployed.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';

/** Returns the error for a failed call to IAM. */
export const iamError = (error: unknown): CliError => {
  if (!isMigrationError(error, 'AccessDenied')) return awsError(error);
  const hint =
    'Check whose credentials these are (aws sts get-caller-identity), that they are valid, and that they allow this call on this role';
  return new CliError('AwsError', `AWS denied the call: ${error.message}`, hint, EXIT_CODES.unexpected, {
    cause: error,
  });
};

/**
 * Returns IAM with the SDK's own configuration of credentials, endpoint and retries. The region selects the partition.
 */
export const iamOf = ({ region }: Target): Roles => new AwsRoles(new IAMClient({ region }));

/** Returns the role's trust policy. Throws a CliError if the role does not exist, or IAM does not answer. */
export const trustPolicyOf = async (arn: string, roles: Roles): Promise<string> => {
  const role = await roles.getRole(arn).catch((error: unknown) => {
    throw iamError(error);
  });
  if (role) return role.trustPolicy;
  throw new CliError(
    'UnknownRole',
    `role ${arn} does not exist in the account of these credentials`,
    'Check the ARN with its path, and whose credentials these are (aws sts get-caller-identity). Without --sandbox and --state, the role is read from IAM.',
  );
};
