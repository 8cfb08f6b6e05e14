/** Errors for a cluster that could not be read with the caller's own credentials. */
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import { awsError } from '../deployed.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';

const HINTS = {
  AccessDenied:
    'Check whose credentials these are (aws sts get-caller-identity), and allow them that action; docs/plan.md has a policy with all actions',
  Throttled: 'The rate limit of the account is used up: try again later',
  ConnectionLost:
    'Check the network and the variables AWS_ENDPOINT_URL_*; a private endpoint is reachable only from within the VPC',
} as const;
const isHinted = (name: string): name is keyof typeof HINTS => Object.hasOwn(HINTS, name);

/** Returns the error to report, with a hint for the service's own errors. */
export const notRead = (error: unknown, cluster: string): unknown => {
  if (!isMigrationError(error)) return error instanceof Error && '$metadata' in error ? awsError(error) : error;
  const exitCode =
    error.name === 'AccessDenied' || error.name === 'Unauthorised' ? EXIT_CODES.blocked : EXIT_CODES.unexpected;
  return new CliError(
    'NotRead',
    `cluster ${cluster} cannot be read: ${error.message}`,
    isHinted(error.name) ? HINTS[error.name] : 'Run the command again; with --debug it shows the stack trace',
    exitCode,
    { cause: error },
  );
};
