import { MigrationError, type ErrorName } from '../domain/failures/errors.ts';

/** The service's error names by AWS's error names. Sources: the services' API models; all ten exceptions of EKS. */
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

/** Returns a thrown value as an error of the SDK. */
const errorOf = (thrown: unknown): AwsError => (thrown instanceof Error ? thrown : new Error(String(thrown)));

function nameOf(error: AwsError): ErrorName {
  const known = names[error.name];
  if (known) return known;
  const status = error.$metadata?.httpStatusCode;
  // No status means no response, so it is unknown whether the call had an effect.
  if (status === undefined) return 'ConnectionLost';
  if (status === 429) return 'Throttled';
  if (status >= 500) return 'ServiceUnavailable';
  if (status === 403) return 'AccessDenied';
  return 'InvalidRequest';
}

/**
 * Returns the text without secrets: EKS repeats what it refuses, and a configuration value may be a secret. `secrets`
 * has the longest first.
 */
const without = (text: string, secrets: readonly string[]): string =>
  secrets.reduce((left, secret) => left.replaceAll(secret, '[not shown]'), text);

/**
 * Converts an SDK error to a `MigrationError` that names the call and keeps AWS's own name and text, except for what
 * must not be logged or recorded.
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

/** Returns the service's name of an error. */
export const errorNameOf = (thrown: unknown): ErrorName =>
  thrown instanceof MigrationError ? thrown.name : nameOf(errorOf(thrown));

/** Makes an SDK call. Throws every refusal as a `MigrationError`, whose text contains none of `secrets`. */
export async function aws<T>(call: string, run: () => Promise<T>, secrets?: () => readonly string[]): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw fromAws(call, error, secrets);
  }
}

/** Does the same, but returns `undefined` for what does not exist. */
export async function awsOrUndefined<T>(call: string, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await aws(call, run);
  } catch (error) {
    if (error instanceof MigrationError && error.name === 'NotFound') return undefined;
    throw error;
  }
}
