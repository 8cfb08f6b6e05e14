import { MigrationError, type ErrorName } from '../domain/failures/errors.ts';

/** AWS's error names, by what they mean for us. Sources: the services' API models; EKS: all ten of its exceptions. */
const names: Record<string, ErrorName> = {
  ThrottlingException: 'Throttled',
  Throttling: 'Throttled',
  TooManyRequestsException: 'Throttled',
  RequestLimitExceeded: 'Throttled',
  ProvisionedThroughputExceededException: 'Throttled',
  ExecutionLimitExceeded: 'Throttled',
  ServerException: 'ServiceUnavailable',
  ServiceUnavailableException: 'ServiceUnavailable',
  ServiceFailure: 'ServiceUnavailable',
  InternalServerError: 'ServiceUnavailable',
  InternalFailure: 'ServiceUnavailable',
  AccessDeniedException: 'AccessDenied',
  AccessDenied: 'AccessDenied',
  ExpiredTokenException: 'AccessDenied',
  UnrecognizedClientException: 'AccessDenied',
  InvalidClientTokenId: 'AccessDenied',
  InvalidSignatureException: 'AccessDenied',
  SignatureDoesNotMatch: 'AccessDenied',
  ResourceNotFoundException: 'NotFound',
  NotFoundException: 'NotFound',
  NoSuchEntityException: 'NotFound',
  NoSuchEntity: 'NotFound',
  ExecutionDoesNotExist: 'NotFound',
  StateMachineDoesNotExist: 'NotFound',
  TaskDoesNotExist: 'NotFound',
  TaskTimedOut: 'NotFound',
  InvalidToken: 'NotFound',
  ResourceInUseException: 'Busy',
  ResourcePropagationDelayException: 'Busy',
  InvalidParameterException: 'InvalidRequest',
  InvalidRequestException: 'InvalidRequest',
  ClientException: 'InvalidRequest',
  ResourceLimitExceededException: 'InvalidRequest',
  UnsupportedAvailabilityZoneException: 'InvalidRequest',
};

interface AwsError extends Error {
  $metadata?: { httpStatusCode?: number; requestId?: string };
}

/** What is thrown, as an error of the SDK's. */
const errorOf = (thrown: unknown): AwsError => (thrown instanceof Error ? thrown : new Error(String(thrown)));

function nameOf(error: AwsError): ErrorName {
  const known = names[error.name];
  if (known) return known;
  const status = error.$metadata?.httpStatusCode;
  // No status: nothing came back, so nobody knows whether the call had its effect.
  if (status === undefined) return 'ConnectionLost';
  if (status === 429) return 'Throttled';
  if (status >= 500) return 'ServiceUnavailable';
  if (status === 403) return 'AccessDenied';
  return 'InvalidRequest';
}

/**
 * The text without these: EKS repeats what it refuses, and a configuration value may be a secret. `secrets`: the
 * longest first.
 */
const without = (text: string, secrets: readonly string[]): string =>
  secrets.reduce((left, secret) => left.replaceAll(secret, '[not shown]'), text);

/**
 * An SDK error as a MigrationError that says which call it was and keeps AWS's own name and text, but for what must not
 * land in logs and records.
 */
export function fromAws(call: string, thrown: unknown, secrets: () => readonly string[] = () => []): MigrationError {
  if (thrown instanceof MigrationError) return thrown;
  const error = errorOf(thrown);
  const requestId = error.$metadata?.requestId;
  return new MigrationError(
    nameOf(error),
    `${call}: ${error.name}: ${without(error.message, secrets())}${requestId ? ` (request ${requestId})` : ''}`,
    { cause: error },
  );
}

/** Which of our errors that is. */
export const errorNameOf = (thrown: unknown): ErrorName =>
  thrown instanceof MigrationError ? thrown.name : nameOf(errorOf(thrown));

/** Runs one SDK call; every refusal becomes a MigrationError, whose text has none of `secrets`. */
export async function aws<T>(call: string, run: () => Promise<T>, secrets?: () => readonly string[]): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw fromAws(call, error, secrets);
  }
}

/** The same, but what is not there is `undefined`. */
export async function awsOrUndefined<T>(call: string, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await aws(call, run);
  } catch (error) {
    if (error instanceof MigrationError && error.name === 'NotFound') return undefined;
    throw error;
  }
}
