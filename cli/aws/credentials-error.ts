/** Errors for missing and expired credentials, with the command that obtains new ones. */
import { shellCommand } from '../../lambdas/domain/text/shell.ts';
import { awsError } from '../deployed.ts';
import { CliError } from '../errors.ts';

const EXPIRED =
  /ExpiredToken|TokenRefreshRequired|RequestExpired|token (?:has |is )?expired|session .*(?:expired|invalid)|SSO.*(?:expired|invalid)/i;
const MISSING = /CredentialsProviderError|Could not load credentials/;
const INVALID = /InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidAccessKeyId/;

/** Returns the errors from the given one down to its first cause. */
const causesOf = (error: unknown): Error[] => (error instanceof Error ? [error, ...causesOf(error.cause)] : []);

/** Returns whether a call failed because the credentials are missing, expired or invalid. */
export const isCredentialsError = (error: unknown): boolean =>
  causesOf(error).some(({ name, message }) =>
    [EXPIRED, MISSING, INVALID].some((pattern) => pattern.test(`${name}: ${message}`)),
  );

const withProfile = (words: readonly string[], profile: string | undefined): string =>
  shellCommand([...words, ...(profile === undefined ? [] : ['--profile', profile])]);

/**
 * Returns the error for a failed first call: with exit code 2 if the credentials are missing, expired or invalid, otherwise
 * as `awsError` does. `profile`: the profile in use, if one was named.
 */
export const credentialsError = (error: unknown, profile: string | undefined): CliError => {
  if (error instanceof CliError) return error;
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  const text = `${name}: ${message}`;
  const of = profile === undefined ? '' : ` of profile ${profile}`;
  const login = `To log in: ${withProfile(['aws', 'sso', 'login'], profile)}`;
  if (EXPIRED.test(text))
    return new CliError(
      'CredentialsExpired',
      `the AWS credentials${of} have expired: ${message}`,
      `${login}\nWithout IAM Identity Center, obtain new credentials as you did before, then run the command again`,
      undefined,
      { cause: error },
    );
  if (MISSING.test(text))
    return new CliError(
      'NoCredentials',
      `no AWS credentials${of} were found: ${message}`,
      `${login}\nOr name a profile with --profile: aws configure list-profiles`,
      undefined,
      { cause: error },
    );
  if (INVALID.test(text))
    return new CliError(
      'CredentialsInvalid',
      `AWS does not accept the credentials${of}: ${message}`,
      `To see which credentials are in use: ${withProfile(['aws', 'configure', 'list'], profile)}`,
      undefined,
      { cause: error },
    );
  return awsError(error);
};
