import { MigrationError, type ErrorName } from '../domain/errors.ts';

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

/** An SDK error as a MigrationError that says which call it was and keeps AWS's own name and text. */
export function fromAws(call: string, thrown: unknown): MigrationError {
  if (thrown instanceof MigrationError) return thrown;
  const error: AwsError = thrown instanceof Error ? thrown : new Error(String(thrown));
  const requestId = error.$metadata?.requestId;
  return new MigrationError(nameOf(error), `${call}: ${error.name}: ${error.message}${requestId ? ` (request ${requestId})` : ''}`, { cause: error });
}

/** Runs one SDK call; every refusal becomes a MigrationError. */
export async function aws<T>(call: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw fromAws(call, error);
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
